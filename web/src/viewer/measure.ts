import type { Frame } from "./frames.ts";
import type { Pixel } from "./geometry.ts";

/** A length drawn on one frame. */
export interface Measurement {
  id: string;
  seriesUid: string;
  /** The frame's key. */
  frameKey: string;
  from: Pixel;
  to: Pixel;
}

/** Says how long a measurement is, in mm where the picture has a scale, else in pixels. */
export function lengthInWords(from: Pixel, to: Pixel, frame: Frame): string {
  const { length, unit, note } = measure(from, to, frame);
  return note ? `${length.toFixed(1)} ${unit} (${note})` : `${length.toFixed(1)} ${unit}`;
}

/** The length with its unit; `note` qualifies it. */
export function measure(
  from: Pixel,
  to: Pixel,
  frame: Frame,
): { length: number; unit: "mm" | "px"; note: string | null } {
  const across = to[0] - from[0];
  const down = to[1] - from[1];
  if (!frame.spacing) return { length: Math.hypot(across, down), unit: "px", note: null };
  const [between_rows, between_columns] = frame.spacing;
  return {
    length: Math.hypot(across * between_columns, down * between_rows),
    unit: "mm",
    note: frame.isDetectorSpacing ? "at the detector" : null,
  };
}

/** A length of 1, 2 or 5 times a power of ten, at most `maxMm`. */
export function scaleBarMm(maxMm: number): number {
  if (!(maxMm > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(maxMm));
  const factor = [5, 2, 1].find((each) => each * power <= maxMm) ?? 1;
  return factor * power;
}
