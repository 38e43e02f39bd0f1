import { type DataSet, number, text } from "./dicom-json.ts";

/** SOP Class UIDs, or their beginnings, that hold no picture for a stack, and what people call them. */
const BY_SOP_CLASS: ReadonlyArray<readonly [string, string]> = [
  ["1.2.840.10008.5.1.4.1.1.104.1", "PDF document"],
  ["1.2.840.10008.5.1.4.1.1.104", "Document"],
  ["1.2.840.10008.5.1.4.1.1.88.59", "List of key images"],
  ["1.2.840.10008.5.1.4.1.1.88", "Structured report"],
  ["1.2.840.10008.5.1.4.1.1.11", "Saved display settings"],
  ["1.2.840.10008.5.1.4.1.1.66.4", "Outlines drawn by software (segmentation)"],
  ["1.2.840.10008.5.1.4.1.1.66.5", "Outlines drawn by software (surface)"],
  ["1.2.840.10008.5.1.4.1.1.66", "Raw scanner data"],
  ["1.2.840.10008.5.1.4.1.1.481.2", "Radiotherapy dose"],
  ["1.2.840.10008.5.1.4.1.1.481.3", "Radiotherapy outlines"],
  ["1.2.840.10008.5.1.4.1.1.481.5", "Radiotherapy plan"],
  ["1.2.840.10008.5.1.4.1.1.4.2", "MR spectroscopy"],
  ["1.2.840.10008.5.1.4.1.1.9", "Waveform (for example an ECG)"],
  ["1.2.840.10008.5.1.4.1.1.77.1.1.1", "Video"],
  ["1.2.840.10008.5.1.4.1.1.77.1.2.1", "Video"],
  ["1.2.840.10008.5.1.4.1.1.77.1.4.1", "Video"],
];

/** What a modality code promises before the metadata is there; `null` for pictures. */
const BY_MODALITY: Readonly<Record<string, string>> = {
  DOC: "Document",
  SR: "Structured report",
  KO: "List of key images",
  PR: "Saved display settings",
  SEG: "Outlines drawn by software (segmentation)",
  REG: "Alignment of images",
  RTSTRUCT: "Radiotherapy outlines",
  RTPLAN: "Radiotherapy plan",
  RTDOSE: "Radiotherapy dose",
  RTRECORD: "Radiotherapy record",
  ECG: "Waveform (for example an ECG)",
  HD: "Waveform (for example an ECG)",
};

/** Says what an instance is: `"images"` when a stack can show it, else what people call it. */
export function kindOf(instance: DataSet): string {
  const sopClass = text(instance, "00080016");
  const known = BY_SOP_CLASS.find(([uid]) => sopClass === uid || sopClass.startsWith(`${uid}.`));
  if (known) return known[1];
  const hasPixels =
    (number(instance, "00280010") ?? 0) > 0 && (number(instance, "00280011") ?? 0) > 0;
  if (hasPixels) return "images";
  return kindOfModality(text(instance, "00080060")) ?? "Not an image";
}

/** What a series of this modality holds when it holds no pictures, else `null`. */
export function kindOfModality(modality: string): string | null {
  return BY_MODALITY[modality] ?? null;
}
