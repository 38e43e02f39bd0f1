import type { DataSet } from "../src/viewer/dicom-json.ts";

/** Builds one MR slice's metadata; what a test needs otherwise it gives. */
export function slice(number: number, more: Record<string, unknown[] | undefined> = {}): DataSet {
  const values: Record<string, unknown[] | undefined> = {
    "00080016": ["1.2.840.10008.5.1.4.1.1.4"],
    "00080018": [`9.${number}`],
    "00080020": ["20260314"],
    "00080060": ["MR"],
    "0008103E": ["T2 SAG"],
    "00100010": [{ Alphabetic: "RIVERA^ELENA" }],
    "00100020": ["P1"],
    "00100030": ["19780312"],
    "0020000D": ["1"],
    "00200013": [number],
    "00200032": [number * 4, 0, 0],
    "00200037": [0, 1, 0, 0, 0, -1],
    "00200052": ["7"],
    "00280002": [1],
    "00280010": [256],
    "00280011": [320],
    "00280030": [0.8, 0.5],
    "00281050": [300],
    "00281051": [600],
    ...more,
  };
  const dataSet: DataSet = {};
  for (const [tag, Value] of Object.entries(values)) if (Value) dataSet[tag] = { Value };
  return dataSet;
}

export const frameUrl = (sop: string, frame: number) => `http://x/${sop}/frames/${frame}`;
