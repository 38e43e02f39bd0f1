import { expect, test } from "vitest";
import { dicomDate, personName } from "../src/lib/words.ts";
import { viewerData } from "../src/viewer/data.ts";
import { buildSeries, type ImageSeries } from "../src/viewer/frames.ts";
import { differentPatients, identityWarnings } from "../src/viewer/identity.ts";
import { COMMANDS, commandOf } from "../src/viewer/keys.ts";
import { paneWords } from "../src/viewer/pane-words.ts";
import { outwards, Prefetch } from "../src/viewer/prefetch.ts";
import { isMirrored, type View, WHOLE } from "../src/viewer/surface.ts";
import { automatic, firstWindow, presetsFor, rangeOf } from "../src/viewer/window.ts";
import { frameUrl, slice } from "./dataset.ts";

const ELENA = { name: "RIVERA^ELENA", id: "P1", birthDate: "19780312" };

test("the same person written differently is the same, another is not", () => {
  expect(
    differentPatients(ELENA, { ...ELENA, name: "Rivera^Elena^Maria", id: "other" }),
  ).toBeNull();
  expect(differentPatients(ELENA, { ...ELENA, name: "RIVÉRA^ELENA" })).toBeNull();
  expect(differentPatients(ELENA, { ...ELENA, birthDate: "" })).toBeNull();
  expect(differentPatients(ELENA, { ...ELENA, birthDate: "19780313" })).toContain(
    "different patients",
  );
  expect(differentPatients(ELENA, { ...ELENA, name: "RIVERA^CARLOS" })).toContain(
    "different patients",
  );
});

test("images of somebody else than the case's person are told", () => {
  const person = { name: "Elena Rivera", birthDate: "19780312" };
  expect(identityWarnings([ELENA], person)).toBe("");
  expect(identityWarnings([{ ...ELENA, birthDate: "19500101" }], person)).toContain(
    "This case is about Elena Rivera",
  );
});

test("CT has fixed windows, MR follows the picture, colour has none", () => {
  const build = (more: Record<string, unknown[]>) =>
    buildSeries("2", [slice(1, more)], frameUrl) as ImageSeries;
  const source = { stored: { center: 300, width: 600 }, values: null };
  const ct = presetsFor(build({ "00080060": ["CT"] }));
  expect(ct.slice(0, 4).map((preset) => preset.name)).toEqual([
    "Soft tissue",
    "Lung",
    "Bone",
    "Brain",
  ]);
  expect(ct[1]?.window(source)).toEqual({ center: -600, width: 1500 });
  const mr = presetsFor(build({}));
  expect(mr[0]?.window(source)).toEqual({ center: 300, width: 600 });
  expect(mr[2]?.window(source)?.width).toBeCloseTo(330);
  expect(presetsFor(build({ "00280002": [3] }))).toEqual([]);
});

test("a mirrored picture is said to be one, a turned one is not", () => {
  const series = buildSeries("2", [slice(1)], frameUrl) as ImageSeries;
  const frame = series.frames[0] as ImageSeries["frames"][number];
  const said = (view: Partial<View>) => {
    const words = paneWords({
      series,
      frame,
      study: { words: "Current", isPrior: false },
      position: 1,
      window: null,
      isInverted: false,
      isMirrored: isMirrored({ ...WHOLE, ...view }),
      zoom: 1,
    });
    const isWarned = words.corners.tr.some((line) => line[0] === "Mirrored");
    expect(words.label.includes("mirrored")).toBe(isWarned);
    return isWarned;
  };
  expect(said({})).toBe(false);
  expect(said({ rotation: 180 })).toBe(false);
  expect(said({ flipHorizontal: true })).toBe(true);
  expect(said({ flipVertical: true, rotation: 90 })).toBe(true);
  // Both ways at once is half a turn.
  expect(said({ flipHorizontal: true, flipVertical: true })).toBe(false);
});

