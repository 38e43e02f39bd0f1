import type { Frame, ImageSeries } from "./frames.ts";
import {
  add,
  areParallel,
  dot,
  normal,
  type Outline,
  pixelToPatient,
  type Vector,
} from "./geometry.ts";

/** How two series are scrolled together. */
export type Link =
  | { kind: "position" }
  /** Different examinations share no zero: what was side by side when linked stays so. */
  | { kind: "offset"; offset: Vector }
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
  const out = normal(a.plane);
  return { kind: "offset", offset: add([0, 0, 0], out, heightOver(a, b, out)) };
}

/** Finds the frame of `series` that lies where `leader` does, moved by `offset` (mm). */
export function followerIdx(leader: Frame, series: ImageSeries, offset: Vector): number | null {
  if (!leader.plane) return null;
  const out = normal(leader.plane);
  const wanted = dot(offset, out);
  let best: number | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const [idx, frame] of series.frames.entries()) {
    if (!frame.plane || !areParallel(leader.plane, frame.plane)) continue;
    const distance = Math.abs(heightOver(leader, frame, out) - wanted);
    if (distance < bestDistance) [best, bestDistance] = [idx, distance];
  }
  return best;
}

/**
 * How far the middle of `b` lies beyond that of `a` in this direction, mm.
 *
 * Middles and not corners, since planes that are a little tilted drift apart towards the corners.
 */
function heightOver(a: Frame, b: Frame, out: Vector): number {
  return dot(middle(b), out) - dot(middle(a), out);
}

function middle(frame: Frame): Vector {
  if (!frame.plane) return [0, 0, 0];
  const at = [(frame.columns - 1) / 2, (frame.rows - 1) / 2] as const;
  return pixelToPatient(frame.plane, frame.spacing ?? [0, 0], at);
}

/** A frame's outline, when it says where it lies. */
export function outlineOf(frame: Frame | undefined): Outline | null {
  if (!frame?.plane || !frame.spacing || frame.isDetectorSpacing) return null;
  return { plane: frame.plane, spacing: frame.spacing, rows: frame.rows, columns: frame.columns };
}
