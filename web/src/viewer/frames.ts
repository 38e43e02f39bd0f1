import { type DataSet, items, number, numbers, text } from "./dicom-json.ts";
import { dot, normal, type Plane, type Vector } from "./geometry.ts";
import { kindOf } from "./kinds.ts";

/** Window centre and width, in the values that the modality means (HU for CT). */
export interface Window {
  center: number;
  width: number;
}

/** One picture of a series. */
export interface Frame {
  imageId: string;
  /** Names the frame in saved state: SOP Instance UID and frame number, from 1. */
  key: string;
  instanceNumber: number;
  frameNumber: number;
  rows: number;
  columns: number;
  plane: Plane | null;
  /** Where the rows and the columns lead, in letters, for pictures without a plane. */
  sides: readonly [string, string] | null;
  /** Distance between rows, then between columns, mm. */
  spacing: readonly [number, number] | null;
  /** The spacing is that of the detector, not of the patient (projection radiography). */
  isDetectorSpacing: boolean;
  window: Window | null;
  /** A photograph of a screen or a scan of paper, which no scanner has made a window for. */
  isCapture: boolean;
  isColor: boolean;
  /** Why the picture is not exactly what was taken, for people; `null` when it is. */
  loss: string | null;
}

/** Whom the pictures say they show. */
export interface Identity {
  name: string;
  id: string;
  birthDate: string;
}

/** A series that can be shown. */
export interface ImageSeries {
  kind: "images";
  uid: string;
  studyUid: string;
  modality: string;
  description: string;
  studyDate: string;
  frameOfReferenceUid: string;
  identity: Identity;
  frames: Frame[];
}

/** A series that is named, not shown. */
export interface OtherSeries {
  kind: "other";
  uid: string;
  /** What it is, for people. */
  what: string;
}

export type Series = ImageSeries | OtherSeries;

/** Makes a series of its instances' metadata; frames come in the order in which one reads them. */
export function buildSeries(
  uid: string,
  instances: DataSet[],
  frameUrl: (sopInstanceUid: string, frameNumber: number) => string,
): Series {
  const shown = instances.filter((instance) => kindOf(instance) === "images");
  const [first] = shown;
  if (!first) {
    const other = instances[0] ? kindOf(instances[0]) : "images";
    return { kind: "other", uid, what: other === "images" ? "Nothing stored" : other };
  }
  return {
    kind: "images",
    uid,
    studyUid: text(first, "0020000D"),
    modality: text(first, "00080060"),
    description: text(first, "0008103E"),
    studyDate: text(first, "00080020"),
    frameOfReferenceUid: text(first, "00200052"),
    identity: {
      name: text(first, "00100010"),
      id: text(first, "00100020"),
      birthDate: text(first, "00100030"),
    },
    frames: inReadingOrder(shown.flatMap((instance) => framesOf(instance, frameUrl))),
  };
}

function framesOf(
  instance: DataSet,
  frameUrl: (sopInstanceUid: string, frameNumber: number) => string,
): Frame[] {
  const sopInstanceUid = text(instance, "00080018");
  const frameCount = Math.max(1, number(instance, "00280008") ?? 1);
  const shared = items(instance, "52009229")[0] ?? {};
  const perFrame = items(instance, "52009230");
  return Array.from({ length: frameCount }, (_, frameIdx) => {
    const groups = [perFrame[frameIdx] ?? {}, shared];
    return {
      imageId: `wadors:${frameUrl(sopInstanceUid, frameIdx + 1)}`,
      key: `${sopInstanceUid}/${frameIdx + 1}`,
      instanceNumber: number(instance, "00200013") ?? 0,
      frameNumber: frameIdx + 1,
      rows: number(instance, "00280010") ?? 0,
      columns: number(instance, "00280011") ?? 0,
      plane: planeOf(instance, groups),
      sides: sidesOf(instance),
      ...spacingOf(instance, groups),
      window: windowOf(instance, groups),
      isCapture: isCapture(instance),
      isColor:
        (number(instance, "00280002") ?? 1) > 1 || text(instance, "00280004") === "PALETTE COLOR",
      loss: lossOf(instance),
    };
  });
}

