import { h, on, stopper } from "../lib/dom.ts";
import type { Tool } from "./gestures.ts";
import { type IconName, icon } from "./icons.ts";
import { COMMANDS, type CommandId } from "./keys.ts";
import type { Preset } from "./window.ts";

/** What the toolbar shows as chosen. */
export interface ToolbarState {
  tool: Tool;
  layout: 1 | 2;
  isLinked: boolean;
  isInverted: boolean;
  presets: readonly Preset[];
}

/** The viewer's toolbar. */
export interface Toolbar {
  root: HTMLElement;
  update: (state: ToolbarState) => void;
  stop: () => void;
}

type Button = readonly [CommandId, IconName, string];

const TOOLS: readonly Button[] = [
  ["tool-scroll", "scroll", "Scroll"],
  ["tool-window", "window", "Brightness"],
  ["tool-pan", "pan", "Move"],
  ["tool-zoom", "zoom", "Zoom"],
  ["tool-length", "length", "Length"],
];
const PICTURE: readonly Button[] = [
  ["invert", "invert", "Invert"],
  ["zoom-in", "plus", "Zoom in"],
  ["zoom-out", "minus", "Zoom out"],
  ["fit", "fit", "Fit"],
  ["rotate", "rotate", "Turn"],
  ["flip-h", "flip", "Mirror"],
  ["reset", "reset", "Reset"],
];
const PANES: readonly Button[] = [
  ["layout", "two", "Two panes"],
  ["link", "link", "Scroll together"],
];

/** Builds the toolbar: one tab stop, arrows move within it. */
export function buildToolbar(
  run: (id: CommandId) => void,
  pick: (preset: number) => void,
): Toolbar {
  const work = stopper();
  const buttons = new Map<CommandId, HTMLButtonElement>();
  const make = ([id, picture, words]: Button) => {
    const command = COMMANDS.find((each) => each.id === id);
    const button = h(
      "button",
      {
        type: "button",
        class: "viewer-button",
        title: `${command?.words ?? words} (${command?.shown ?? ""})`,
        "aria-label": words,
        "data-command": id,
      },
      icon(picture),
      h("span", { class: "viewer-button-words", "aria-hidden": "true" }, words),
    );
    work.add(on(button, "click", () => run(id)));
    buttons.set(id, button);
    return button;
  };
  const group = (label: string, ...parts: HTMLElement[]) =>
    h("div", { class: "viewer-group", role: "group", "aria-label": label }, ...parts);

  const presets = h("select", { class: "viewer-presets", "aria-label": "Window preset" });
  work.add(
    on(presets, "change", () => {
      if (presets.value !== "") pick(Number(presets.value));
      presets.value = "";
    }),
  );
  const root = h(
    "div",
    { class: "viewer-toolbar", role: "toolbar", "aria-label": "Viewer tools" },
    group("Tools", ...TOOLS.map(make)),
    group("Picture", presets, ...PICTURE.map(make)),
    group("Panes", ...PANES.map(make)),
    group("Help", make(["help", "help", "Keys"])),
  );
  work.add(roving(root));

  let known: readonly Preset[] | null = null;
  const press = (id: CommandId, isPressed: boolean) =>
    buttons.get(id)?.setAttribute("aria-pressed", String(isPressed));
  return {
    root,
    stop: work.stop,
    update: (state) => {
      for (const [id] of TOOLS) press(id, id === `tool-${state.tool}`);
      press("invert", state.isInverted);
      press("layout", state.layout === 2);
      press("link", state.isLinked && state.layout === 2);
      const link = buttons.get("link");
      if (link) link.disabled = state.layout === 1;
      if (known === state.presets) return;
      known = state.presets;
      presets.disabled = state.presets.length === 0;
      presets.replaceChildren(
        h("option", { value: "" }, "Window…"),
        ...state.presets.map((preset, at) =>
          h("option", { value: at }, at < 4 ? `${preset.name} (${at + 1})` : preset.name),
        ),
      );
    },
  };
}

/** One tab stop for all; arrows, Home and End move it (APG toolbar pattern). */
function roving(root: HTMLElement): () => void {
  const stops = () => [...root.querySelectorAll<HTMLElement>("button, select")];
  const choose = (element: HTMLElement) => {
    for (const each of stops()) each.tabIndex = each === element ? 0 : -1;
  };
  const first = stops()[0];
  if (first) choose(first);
  const work = stopper();
  work.add(
    on(root, "focusin", (event) => {
      if (event.target instanceof HTMLElement) choose(event.target);
    }),
  );
  work.add(
    on(root, "keydown", (event) => {
      if (event.ctrlKey || event.shiftKey || event.altKey || event.metaKey) return;
      const usable = stops().filter((each) => !each.matches(":disabled"));
      const at = usable.indexOf(event.target as HTMLElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: usable.length - 1 }[
        event.key
      ];
      if (to === undefined || at < 0) return;
      event.preventDefault();
      event.stopPropagation();
      usable[(to + usable.length) % usable.length]?.focus();
    }),
  );
  return work.stop;
}
