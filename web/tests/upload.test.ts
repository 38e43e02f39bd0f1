import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { uploadDelivery } from "../src/behaviours/upload-delivery.ts";
import { addAnswer, emptyReceipt, sentences } from "../src/lib/receipt.ts";
import { inParallel } from "../src/lib/upload.ts";
import { one, page } from "./page.ts";

/** Stands in for XMLHttpRequest: answers what the test says, in turn. */
class FakeRequest {
  static answers: Array<{ status: number; body: unknown } | "offline"> = [];
  static sent: Array<{ url: string; headers: Map<string, string>; body: File }> = [];
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
  send(body: File) {
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
  vi.useFakeTimers();
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

const stored = (delivery: string) => ({
  status: 200,
  body: { delivery, instances_stored: 1, duplicates: 0, documents: [], problems: [], studies: [] },
});

test("loose files share the delivery that the first answer named", async () => {
  const stop = uploadDelivery(page(FORM));
  FakeRequest.answers = [stored("d7"), stored("d7"), stored("d7")];
  choose(new File(["1"], "IM1"), new File(["2"], "IM2.dcm"), new File(["3"], "IM3"));
  await vi.advanceTimersByTimeAsync(100);
  expect(FakeRequest.sent.map((each) => each.url)).toEqual([
    "/api/deliveries?case=c1",
    "/api/deliveries?case=c1&delivery=d7",
    "/api/deliveries?case=c1&delivery=d7",
  ]);
  const [first, second] = FakeRequest.sent;
  expect(first?.headers.get("x-overread-csrf")).toBe("token");
  expect(first?.headers.get("Content-Type")).toBe("application/octet-stream");
  expect(second?.headers.get("Content-Type")).toBe("application/dicom");
  expect(one("[role=status]").textContent).toBe("3 image files arrived and are stored safely.");
  stop();
});

test("passing trouble is waited out, the file arrives once", async () => {
  const stop = uploadDelivery(page(FORM));
  FakeRequest.answers = ["offline", { status: 503, body: {} }, stored("d1")];
  choose(new File(["zip"], "disc.zip"));
  await vi.advanceTimersByTimeAsync(50);
  expect(one("[role=status]").textContent).toContain("Trying again");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(FakeRequest.sent).toHaveLength(3);
  expect(one("[role=status]").textContent).toContain("1 image file arrived");
  stop();
});

test("a refusal is told with its file, the rest goes on", async () => {
  const stop = uploadDelivery(page(FORM));
  const refusal = { error: "This file is too large", hint: "Send it on a disc." };
  FakeRequest.answers = [stored("d1"), { status: 413, body: refusal }, stored("d1")];
  choose(new File(["1"], "a"), new File(["2"], "b"), new File(["3"], "c"));
  await vi.advanceTimersByTimeAsync(100);
  expect(one(".upload-problems").textContent).toContain(
    "b: This file is too large. Send it on a disc.",
  );
  expect(one("[role=status]").textContent).toContain("2 image files arrived");
  stop();
});

test("nothing chosen is said, litter of computers is not sent", async () => {
  const stop = uploadDelivery(page<HTMLFormElement>(FORM));
  choose(new File(["x"], ".DS_Store"));
  await vi.advanceTimersByTimeAsync(10);
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
  expect(receipt.studies.get("1")?.series.get("1.1")?.instances).toBe(2);
  expect(sentences(receipt)).toEqual([
    "2 image files arrived and are stored safely.",
    "2 image files were here already.",
    "1 document arrived.",
  ]);
  expect(sentences(emptyReceipt())).toEqual([
    "No medical images or documents were found in what you sent.",
  ]);
});

test("no more than the width runs at once", async () => {
  let running = 0;
  let most = 0;
  await inParallel([1, 2, 3, 4, 5, 6], 4, async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  });
  expect(most).toBe(4);
});
