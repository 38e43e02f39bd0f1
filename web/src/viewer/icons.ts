import { svg } from "../lib/dom.ts";

/** Line drawings on a grid of 24, one path each. */
const PATHS = {
  scroll: "M7 4h10v16H7zM12 7v3M12 14v3M10 9l2-2 2 2M10 15l2 2 2-2",
  window: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  pan: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  zoom: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L21 21",
  length: "M4 17L17 4l3 3L7 20zM8 13l2 2M11 10l2 2M14 7l2 2",
  invert: "M4 4h16v16H4zM4 20L20 4v16z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  rotate: "M19 12a7 7 0 1 1-2-5M19 3v5h-5",
  flip: "M12 3v18M9 7l-5 5 5 5zM15 7l5 5-5 5z",
  reset: "M5 12a7 7 0 1 0 2-5M5 3v5h5",
  one: "M4 5h16v14H4z",
  two: "M4 5h16v14H4zM12 5v14",
  link: "M9 12h6M10 8H7a4 4 0 0 0 0 8h3M14 8h3a4 4 0 0 1 0 8h-3",
  list: "M4 6h16M4 12h16M4 18h16",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 17.5v.5",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5M9 9l-5-5M15 9l5-5M15 15l5 5M9 15l-5 5",
} as const;

export type IconName = keyof typeof PATHS;

/** Draws an icon; its button carries the words. */
export function icon(name: IconName): SVGSVGElement {
  return svg(
    "svg",
    { class: "viewer-icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );
}
