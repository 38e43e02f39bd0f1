// Writes a .br and a .gz beside every asset that shrinks, so the server never compresses.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const compressible = new Set([".js", ".css", ".wasm", ".svg", ".json", ".html", ".map", ".txt"]);
/** Smaller files gain nothing: the headers weigh more. */
const MIN_BYTES = 512;

async function* files(directory) {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (compressible.has(extname(entry.name))) yield path;
  }
}

async function precompress(path) {
  const plain = await readFile(path);
  if (plain.length < MIN_BYTES) return { plain: plain.length, br: plain.length };
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(plain, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 10,
        [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
      },
    }),
    promisify(gzip)(plain, { level: 9 }),
  ]);
  if (br.length < plain.length) await writeFile(`${path}.br`, br);
  if (gz.length < plain.length) await writeFile(`${path}.gz`, gz);
  return { plain: plain.length, br: br.length };
}

const root = process.argv[2] ?? "dist";
let plain = 0;
let br = 0;
for await (const path of files(root)) {
  if (path.includes(".vite")) continue;
  const sizes = await precompress(path);
  plain += sizes.plain;
  br += sizes.br;
}
// The folder itself is in the repository, empty.
await writeFile(join(root, ".gitkeep"), "");
const kib = (bytes) => `${Math.round(bytes / 1024)} KiB`;
console.log(`precompressed ${root}: ${kib(plain)} plain, ${kib(br)} brotli`);
