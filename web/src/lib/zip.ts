import type { PickedFile } from "./picked-files.ts";

/** A ZIP of at most this many bytes of files; more files make more ZIPs, each of which can be tried again. */
const MAX_ZIP_BYTES = 256 * 1024 * 1024;
/** A ZIP of at most this many files. */
const MAX_ZIP_FILES = 4_000;

/** Parts files so that each part makes a ZIP of useful size; a larger file stands alone. */
export function portions(
  files: readonly PickedFile[],
  maxBytes = MAX_ZIP_BYTES,
  maxFiles = MAX_ZIP_FILES,
): PickedFile[][] {
  const parts: PickedFile[][] = [];
  let current: PickedFile[] = [];
  let bytes = 0;
  for (const picked of files) {
    const isFull = current.length >= maxFiles || bytes + picked.file.size > maxBytes;
    if (current.length > 0 && isFull) {
      parts.push(current);
      current = [];
      bytes = 0;
    }
    current.push(picked);
    bytes += picked.file.size;
  }
  if (current.length > 0) parts.push(current);
  return parts;
}

/** A ZIP that refers to its files and does not hold them in memory. */
export interface Zip {
  blob: Blob;
  /** Files that could not be read, for example from a scratched disc. */
  unreadable: PickedFile[];
}

/** Packs files without compression (APPNOTE.TXT 4.3); sizes must stay below 4 GiB. */
export async function zipOf(files: readonly PickedFile[]): Promise<Zip> {
  const body: BlobPart[] = [];
  const directory: BlobPart[] = [];
  const unreadable: PickedFile[] = [];
  let offset = 0;
  let directoryBytes = 0;
  for (const picked of files) {
    const crc = await crcOf(picked.file).catch(() => null);
    if (crc === null) {
      unreadable.push(picked);
      continue;
    }
    const name = new TextEncoder().encode(picked.path);
    const fields = commonFields(crc, picked.file.size, name.length);
    body.push(numbers([0x04034b50, 4]), fields, name, picked.file);
    const place = numbers([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]);
    directory.push(numbers([0x02014b50, 4], [20, 2]), fields, place, name);
    offset += 4 + fields.length + name.length + picked.file.size;
    directoryBytes += 6 + fields.length + place.length + name.length;
  }
  const count = files.length - unreadable.length;
  const end = numbers(
    [0x06054b50, 4],
    [0, 4],
    [count, 2],
    [count, 2],
    [directoryBytes, 4],
    [offset, 4],
    [0, 2],
  );
  return { blob: new Blob([...body, ...directory, end], { type: "application/zip" }), unreadable };
}

/** What stands alike before a file and in the directory. */
function commonFields(crc: number, size: number, nameBytes: number): Uint8Array<ArrayBuffer> {
  const FIRST_DAY_OF_1980 = 0x0021;
  const NAMES_ARE_UTF8 = 0x0800;
  return numbers(
    [20, 2],
    [NAMES_ARE_UTF8, 2],
    [0, 2],
    [0, 2],
    [FIRST_DAY_OF_1980, 2],
    [crc, 4],
    [size, 4],
    [size, 4],
    [nameBytes, 2],
    [0, 2],
  );
}

/** Little-endian numbers, each with its width in bytes. */
function numbers(...list: Array<readonly [value: number, width: 2 | 4]>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(list.reduce((sum, [, width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [value, width] of list) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 of a file, read piece by piece. */
async function crcOf(file: Blob): Promise<number> {
  let crc = 0xffffffff;
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return (crc ^ 0xffffffff) >>> 0;
    for (const byte of value) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  }
}
