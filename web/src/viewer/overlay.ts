import { svg } from "../lib/dom.ts";
import type { Frame } from "./frames.ts";
import { add, type Pixel, sideLetters } from "./geometry.ts";
import { lengthInWords, type Measurement, scaleBarMm } from "./measure.ts";
import type { Surface } from "./surface.ts";

/** What is drawn over a picture. */
export interface OverlayContent {
  frame: Frame;
  measurements: readonly Measurement[];
  /** The measurement being drawn or chosen. */
  chosenId: string | null;
  /** The other pane's cut through this picture, in its pixels. */
  reference: readonly [Pixel, Pixel] | null;
  /** The keyboard's crosshair, in pixels of the picture. */
  cursor: Pixel | null;
}

/** The letters at the four edges. */
export interface EdgeLetters {
  top: string;
  right: string;
  bottom: string;
  left: string;
}

const OPPOSITE: Readonly<Record<string, string>> = {
  L: "R",
  R: "L",
  A: "P",
  P: "A",
  H: "F",
  F: "H",
};

/** Which side of the patient is at each edge of a surface with this middle, however the picture is turned. */
export function edgeLetters(surface: Surface, [x, y]: Pixel, frame: Frame): EdgeLetters | null {
  const from = surface.canvasToPixel([x, y]);
  const toRight = surface.canvasToPixel([x + 20, y]);
  const toBottom = surface.canvasToPixel([x, y + 20]);
  if (!from || !toRight || !toBottom) return null;
  const step = (to: Pixel): Pixel => [to[0] - from[0], to[1] - from[1]];
  const right = lettersAlong(frame, step(toRight));
  const bottom = lettersAlong(frame, step(toBottom));
  if (!right || !bottom) return null;
  return { top: opposite(bottom), right, bottom, left: opposite(right) };
}

function lettersAlong(frame: Frame, step: Pixel): string {
  if (frame.plane) {
    const [between_rows, between_columns] = frame.spacing ?? [1, 1];
    const across = add([0, 0, 0], frame.plane.row, step[0] * between_columns);
    return sideLetters(add(across, frame.plane.column, step[1] * between_rows));
  }
  if (!frame.sides) return "";
  const isAcross = Math.abs(step[0]) >= Math.abs(step[1]);
  const letters = frame.sides[isAcross ? 0 : 1];
  return (isAcross ? step[0] : step[1]) > 0 ? letters : opposite(letters);
}

/** The other side: HL becomes FR. */
export function opposite(letters: string): string {
  return [...letters].map((letter) => OPPOSITE[letter] ?? letter).join("");
}

/** Draws measurements, the reference line and the scale bar. */
export function drawOverlay(layer: SVGSVGElement, surface: Surface, of: OverlayContent): void {
  const parts: SVGElement[] = [];
  if (of.reference) {
    const line = lineBetween(surface, of.reference[0], of.reference[1], "overlay-reference");
    if (line) parts.push(line);
  }
  for (const each of of.measurements) parts.push(...measurement(surface, of, each));
  if (of.cursor) parts.push(...crosshair(surface, of.cursor));
  const bar = scaleBar(layer, surface, of.frame);
  if (bar) parts.push(bar);
  layer.replaceChildren(...parts);
}

function lineBetween(
  surface: Surface,
  from: Pixel,
  to: Pixel,
  name: string,
): SVGLineElement | null {
  const [a, b] = [surface.pixelToCanvas(from), surface.pixelToCanvas(to)];
  if (!a || !b) return null;
  return svg("line", { class: name, x1: a[0], y1: a[1], x2: b[0], y2: b[1] });
}

function measurement(surface: Surface, of: OverlayContent, each: Measurement): SVGElement[] {
  const [a, b] = [surface.pixelToCanvas(each.from), surface.pixelToCanvas(each.to)];
  if (!a || !b) return [];
  const chosen = each.id === of.chosenId ? " is-chosen" : "";
  const at = { x1: a[0], y1: a[1], x2: b[0], y2: b[1] };
  const end = a[0] > b[0] ? a : b;
  const words = lengthInWords(each.from, each.to, of.frame);
  return [
    svg("line", { class: "overlay-length-halo", ...at }),
    svg("line", { class: `overlay-length${chosen}`, ...at }),
    ...[a, b].map(([cx, cy]) => svg("circle", { class: `overlay-handle${chosen}`, cx, cy, r: 4 })),
    svg("text", { class: `overlay-words${chosen}`, x: end[0] + 10, y: end[1] + 4 }, words),
  ];
}

function crosshair(surface: Surface, cursor: Pixel): SVGElement[] {
  const at = surface.pixelToCanvas(cursor);
  if (!at) return [];
  const [x, y] = at;
  return [
    svg("path", {
      class: "overlay-cursor",
      d: `M${x - 14} ${y}H${x - 4}M${x + 4} ${y}H${x + 14}M${x} ${y - 14}V${y - 4}M${x} ${y + 4}V${y + 14}`,
    }),
  ];
}

function scaleBar(layer: SVGSVGElement, surface: Surface, frame: Frame): SVGElement | null {
  if (!frame.spacing) return null;
  const from = surface.canvasToPixel([0, 0]);
  const to = surface.canvasToPixel([100, 0]);
  if (!from || !to) return null;
  const [between_rows, between_columns] = frame.spacing;
  const across = (to[0] - from[0]) * between_columns;
  const down = (to[1] - from[1]) * between_rows;
  const mmPerCss = Math.hypot(across, down) / 100;
  const { clientWidth, clientHeight } = layer;
  const mm = scaleBarMm(Math.min(160, clientWidth * 0.3) * mmPerCss);
  if (!(mm > 0)) return null;
  const width = mm / mmPerCss;
  const [left, bottom] = [(clientWidth - width) / 2, clientHeight - 30];
  const words = mm >= 10 ? `${mm / 10} cm` : `${mm} mm`;
  return svg(
    "g",
    { class: "overlay-scale" },
    svg("path", { d: `M${left} ${bottom - 6}V${bottom}H${left + width}V${bottom - 6}` }),
    svg(
      "text",
      { x: left + width / 2, y: bottom - 8, "text-anchor": "middle" },
      frame.isDetectorSpacing ? `${words} at the detector` : words,
    ),
  );
}
