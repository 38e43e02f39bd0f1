import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { uploadDelivery } from "../src/behaviours/upload-delivery.ts";
import { addAnswer, emptyReceipt, sentences } from "../src/lib/receipt.ts";
import { portions, zipOf } from "../src/lib/zip.ts";
import { one, page, settle } from "./page.ts";

/** Stands in for XMLHttpRequest: answers what the test says, in turn. */
class FakeRequest {
  static answers: Array<{ status: number; body: unknown } | "offline"> = [];
  static sent: Array<{ url: string; headers: Map<string, string>; body: Blob }> = [];
  status = 0;
  responseText = "";
  readonly upload = new EventTarget();
  private readonly events = new EventTarget();
  private readonly headers = new Map<string, string>();
  private url = "";

  open(_method: string, url: string) {
    this.url = url;
  }
  setRequestHeader(name: string, value: string) {
    this.headers.set(name, value);
  }
  addEventListener(type: string, listener: () => void) {
    this.events.addEventListener(type, listener);
  }
  abort() {
    this.events.dispatchEvent(new Event("abort"));
  }
  send(body: Blob) {
    FakeRequest.sent.push({ url: this.url, headers: this.headers, body });
    const answer = FakeRequest.answers.shift() ?? "offline";
    queueMicrotask(() => {
      if (answer === "offline") this.events.dispatchEvent(new Event("error"));
      else {
        this.status = answer.status;
        this.responseText = JSON.stringify(answer.body);
        this.events.dispatchEvent(new Event("load"));
      }
      this.events.dispatchEvent(new Event("loadend"));
    });
  }
}

const FORM = `<form data-url="/api/deliveries?case=c1" data-csrf="token">
  <input type="file" id="files" multiple><button>Send</button></form>`;