/** Whether an instance is a Secondary Capture, single or multi-frame (PS3.4 B.5). */
function isCapture(instance: DataSet): boolean {
  return /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.\d+)?$/.test(text(instance, "00080016"));
}

/** The numbers of an attribute in a functional group macro (PS3.3 C.7.6.16), else of the instance. */
function grouped(instance: DataSet, groups: DataSet[], macro: string, tag: string): number[] {
  for (const group of groups) {
    const item = items(group, macro)[0];
    const found = item ? numbers(item, tag) : [];
    if (found.length > 0) return found;
  }
  return numbers(instance, tag);
}

function planeOf(instance: DataSet, groups: DataSet[]): Plane | null {
  const [x, y, z] = grouped(instance, groups, "00209113", "00200032");
  const cosines = grouped(instance, groups, "00209116", "00200037");
  if (x === undefined || y === undefined || z === undefined || cosines.length < 6) return null;
  const row = cosines.slice(0, 3) as unknown as Vector;
  const column = cosines.slice(3, 6) as unknown as Vector;
  const plane = { position: [x, y, z] as const, row, column };
  // A plane without area (all cosines 0) says nothing.
  return Math.abs(dot(normal(plane), normal(plane)) - 1) < 0.05 ? plane : null;
}

/** Patient Orientation (PS3.3 C.7.6.1.1.1), in this project's letters: H and F for head and foot. */
function sidesOf(instance: DataSet): readonly [string, string] | null {
  const [row, column] = instance["00200020"]?.Value ?? [];
  if (typeof row !== "string" || typeof column !== "string" || !row || !column) return null;
  return [row, column];
}

function spacingOf(
  instance: DataSet,
  groups: DataSet[],
): Pick<Frame, "spacing" | "isDetectorSpacing"> {
  const patient = pair(grouped(instance, groups, "00289110", "00280030"));
  if (patient) return { spacing: patient, isDetectorSpacing: false };
  // PS3.3 C.8.11.7: Imager Pixel Spacing is measured at the front plane of the detector.
  const detector = pair(numbers(instance, "00181164"));
  return { spacing: detector, isDetectorSpacing: detector !== null };
}

function pair([between_rows, between_columns]: number[]): readonly [number, number] | null {
  if (!between_rows || !between_columns || between_rows < 0 || between_columns < 0) return null;
  return [between_rows, between_columns];
}

function windowOf(instance: DataSet, groups: DataSet[]): Window | null {
  const center = grouped(instance, groups, "00289132", "00281050")[0];
  const width = grouped(instance, groups, "00289132", "00281051")[0];
  return center === undefined || width === undefined || width < 1 ? null : { center, width };
}

function lossOf(instance: DataSet): string | null {
  if (text(instance, "00282110") !== "01") return null;
  const ratio = number(instance, "00282112");
  return ratio && ratio > 1 ? `Lossy ${Math.round(ratio)}:1` : "Lossy compression";
}

/** By position when all frames are parallel, else by the numbers the scanner gave. */
function inReadingOrder(frames: Frame[]): Frame[] {
  const byNumber = [...frames].sort(
    (a, b) => a.instanceNumber - b.instanceNumber || a.frameNumber - b.frameNumber,
  );
  const direction = commonNormal(byNumber);
  if (!direction) return byNumber;
  const height = (frame: Frame) => (frame.plane ? dot(frame.plane.position, direction) : 0);
  const [first, last] = [byNumber[0], byNumber[byNumber.length - 1]];
  // The scanner's own direction is kept: the first image stays at the start.
  const sign = first && last && height(first) > height(last) ? -1 : 1;
  // Several pictures of one place (time, echo, diffusion) stay together in the scanner's order.
  return byNumber
    .map((frame, at) => ({ frame, at, height: Math.round(height(frame) * 100) / 100 }))
    .sort((a, b) => sign * (a.height - b.height) || a.at - b.at)
    .map(({ frame }) => frame);
}

function commonNormal(frames: Frame[]): Vector | null {
  const first = frames[0]?.plane;
  if (!first || frames.length < 2) return null;
  const direction = normal(first);
  const allParallel = frames.every(
    ({ plane }) => plane !== null && dot(normal(plane), direction) > 0.999,
  );
  return allParallel ? direction : null;
}
