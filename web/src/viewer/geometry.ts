/** A point or direction in the patient's coordinates, mm: +x left, +y posterior, +z head. */
export type Vector = readonly [number, number, number];

/** Column and row of a frame, in pixels from the centre of the first one. */
export type Pixel = readonly [number, number];

/** Where a frame lies in the patient. */
export interface Plane {
  /** The centre of the first pixel, mm. */
  position: Vector;
  /** The direction in which columns count up (along a row). */
  row: Vector;
  /** The direction in which rows count up (down a column). */
  column: Vector;
}

/** Planes tilted less than this count as parallel (10 degrees). */
const PARALLEL_COSINE = Math.cos((10 * Math.PI) / 180);

/** The second letter of an oblique direction is shown from this share on (about 20 degrees). */
const OBLIQUE_SHARE = 0.34;

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const add = (a: Vector, b: Vector, by = 1): Vector => [
  a[0] + b[0] * by,
  a[1] + b[1] * by,
  a[2] + b[2] * by,
];
export const length = (a: Vector): number => Math.sqrt(dot(a, a));

/** The direction out of the plane. */
export function normal(plane: Plane): Vector {
  return cross(plane.row, plane.column);
}

/** Whether two planes can be scrolled together. */
export function areParallel(a: Plane, b: Plane): boolean {
  return Math.abs(dot(normal(a), normal(b))) >= PARALLEL_COSINE;
}

/** Names the side of the patient a direction points to: L, R, A, P, H, F, two when oblique. */
export function sideLetters(direction: Vector): string {
  const size = length(direction);
  if (size < 1e-9) return "";
  const parts = [
    { letter: direction[0] > 0 ? "L" : "R", share: Math.abs(direction[0]) / size },
    { letter: direction[1] > 0 ? "P" : "A", share: Math.abs(direction[1]) / size },
    { letter: direction[2] > 0 ? "H" : "F", share: Math.abs(direction[2]) / size },
  ].sort((a, b) => b.share - a.share);
  return parts
    .filter(({ share }, rank) => rank === 0 || (rank === 1 && share >= OBLIQUE_SHARE))
    .map(({ letter }) => letter)
    .join("");
}

/** Names the plane as radiologists do. */
export function planeName(plane: Plane): "axial" | "coronal" | "sagittal" | "oblique" {
  const [x, y, z] = normal(plane).map(Math.abs) as [number, number, number];
  if (z >= 0.8) return "axial";
  if (y >= 0.8) return "coronal";
  if (x >= 0.8) return "sagittal";
  return "oblique";
}

/** The patient's coordinates of a pixel; spacing is between rows, then between columns, mm. */
export function pixelToPatient(
  plane: Plane,
  spacing: readonly [number, number],
  at: Pixel,
): Vector {
  return add(add(plane.position, plane.row, at[0] * spacing[1]), plane.column, at[1] * spacing[0]);
}

/** The pixel whose column line the point lies over, seen along the plane's normal. */
export function patientToPixel(
  plane: Plane,
  spacing: readonly [number, number],
  point: Vector,
): Pixel {
  const from = add(point, plane.position, -1);
  return [dot(from, plane.row) / spacing[1], dot(from, plane.column) / spacing[0]];
}

/** A frame's outline in the patient. */
export interface Outline {
  plane: Plane;
  spacing: readonly [number, number];
  rows: number;
  columns: number;
}

/**
 * Where the outline of `other` cuts the plane of `shown`, as two pixels of `shown`.
 *
 * `null` when they do not cross or are parallel.
 */
export function referenceLine(shown: Outline, other: Outline): [Pixel, Pixel] | null {
  if (areParallel(shown.plane, other.plane)) return null;
  const [right, bottom] = [other.columns - 1, other.rows - 1];
  const corners = (
    [
      [0, 0],
      [right, 0],
      [right, bottom],
      [0, bottom],
    ] as const
  ).map((corner) => pixelToPatient(other.plane, other.spacing, corner));
  const out = normal(shown.plane);
  const heights = corners.map((corner) => dot(add(corner, shown.plane.position, -1), out));
  const found: Pixel[] = [];
  for (let from = 0; from < 4; from += 1) {
    const to = (from + 1) % 4;
    const [a, b, heightA, heightB] = [corners[from], corners[to], heights[from], heights[to]];
    if (!a || !b || heightA === undefined || heightB === undefined) continue;
    if (heightA === heightB || heightA * heightB > 0) continue;
    const share = heightA / (heightA - heightB);
    const crossing = add(a, add(b, a, -1), share);
    found.push(patientToPixel(shown.plane, shown.spacing, crossing));
  }
  const [first, ...rest] = found;
  if (!first) return null;
  const last = rest.find((each) => Math.hypot(each[0] - first[0], each[1] - first[1]) > 0.5);
  return last ? [first, last] : null;
}
