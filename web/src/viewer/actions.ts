import type { CommandId } from "./keys.ts";
import type { Pane } from "./pane.ts";
import { WHOLE } from "./surface.ts";
import { type Preset, presetsFor } from "./window.ts";

/** What a key step does to the window, as if dragged by so many pixels. */
const WINDOW_STEP = 15;
/** What a key step moves the picture, CSS pixels. */
const MOVE_STEP = 30;
const ZOOM_STEP = 1.25;

/** What a command does to one pane alone; the rest is the viewer's. */
export const PANE_ACTIONS: Partial<Record<CommandId, (pane: Pane) => void>> = {
  previous: (pane) => pane.step(-1),
  next: (pane) => pane.step(1),
  first: (pane) => void pane.show(0),
  last: (pane) => void pane.show(Number.MAX_SAFE_INTEGER),
  "window-wider": (pane) => dragWindow(pane, WINDOW_STEP, 0),
  "window-narrower": (pane) => dragWindow(pane, -WINDOW_STEP, 0),
  "level-up": (pane) => dragWindow(pane, 0, WINDOW_STEP),
  "level-down": (pane) => dragWindow(pane, 0, -WINDOW_STEP),
  invert: (pane) => pane.setLook(pane.window, !pane.isInverted),
  "zoom-in": (pane) => pane.zoomBy(ZOOM_STEP),
  "zoom-out": (pane) => pane.zoomBy(1 / ZOOM_STEP),
  fit: (pane) => pane.setView({ ...pane.view, zoom: 1, center: WHOLE.center }),
  "move-left": (pane) => pane.moveBy(-MOVE_STEP, 0),
  "move-right": (pane) => pane.moveBy(MOVE_STEP, 0),
  "move-up": (pane) => pane.moveBy(0, -MOVE_STEP),
  "move-down": (pane) => pane.moveBy(0, MOVE_STEP),
  rotate: (pane) => turn(pane, 90),
  "rotate-left": (pane) => turn(pane, 270),
  "flip-h": (pane) => mirror(pane, "flipHorizontal"),
  "flip-v": (pane) => mirror(pane, "flipVertical"),
  reset,
};

function turn(pane: Pane, degrees: number): void {
  pane.setView({ ...pane.view, rotation: (pane.view.rotation + degrees) % 360 });
}

/** Mirrors what is seen, so a turned picture turns the other way. */
function mirror(pane: Pane, which: "flipHorizontal" | "flipVertical"): void {
  const { view } = pane;
  pane.setView({ ...view, rotation: (360 - view.rotation) % 360, [which]: !view[which] });
}

/** Changes window (across) and level (down) in proportion to the window. */
export function dragWindow(pane: Pane, across: number, down: number): void {
  const now = pane.window;
  if (!now || !pane.frame || pane.frame.isColor) return;
  const step = Math.max(now.width, 1) / 250;
  const width = Math.max(Math.min(1, now.width), now.width + across * step);
  pane.setLook({ width, center: now.center + down * step }, pane.isInverted);
}

/** Applies a preset by its place in the list; says what came of it. */
export function applyPreset(pane: Pane, at: number): string | null {
  const preset = presetsFor(pane.series)[at];
  const window = preset && windowOf(pane, preset);
  if (!preset || !window) return null;
  pane.setLook(window, pane.isInverted);
  return `${preset.name}, window ${Math.round(window.width)} level ${Math.round(window.center)}`;
}

function windowOf(pane: Pane, preset: Preset) {
  return preset.window({ stored: pane.frame?.window ?? null, values: pane.values() });
}

/** Back to the picture as it came. */
function reset(pane: Pane): void {
  const wanted = pane.frame?.window ? "As stored" : "Automatic";
  const preset = presetsFor(pane.series).find((each) => each.name === wanted);
  pane.setLook((preset && windowOf(pane, preset)) ?? pane.window, false);
  pane.setView(WHOLE);
}
