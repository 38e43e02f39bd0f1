/** Everything the viewer can be told by a key, with its words for the help. */
export const COMMANDS = [
  { id: "previous", keys: ["ArrowUp"], shown: "↑", words: "Previous image", group: "Images" },
  { id: "next", keys: ["ArrowDown"], shown: "↓", words: "Next image", group: "Images" },
  { id: "first", keys: ["Home"], shown: "Home", words: "First image", group: "Images" },
  { id: "last", keys: ["End"], shown: "End", words: "Last image", group: "Images" },
  {
    id: "series-before",
    keys: ["PageUp"],
    shown: "Page up",
    words: "Series before",
    group: "Images",
  },
  {
    id: "series-after",
    keys: ["PageDown"],
    shown: "Page down",
    words: "Series after",
    group: "Images",
  },
  { id: "pane-left", keys: ["ArrowLeft"], shown: "←", words: "Left pane", group: "Panes" },
  { id: "pane-right", keys: ["ArrowRight"], shown: "→", words: "Right pane", group: "Panes" },
  { id: "layout", keys: ["x"], shown: "X", words: "One pane or two", group: "Panes" },
  { id: "link", keys: ["y"], shown: "Y", words: "Scroll both panes together", group: "Panes" },
  { id: "preset-1", keys: ["1"], shown: "1", words: "First window preset", group: "Brightness" },
  { id: "preset-2", keys: ["2"], shown: "2", words: "Second window preset", group: "Brightness" },
  { id: "preset-3", keys: ["3"], shown: "3", words: "Third window preset", group: "Brightness" },
  { id: "preset-4", keys: ["4"], shown: "4", words: "Fourth window preset", group: "Brightness" },
  {
    id: "window-wider",
    keys: ["Shift+ArrowRight"],
    shown: "Shift →",
    words: "Wider window (less contrast)",
    group: "Brightness",
  },
  {
    id: "window-narrower",
    keys: ["Shift+ArrowLeft"],
    shown: "Shift ←",
    words: "Narrower window (more contrast)",
    group: "Brightness",
  },
  {
    id: "level-up",
    keys: ["Shift+ArrowUp"],
    shown: "Shift ↑",
    words: "Higher level (darker)",
    group: "Brightness",
  },
  {
    id: "level-down",
    keys: ["Shift+ArrowDown"],
    shown: "Shift ↓",
    words: "Lower level (brighter)",
    group: "Brightness",
  },
  { id: "invert", keys: ["i"], shown: "I", words: "Swap black and white", group: "Brightness" },
  { id: "zoom-in", keys: ["+", "Shift++"], shown: "+", words: "Zoom in", group: "Position" },
  { id: "zoom-out", keys: ["-"], shown: "−", words: "Zoom out", group: "Position" },
  { id: "fit", keys: ["=", "0"], shown: "=", words: "Whole picture", group: "Position" },
  {
    id: "move-left",
    keys: ["Ctrl+ArrowLeft"],
    shown: "Ctrl ←",
    words: "Move the picture left",
    group: "Position",
  },
  {
    id: "move-right",
    keys: ["Ctrl+ArrowRight"],
    shown: "Ctrl →",
    words: "Move the picture right",
    group: "Position",
  },
  {
    id: "move-up",
    keys: ["Ctrl+ArrowUp"],
    shown: "Ctrl ↑",
    words: "Move the picture up",
    group: "Position",
  },
  {
    id: "move-down",
    keys: ["Ctrl+ArrowDown"],
    shown: "Ctrl ↓",
    words: "Move the picture down",
    group: "Position",
  },
  { id: "rotate", keys: ["r"], shown: "R", words: "Turn right", group: "Position" },
  { id: "rotate-left", keys: ["l"], shown: "L", words: "Turn left", group: "Position" },
  { id: "flip-h", keys: ["h"], shown: "H", words: "Mirror left and right", group: "Position" },
  { id: "flip-v", keys: ["v"], shown: "V", words: "Mirror top and bottom", group: "Position" },
  { id: "reset", keys: [" "], shown: "Space", words: "Reset the picture", group: "Position" },
  { id: "tool-scroll", keys: ["s"], shown: "S", words: "Drag to scroll", group: "Tools" },
  { id: "tool-window", keys: ["w"], shown: "W", words: "Drag for brightness", group: "Tools" },
  { id: "tool-pan", keys: ["p"], shown: "P", words: "Drag to move", group: "Tools" },
  { id: "tool-zoom", keys: ["z"], shown: "Z", words: "Drag to zoom", group: "Tools" },
  { id: "tool-length", keys: ["d"], shown: "D", words: "Measure a length", group: "Tools" },
  {
    id: "point",
    keys: ["Enter"],
    shown: "Enter",
    words:
      "With the length tool: crosshair, then start, then end; arrows move it, Shift for larger steps",
    group: "Tools",
  },
  {
    id: "delete",
    keys: ["Backspace", "Delete"],
    shown: "Backspace",
    words: "Delete the chosen or last length",
    group: "Tools",
  },
  {
    id: "undo",
    keys: ["Ctrl+z"],
    shown: "Ctrl Z",
    words: "Bring the deleted length back",
    group: "Tools",
  },
  { id: "cancel", keys: ["Escape"], shown: "Esc", words: "Cancel what was begun", group: "Tools" },
  { id: "help", keys: ["?", "Shift+?"], shown: "?", words: "This help", group: "Tools" },
] as const;

/** The name of one of the commands. */
export type CommandId = (typeof COMMANDS)[number]["id"];

const BY_KEY: ReadonlyMap<string, CommandId> = new Map(
  COMMANDS.flatMap(({ id, keys }) => keys.map((key) => [key, id] as const)),
);

/** Returns what a key press means, or `null`. */
export function commandOf(event: KeyboardEvent): CommandId | null {
  if (event.altKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const prefix = event.ctrlKey || event.metaKey ? "Ctrl+" : event.shiftKey ? "Shift+" : "";
  return BY_KEY.get(prefix + key) ?? null;
}

/** Whether the keyboard belongs to this element at the moment (a field, a button and the space bar). */
export function keepsKeys(target: EventTarget | null, event: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest("dialog, textarea, select, [contenteditable]")) return true;
  if (target instanceof HTMLInputElement) {
    return target.type !== "range" || event.key.startsWith("Arrow") || event.key.startsWith("Page");
  }
  const isButton = target.closest("button, a, summary") !== null;
  const moves = event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End";
  const inToolbar = target.closest('[role="toolbar"]') !== null;
  return (
    isButton &&
    (event.key === " " ||
      event.key === "Enter" ||
      (inToolbar && moves && !event.shiftKey && !event.ctrlKey))
  );
}
