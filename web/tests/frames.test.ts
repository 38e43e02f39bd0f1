import { expect, test } from "vitest";
import { type DataSet, number, text } from "../src/viewer/dicom-json.ts";
import { buildSeries, type ImageSeries } from "../src/viewer/frames.ts";
import { frameUrl, slice } from "./dataset.ts";

function images(instances: DataSet[]): ImageSeries {
  const series = buildSeries("2", instances, frameUrl);
  if (series.kind !== "images") throw new Error(`not images but ${series.what}`);
  return series;
}

const numbers = (series: ImageSeries) => series.frames.map((frame) => frame.instanceNumber);

test("frames are read by position, in the scanner's direction", () => {
  expect(numbers(images([slice(3), slice(1), slice(2)]))).toEqual([1, 2, 3]);
  const downwards = [1, 2, 3].map((at) => slice(at, { "00200032": [-at * 4, 0, 0] }));
  expect(numbers(images(downwards))).toEqual([1, 2, 3]);
  const misnumbered = [
    slice(1),
    slice(2, { "00200032": [12, 0, 0] }),
    slice(3, { "00200032": [8, 0, 0] }),
  ];
  expect(numbers(images(misnumbered))).toEqual([1, 3, 2]);
});

test("pictures of different tilt, as localizers are, stay in their numbers' order", () => {
  const tilted = slice(1, { "00200037": [1, 0, 0, 0, 1, 0], "00200032": [500, 0, 0] });
  expect(numbers(images([slice(2), tilted]))).toEqual([1, 2]);
});

test("several pictures of one place stay together", () => {
  const at = (instance: number, position: number) =>
    slice(instance, { "00200032": [position, 0, 0] });
  expect(numbers(images([at(1, 0), at(2, 4), at(3, 0), at(4, 4)]))).toEqual([1, 3, 2, 4]);
});

test("a multi-frame's planes, spacing and windows come from its functional groups", () => {
  const group = (position: number): DataSet => ({
    "00209113": { Value: [{ "00200032": { Value: [0, 0, position] } }] },
    "00289132": { Value: [{ "00281050": { Value: [position] }, "00281051": { Value: [50] } }] },
  });
  const shared: DataSet = {
    "00209116": { Value: [{ "00200037": { Value: [1, 0, 0, 0, 1, 0] } }] },
    "00289110": { Value: [{ "00280030": { Value: [2, 2] } }] },
  };
  const multi = slice(1, {
    "00280008": ["2"],
    "00200032": undefined,
    "00200037": undefined,
    "00280030": undefined,
    "52009229": [shared],
    "52009230": [group(10), group(20)],
  });
  const { frames } = images([multi]);
  expect(frames.map((frame) => frame.key)).toEqual(["9.1/1", "9.1/2"]);
  expect(frames.map((frame) => frame.plane?.position[2])).toEqual([10, 20]);
  expect(frames[1]).toMatchObject({ spacing: [2, 2], window: { center: 20, width: 50 } });
  expect(frames[1]?.imageId).toBe("wadors:http://x/9.1/frames/2");
});

test("what is missing or senseless is null, not a number", () => {
  const bare = slice(1, {
    "00200037": [0, 0, 0, 0, 0, 0],
    "00280030": [0, 0],
    "00281051": [0],
    "00200020": ["L", "F"],
  });
  expect(images([bare]).frames[0]).toMatchObject({
    plane: null,
    spacing: null,
    window: null,
    sides: ["L", "F"],
  });
});

test("projection pictures measure at the detector, lossy ones say so", () => {
  const film = slice(1, {
    "00280030": undefined,
    "00181164": [0.1, 0.1],
    "00282110": ["01"],
    "00282112": ["12.4"],
  });
  expect(images([film]).frames[0]).toMatchObject({ isDetectorSpacing: true, loss: "Lossy 12:1" });
});

test("what holds no picture is named", () => {
  const pdf = slice(1, { "00080016": ["1.2.840.10008.5.1.4.1.1.104.1"] });
  const report = slice(1, { "00080016": ["1.2.840.10008.5.1.4.1.1.88.33"] });
  const outlines = slice(1, { "00080016": ["1.2.840.10008.5.1.4.1.1.66.4"] });
  const what = (instance: DataSet) => {
    const series = buildSeries("2", [instance], frameUrl);
    return series.kind === "other" ? series.what : "images";
  };
  expect(what(pdf)).toBe("PDF document");
  expect(what(report)).toBe("Structured report");
  expect(what(outlines)).toBe("Outlines drawn by software (segmentation)");
  expect(buildSeries("2", [], frameUrl)).toMatchObject({ kind: "other", what: "Nothing stored" });
});

test("values come out of DICOM JSON in whatever form they were written", () => {
  const dataSet: DataSet = {
    "1": { Value: [{ Ideographic: "山田^太郎" }] },
    "2": { Value: ["1.5"] },
    "3": {},
  };
  expect(text(dataSet, "1")).toBe("山田^太郎");
  expect(number(dataSet, "2")).toBe(1.5);
  expect(number(dataSet, "3")).toBeNull();
});
