import type { DataSet, DicomElement } from "./dicom-json.ts";
import { numbers, text } from "./dicom-json.ts";

/** Descriptor and data of the red, green and blue table (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6). */
const TABLES = [
  ["00281101", "00281201"],
  ["00281102", "00281202"],
  ["00281103", "00281203"],
] as const;

/** Fetches bytes that the metadata only refers to. */
export type FetchBytes = (uri: string) => Promise<Uint8Array>;

/**
 * Puts the colour tables of a palette picture into its metadata as numbers.
 *
 * That is the only form in which the decoder finds them; servers send them as base64 or as a
 * reference. Pictures without palette stay as they are. Throws when a table is missing.
 */
export async function unfoldPalette(instance: DataSet, fetchBytes: FetchBytes): Promise<void> {
  if (text(instance, "00280004") !== "PALETTE COLOR") return;
  for (const [descriptorTag, dataTag] of TABLES) {
    const element = instance[dataTag];
    if (element?.Value) continue;
    const bytes = element ? await bytesOf(element, fetchBytes) : null;
    const [entryCount = 0, , bits = 16] = numbers(instance, descriptorTag);
    if (!bytes) throw new Error("the picture's colours are missing");
    instance[dataTag] = { vr: "OW", Value: [...entries(bytes, entryCount || 65_536, bits)] };
  }
}

async function bytesOf(element: DicomElement, fetchBytes: FetchBytes): Promise<Uint8Array | null> {
  if (element.InlineBinary) {
    return Uint8Array.from(atob(element.InlineBinary), (letter) => letter.charCodeAt(0));
  }
  return element.BulkDataURI ? fetchBytes(element.BulkDataURI) : null;
}

/** A table's entries: bytes when there are as many as entries, else little-endian words. */
function entries(
  bytes: Uint8Array,
  entryCount: number,
  bits: number,
): ArrayLike<number> & Iterable<number> {
  if (bits === 8 && bytes.length < entryCount * 2) return bytes.subarray(0, entryCount);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.min(entryCount, Math.floor(bytes.length / 2));
  return Uint16Array.from({ length: count }, (_, at) => view.getUint16(at * 2, true));
}

/** Takes the one part out of a multipart answer; other answers are the bytes themselves. */
export function onlyPart(body: Uint8Array, contentType: string): Uint8Array {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (!contentType.startsWith("multipart/") || !boundary) return body;
  const latin = new TextDecoder("latin1").decode(body);
  const start = latin.indexOf("\r\n\r\n");
  const end = latin.lastIndexOf(`\r\n--${boundary}`);
  return start < 0 || end < start + 4 ? body : body.subarray(start + 4, end);
}
