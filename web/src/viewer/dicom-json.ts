/** One attribute of the DICOM JSON model (PS3.18 F.2). */
export interface DicomElement {
  vr?: string;
  Value?: unknown[];
  BulkDataURI?: string;
  InlineBinary?: string;
}

/** A data set of the DICOM JSON model, by tags of eight hexadecimal digits. */
export type DataSet = Record<string, DicomElement>;

/** Returns the first value as text; person names in their alphabetic form. */
export function text(dataSet: DataSet, tag: string): string {
  const value = dataSet[tag]?.Value?.[0];
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "object" && value !== null) {
    const names = value as { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
    return names.Alphabetic ?? names.Ideographic ?? names.Phonetic ?? "";
  }
  return "";
}

/** Returns all values as numbers; what is no number is left out. */
export function numbers(dataSet: DataSet, tag: string): number[] {
  const found: number[] = [];
  for (const value of dataSet[tag]?.Value ?? []) {
    const number = typeof value === "string" ? Number.parseFloat(value) : value;
    if (typeof number === "number" && Number.isFinite(number)) found.push(number);
  }
  return found;
}

/** Returns the first value as a number, or `null`. */
export function number(dataSet: DataSet, tag: string): number | null {
  return numbers(dataSet, tag)[0] ?? null;
}

/** Returns the items of a sequence. */
export function items(dataSet: DataSet, tag: string): DataSet[] {
  const found: DataSet[] = [];
  for (const value of dataSet[tag]?.Value ?? []) {
    if (typeof value === "object" && value !== null) found.push(value as DataSet);
  }
  return found;
}
