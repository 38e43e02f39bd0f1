import { expect, test } from "vitest";
import { buildSeries, type Frame, type ImageSeries } from "../src/viewer/frames.ts";
import {
  type Outline,
  patientToPixel,
  pixelToPatient,
  planeName,
  referenceLine,
  sideLetters,
} from "../src/viewer/geometry.ts";
import { followerIdx, linkBetween } from "../src/viewer/link.ts";
import { lengthInWords, scaleBarMm } from "../src/viewer/measure.ts";
import { opposite } from "../src/viewer/overlay.ts";
import { frameUrl, slice } from "./dataset.ts";

const AXIAL = { position: [-100, -100, 0], row: [1, 0, 0], column: [0, 1, 0] } as const;
const SAGITTAL = { position: [0, -100, 100], row: [0, 1, 0], column: [0, 0, -1] } as const;

function series(count: number, more: Record<string, unknown[]> = {}, step = 4): ImageSeries {
  const instances = Array.from({ length: count }, (_, at) =>
    slice(at + 1, { "00200032": [at * step, 0, 0], ...more }),
  );
  return buildSeries("2", instances, frameUrl) as ImageSeries;
}

test("sides have the letters of the patient's coordinates, two when oblique", () => {
  expect(sideLetters([1, 0, 0])).toBe("L");
  expect(sideLetters([-1, 0, 0])).toBe("R");
  expect(sideLetters([0, 1, 0])).toBe("P");
  expect(sideLetters([0, 0, -1])).toBe("F");
  expect(sideLetters([0, -0.8, 0.6])).toBe("AH");
  expect(sideLetters([0.1, 0.99, 0])).toBe("P");
  expect(sideLetters([0, 0, 0])).toBe("");
  expect(opposite("AH")).toBe("PF");
});

test("planes have radiologists' names", () => {
  expect(planeName(AXIAL)).toBe("axial");
  expect(planeName(SAGITTAL)).toBe("sagittal");
  expect(planeName({ ...AXIAL, row: [0.7, 0.7, 0], column: [0, 0.1, 0.9] })).toBe("oblique");
});

test("pixel and patient go back and forth", () => {
  const point = pixelToPatient(SAGITTAL, [2, 0.5], [40, 10]);
  expect(point).toEqual([0, -80, 80]);
  expect(patientToPixel(SAGITTAL, [2, 0.5], point)).toEqual([40, 10]);
});

test("the other plane cuts where it does, parallel ones nowhere", () => {
  const outline = (plane: Outline["plane"]): Outline => ({
    plane,
    spacing: [1, 1],
    rows: 201,
    columns: 201,
  });
  const line = referenceLine(outline(AXIAL), outline(SAGITTAL));
  expect(line?.map(([column]) => column)).toEqual([100, 100]);
  expect(line?.map(([, row]) => row).sort((a, b) => a - b)).toEqual([0, 200]);
  expect(referenceLine(outline(AXIAL), outline(AXIAL))).toBeNull();
  const above = { ...SAGITTAL, position: [0, -100, 900] } as const;
  expect(referenceLine(outline(AXIAL), outline(above))).toBeNull();
});

test("one examination links by position, two by where they were linked", () => {
  const [a, b] = [series(10), series(20, {}, 2)];
  expect(linkBetween(a, a.frames[0], b, b.frames[0])).toEqual({ kind: "position" });
  expect(followerIdx(a.frames[4] as Frame, b, [0, 0, 0])).toBe(8);
  const prior = series(10, { "00200052": ["other"] });
  const link = linkBetween(a, a.frames[2], prior, prior.frames[5]);
  expect(link).toEqual({ kind: "offset", offset: [12, 0, 0] });
  expect(followerIdx(a.frames[4] as Frame, prior, [12, 0, 0])).toBe(7);
});

test("planes in different directions, or without a place, do not link", () => {
  const [a, b] = [series(3), series(3, { "00200037": [1, 0, 0, 0, 1, 0] })];
  expect(linkBetween(a, a.frames[0], b, b.frames[0])).toMatchObject({ kind: "none" });
  const film = series(1, { "00200037": [] });
  expect(linkBetween(a, a.frames[0], film, film.frames[0])).toMatchObject({ kind: "none" });
});

test("lengths are in mm with both spacings, at the detector for films, else in pixels", () => {
  const [frame] = series(1).frames;
  if (!frame) throw new Error("no frame");
  expect(lengthInWords([0, 0], [6, 0], frame)).toBe("3.0 mm");
  expect(lengthInWords([0, 0], [0, 5], frame)).toBe("4.0 mm");
  expect(lengthInWords([0, 0], [6, 5], frame)).toBe("5.0 mm");
  expect(lengthInWords([0, 0], [3, 4], { ...frame, spacing: null })).toBe("5.0 px");
  expect(lengthInWords([0, 0], [6, 0], { ...frame, isDetectorSpacing: true })).toBe(
    "3.0 mm (at the detector)",
  );
});

test("scale bars have round lengths", () => {
  expect([73, 49, 19, 9.9, 0.7].map(scaleBarMm)).toEqual([50, 20, 10, 5, 0.5]);
  expect(scaleBarMm(0)).toBe(0);
});
