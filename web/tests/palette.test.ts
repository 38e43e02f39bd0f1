import { expect, test } from "vitest";
import { onlyPart, unfoldPalette } from "../src/viewer/palette.ts";
import { slice } from "./dataset.ts";

const BYTES = Uint8Array.from([0, 0, 0x34, 0x12, 0xff, 0xff]);
const none = () => Promise.reject(new Error("nothing is to be fetched"));

function palette(bits: number, data: Record<string, unknown>) {
  const instance = slice(1, { "00280004": ["PALETTE COLOR"] });
  for (const table of [1, 2, 3]) {
    instance[`0028110${table}`] = { Value: [3, 0, bits] };
    instance[`0028120${table}`] = { vr: "OW", ...data };
  }
  return instance;
}

test("tables become numbers, sent along or referred to", async () => {
  const inline = palette(16, { InlineBinary: btoa(String.fromCharCode(...BYTES)) });
  await unfoldPalette(inline, none);
  expect(inline["00281202"]?.Value).toEqual([0, 0x1234, 0xffff]);
  const referred = palette(16, { BulkDataURI: "bulkdata/00281201" });
  const asked: string[] = [];
  await unfoldPalette(referred, (uri) => {
    asked.push(uri);
    return Promise.resolve(BYTES);
  });
  expect(asked).toHaveLength(3);
  expect(referred["00281203"]?.Value).toEqual([0, 0x1234, 0xffff]);
});

test("tables of bytes are read as bytes, padding left out", async () => {
  const instance = palette(8, { InlineBinary: btoa(String.fromCharCode(1, 2, 3, 0)) });
  await unfoldPalette(instance, none);
  expect(instance["00281201"]?.Value).toEqual([1, 2, 3]);
});

test("a missing table is an error, no palette is none", async () => {
  await expect(unfoldPalette(palette(16, {}), none)).rejects.toThrow("colours are missing");
  const grey = slice(1);
  await unfoldPalette(grey, none);
  expect(grey["00281201"]).toBeUndefined();
});

test("the one part of an answer is taken out", () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const body = encode("--b\r\nContent-Type: application/octet-stream\r\n\r\nDATA\r\n--b--\r\n");
  const type = 'multipart/related; type="application/octet-stream"; boundary=b';
  expect(new TextDecoder().decode(onlyPart(body, type))).toBe("DATA");
  expect(onlyPart(body, "application/octet-stream")).toBe(body);
});