beforeEach(() => {
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  FakeRequest.sent = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Chooses files as the browser's dialog does. */
function choose(...files: File[]): void {
  const input = one<HTMLInputElement>("#files");
  Object.defineProperty(input, "files", { value: files, configurable: true });
  Object.defineProperty(input, "value", { value: "", writable: true, configurable: true });
  input.dispatchEvent(new Event("change"));
}

const stored = (count: number) => ({
  status: 200,
  body: { delivery: "d1", instances_stored: count, documents: [], problems: [], studies: [] },
});

/** Waits for real reading of files, which fake timers do not move. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !isSo(); turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a folder goes as one ZIP with its paths, in one delivery", async () => {
  const stop = uploadDelivery(page(FORM));
  FakeRequest.answers = [stored(3)];
  choose(new File(["first"], "IM1"), new File(["second"], "IM2.dcm"), new File(["3"], "IM3"));
  await until(() => one("[role=status]").textContent?.includes("arrived") ?? false);
  expect(FakeRequest.sent.map(({ url }) => url)).toEqual(["/api/deliveries?case=c1"]);
  const [sent] = FakeRequest.sent;
  expect(sent?.headers.get("x-overread-csrf")).toBe("token");
  expect(sent?.headers.get("Content-Type")).toBe("application/zip");
  const bytes = new Uint8Array((await sent?.body.arrayBuffer()) ?? new ArrayBuffer(0));
  const text = new TextDecoder("latin1").decode(bytes);
  expect(text).toContain("IM2.dcmsecond");
  expect(text.split("PK\u0001\u0002")).toHaveLength(4);
  expect(one("[role=status]").textContent).toBe("3 image files arrived and are stored safely.");
  stop();
});

test("passing trouble is waited out, the disc arrives once", async () => {
  vi.useFakeTimers();
  const stop = uploadDelivery(page(FORM));
  FakeRequest.answers = ["offline", { status: 503, body: {} }, stored(1)];
  choose(new File(["zip"], "disc.zip"));
  await vi.advanceTimersByTimeAsync(50);
  expect(one("[role=status]").textContent).toContain("Trying again");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(FakeRequest.sent).toHaveLength(3);
  expect(one("[role=status]").textContent).toContain("1 image file arrived");
  stop();
});

test("a server that stays away for minutes is waited for, and nothing is said of what nobody judged", async () => {
  vi.useFakeTimers();
  const stop = uploadDelivery(page(FORM));
  FakeRequest.answers = [stored(2)];
  choose(new File(["1"], "a.zip"), new File(["2"], "b.zip"), new File(["3"], "c.zip"));
  await vi.advanceTimersByTimeAsync(2 * 60_000);
  expect(one("[role=status]").textContent).toContain("Trying again in");
  await vi.advanceTimersByTimeAsync(5 * 60_000);
  const said = one("[role=status]").textContent ?? "";
  expect(said).toContain("2 image files arrived");
  expect(said).toContain("The connection to the server was lost. What arrived before is kept.");
  expect(said).toContain("Choose the files again when it is back");
  expect(said).not.toContain("No medical images");
  expect(said).not.toContain("could not be used");
  expect(one("[role=status]").dataset.kind).toBe("warning");
  // The third file is not tried while the server is away for the second.
  const sent = await Promise.all(FakeRequest.sent.map(({ body }) => body.text()));
  expect(new Set(sent)).toEqual(new Set(["1", "2"]));
  stop();
});

test("a server that is away from the start is not taken for files without images", async () => {
  vi.useFakeTimers();
  const stop = uploadDelivery(page(FORM));
  choose(new File(["1"], "a.zip"));
  await vi.advanceTimersByTimeAsync(7 * 60_000);
  const said = one("[role=status]").textContent ?? "";
  expect(said).toContain("The connection to the server was lost.");
  expect(said).not.toContain("No medical images");
  stop();
});

test("a refusal is told with what was refused, the rest goes on", async () => {
  const stop = uploadDelivery(page(FORM));
  const refusal = { message: "This file is too large", hint: "Send it on a disc." };
  FakeRequest.answers = [{ status: 413, body: refusal }, stored(2)];
  choose(new File(["1"], "a.zip"), new File(["2"], "b"), new File(["3"], "c"));
  await until(() => one("[role=status]").textContent?.includes("arrived") ?? false);
  const problems = one(".upload-problems").textContent;
  expect(problems).toContain("a.zip: This file is too large. Send it on a disc.");
  expect(one("[role=status]").textContent).toContain("2 image files arrived");
  stop();
});

test("what a scratched disc will not give is named, the rest arrives", async () => {
  const stop = uploadDelivery(page(FORM));
  FakeRequest.answers = [stored(1)];
  const scratched = new File(["x"], "IM9");
  scratched.stream = () => {
    throw new Error("NotReadableError");
  };
  choose(scratched, new File(["2"], "IM2"));
  await until(() => one("[role=status]").textContent?.includes("arrived") ?? false);
  expect(one(".upload-problems").textContent).toContain("IM9: It could not be read from the disc.");
  stop();
});

test("a ZIP's checksum and directory are those of the format", async () => {
  const { blob } = await zipOf([{ file: new File(["123456789"], "n"), path: "CD/n" }]);
  const view = new DataView(await blob.arrayBuffer());
  expect(view.getUint32(14, true)).toBe(0xcbf43926); // the check value of CRC-32
  expect(view.getUint32(18, true)).toBe(9);
  const end = view.byteLength - 22;
  expect(view.getUint32(end, true)).toBe(0x06054b50);
  expect(view.getUint16(end + 10, true)).toBe(1);
  const directory = view.getUint32(end + 16, true);
  expect(view.getUint32(directory, true)).toBe(0x02014b50);
  expect(directory + view.getUint32(end + 12, true)).toBe(end);
});

test("large deliveries are parted, nothing is lost or sent twice", () => {
  const files = [5, 5, 5, 30, 1].map((size, at) => ({
    file: new File(["x".repeat(size)], `f${at}`),
    path: `f${at}`,
  }));
  const parts = portions(files, 10, 100).map((part) => part.map(({ path }) => path));
  expect(parts).toEqual([["f0", "f1"], ["f2"], ["f3"], ["f4"]]);
  expect(portions(files, 1e9, 2).map((part) => part.length)).toEqual([2, 2, 1]);
});

test("nothing chosen is said, litter of computers is not sent", async () => {
  const stop = uploadDelivery(page<HTMLFormElement>(FORM));
  choose(new File(["x"], ".DS_Store"));
  await settle();
  expect(FakeRequest.sent).toHaveLength(0);
  expect(one("[role=status]").textContent).toContain("nothing in what you chose");
  stop();
});

test("receipts of several answers add up, whatever is missing in them", () => {
  const receipt = emptyReceipt();
  const series = (instances: number) => ({
    study_instance_uid: "1",
    patient_name: "A^B",
    series: [{ series_instance_uid: "1.1", modality: "MR", description: "T2", instances }],
  });
  addAnswer(receipt, { delivery: "d", instances_stored: 1, studies: [series(1)] });
  addAnswer(receipt, {
    instances_stored: 1,
    duplicates: 2,
    studies: [series(1)],
    documents: [{ name: "R.pdf" }],
  });
  addAnswer(receipt, null);
  addAnswer(receipt, { problems: [{ path: "", kind: "held-back", message: "1 exam waits" }] });
  expect(receipt.problems).toEqual([]);
  expect(receipt.studies.get("1")?.series.get("1.1")?.instances).toBe(2);
  expect(sentences(receipt)).toEqual([
    "2 image files arrived and are stored safely.",
    "2 image files were here already.",
    "1 document arrived.",
    "Some of it waits for a coordinator, who must first find out whose images they are. Until then nobody else sees them.",
  ]);
  expect(sentences(emptyReceipt())).toEqual([
    "No medical images or documents were found in what you sent.",
  ]);
});
