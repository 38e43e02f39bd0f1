import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { crc32 } from "node:zlib";
import { ROOT } from "./server.ts";

/** A file of a disc. */
export interface DiscFile {
  path: string;
  bytes: Buffer;
}

/**
 * Makes the synthetic lumbar spine disc with UIDs of its own.
 *
 * The demonstration holds the same patient's earlier exams already; equal UIDs with other bytes
 * would rightly be refused.
 */
export function syntheticDisc(): DiscFile[] {
  const folder = mkdtempSync(join(tmpdir(), "overread-disc-"));
  try {
    const cargo = ["cargo", "run", "--quiet", "-p", "overread-testkit", "--example", "lumbar_disc", "--"];
    // Whoever has the example built can spare the test the wait for cargo.
    const built = process.env.OVERREAD_LUMBAR_DISC;
    const [program = "cargo", ...rest] = built ? [built] : cargo;
    execFileSync(program, [...rest, folder], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    return discOf(folder).map(({ path, bytes }) => ({ path, bytes: withOwnUids(bytes) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reads a disc from a folder. */
export function discOf(folder: string): DiscFile[] {
  return filesBelow(folder).map((path) => ({
    path: relative(folder, path),
    bytes: readFileSync(path),
  }));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path) : [path]));
}

/** The study's number in all UIDs: 1 becomes 7, which has as many digits. */
function withOwnUids(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes.toString("latin1").replaceAll("2.25.3290547.1", "2.25.3290547.7"),
    "latin1",
  );
}

/** Packs files into a ZIP without compression. */
export function zipOf(files: readonly DiscFile[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, bytes } of files) {
    const name = Buffer.from(path, "utf8");
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version needed
    fields.writeUInt16LE(0x0800, 2); // names are UTF-8
    fields.writeUInt32LE(0x5a6e_0000, 6); // a day in 2025
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), fields, name, bytes);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), fields, tail, name);
    offset += 4 + fields.length + name.length + bytes.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, entries, end]);
}
