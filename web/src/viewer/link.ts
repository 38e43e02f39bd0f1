import type { Frame, ImageSeries } from "./frames.ts";
import { areParallel, dot, normal, type Outline } from "./geometry.ts";

/** How two series are scrolled together. */
export type Link =
  | { kind: "position" }
  /** Different examinations share no zero: what was side by side when linked stays so, mm. */
  | { kind: "offset"; offsetMm: number }
  | { kind: "none"; why: string };

/** Decides how frame `b` can follow frame `a`. */
export function linkBetween(
  seriesA: ImageSeries,
  a: Frame | undefined,
  seriesB: ImageSeries,
  b: Frame | undefined,
): Link {
  if (!a?.plane || !b?.plane) {
    return { kind: "none", why: "one of the two does not say where it lies in the body" };
  }
  if (!areParallel(a.plane, b.plane)) {
    return { kind: "none", why: "the two are cut in different directions" };
  }
  if (seriesA.frameOfReferenceUid && seriesA.frameOfReferenceUid === seriesB.frameOfReferenceUid) {
    return { kind: "position" };
  }
  return { kind: "offset", offsetMm: heightOver(a, b) };
}

/** Finds the frame of `series` that lies where `leader` does, `offsetMm` further on. */
export function followerIdx(leader: Frame, series: ImageSeries, offsetMm: number): number | null {
  if (!leader.plane) return null;
  let best: number | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const [idx, frame] of series.frames.entries()) {
    if (!frame.plane || !areParallel(leader.plane, frame.plane)) continue;
    const distance = Math.abs(heightOver(leader, frame) - offsetMm);
    if (distance < bestDistance) [best, bestDistance] = [idx, distance];
  }
  return best;
}

/**
 * How far the middle of `b` lies beyond that of `a` along the normal of `a`, mm.
 *
 * Middles and not corners, since planes that are a little tilted drift apart towards the corners.
 */
function heightOver(a: Frame, b: Frame): number {
  const middle = (frame: Frame) => {
    if (!frame.plane) return [0, 0, 0] as const;
    const { position, row, column } = frame.plane;
    const [between_rows, between_columns] = frame.spacing ?? [0, 0];
    const across = ((frame.columns - 1) / 2) * between_columns;
    const down = ((frame.rows - 1) / 2) * between_rows;
    return [0, 1, 2].map(
      (axis) => (position[axis] ?? 0) + (row[axis] ?? 0) * across + (column[axis] ?? 0) * down,
    ) as unknown as readonly [number, number, number];
  };
  if (!a.plane) return 0;
  const out = normal(a.plane);
  return dot(middle(b), out) - dot(middle(a), out);
}

/** A frame's outline, when it says where it lies. */
export function outlineOf(frame: Frame | undefined): Outline | null {
  if (!frame?.plane || !frame.spacing || frame.isDetectorSpacing) return null;
  return { plane: frame.plane, spacing: frame.spacing, rows: frame.rows, columns: frame.columns };
}
