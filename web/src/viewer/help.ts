import { h } from "../lib/dom.ts";
import { COMMANDS } from "./keys.ts";

/** Shows keys and mouse in a dialog. */
export function showHelp(root: HTMLElement): void {
  root.querySelector("dialog.viewer-help")?.remove();
  const groups = [...new Set(COMMANDS.map((command) => command.group))].map((group) =>
    h(
      "section",
      {},
      h("h3", {}, group),
      h(
        "dl",
        {},
        ...COMMANDS.filter((command) => command.group === group).map((command) =>
          h("div", {}, h("dt", {}, h("kbd", {}, command.shown)), h("dd", {}, command.words)),
        ),
      ),
    ),
  );
  const mouse = h(
    "section",
    {},
    h("h3", {}, "Mouse and touch"),
    h(
      "dl",
      {},
      ...[
        ["Wheel", "Through the images; with Ctrl: zoom"],
        ["Left button, one finger", "The chosen tool"],
        ["Middle button", "Move the picture"],
        ["Right button", "Zoom"],
        ["Two fingers", "Zoom and move"],
        ["Double click", "One pane or two"],
      ].map(([keys, words]) => h("div", {}, h("dt", {}, keys), h("dd", {}, words))),
    ),
  );
  const close = h("button", { type: "submit", class: "viewer-button" }, "Close");
  const dialog = h(
    "dialog",
    { class: "viewer-help", "aria-labelledby": "viewer-help-title" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "viewer-help-title" }, "Keys"),
      h("div", { class: "viewer-help-groups" }, ...groups, mouse),
      close,
    ),
  );
  root.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  close.focus();
}