test("automatic windows leave outliers out", () => {
  const values = Float32Array.from({ length: 1000 }, (_, at) => at);
  values[999] = 1e6;
  const window = automatic(values, 0.01, 0.99);
  expect(window?.width).toBeGreaterThan(900);
  expect(window?.width).toBeLessThan(1000);
  expect(automatic(new Uint8Array(10), 0, 1)).toEqual({ center: 0.5, width: 1 });
  expect(automatic(null, 0, 1)).toBeNull();
});

test("a scanned page opens with a window in which it can be read", () => {
  const page = Array.from({ length: 1000 }, (_, at) => (at % 20 === 0 ? 10 : 245));
  const nonsense = { center: 128, width: 15 };
  const capture = { isCapture: true, window: nonsense };
  expect(firstWindow(capture, page)).toEqual({ center: 127.5, width: 235 });
  const fits = { center: 128, width: 200 };
  expect(firstWindow({ isCapture: true, window: fits }, page)).toBe(fits);
  const away = { center: 5000, width: 400 };
  expect(firstWindow({ isCapture: true, window: away }, page)?.width).toBe(235);
  // What a scanner stored with its own images is left alone.
  expect(firstWindow({ isCapture: false, window: nonsense }, page)).toBe(nonsense);
});

test("a window's range is the standard's", () => {
  // PS3.3 C.11.2.1.2.1: center 2048, width 4096 spans 0 to 4095.
  expect(rangeOf({ center: 2048, width: 4096 })).toEqual({ lower: 0, upper: 4095 });
});

test("frames are fetched outwards, first the way one scrolls", () => {
  expect(outwards(2, 5, 1)).toEqual([3, 1, 4, 0]);
  expect(outwards(0, 3, -1)).toEqual([1, 2]);
});

test("a new order replaces the rest of the old one; what fails is not tried again", async () => {
  const asked: string[] = [];
  const prefetch = new Prefetch(
    (id) => {
      asked.push(id);
      return id === "b" ? Promise.reject(new Error("damaged")) : Promise.resolve();
    },
    (id) => asked.includes(id) && id !== "b",
    () => {},
    1,
  );
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  prefetch.ask(["a", "b", "c"]);
  await turn();
  prefetch.ask(["b", "d"]);
  await turn();
  expect(asked).toEqual(["a", "b", "c", "d"]);
});

test("every key means one thing", () => {
  const keys = COMMANDS.flatMap((command) => [...command.keys]);
  expect(new Set(keys).size).toBe(keys.length);
  const press = (key: string, more: KeyboardEventInit = {}) =>
    commandOf(new KeyboardEvent("keydown", { key, ...more }));
  expect(press("I", {})).toBe("invert");
  expect(press("ArrowUp", { shiftKey: true })).toBe("level-up");
  expect(press("z", { ctrlKey: true })).toBe("undo");
  expect(press("z")).toBe("tool-zoom");
  expect(press("?", { shiftKey: true })).toBe("help");
  expect(press("i", { altKey: true })).toBeNull();
  expect(press("q")).toBeNull();
});

test("the page's data is taken as far as it is there", () => {
  expect(viewerData({ case_id: "c", patient: { birth_date: "1978-03-12" } })).toEqual({
    caseId: "c",
    dicomwebRoot: "/dicom-web",
    studies: [],
    patient: { name: "", birthDate: "19780312", id: "" },
  });
  expect(() => viewerData(null)).toThrow();
});

test("names and dates are written as people write them", () => {
  expect(personName("MORGAN^ALICE^J^DR^MD")).toBe("DR ALICE J MORGAN, MD");
  expect(personName("Yamada^Tarou=山田^太郎")).toBe("Tarou Yamada");
  expect(personName("")).toBe("");
  expect(dicomDate("20260314")).toBe("March 14, 2026");
  expect(dicomDate("1994.01.30")).toBe("1994.01.30");
});
