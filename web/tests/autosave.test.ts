import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { autosave } from "../src/behaviours/autosave.ts";
import { keep, recall } from "../src/lib/local-copy.ts";
import { answers, one, page, settle, type } from "./page.ts";

const FORM = `<form data-url="/cases/c/report/draft" data-version="3" data-csrf="token">
  <input type="hidden" name="csrf" value="token"><input type="hidden" name="version" value="3">
  <textarea name="findings">As saved</textarea>
  <p data-autosave-status></p></form><input data-draft-version value="3">`;
const KEY = "draft:/cases/c/report/draft";
let stop = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const status = () => one("[data-autosave-status]").textContent ?? "";
const findings = () => one<HTMLTextAreaElement>("textarea").value;

test("text is saved after a pause, with its version, and the local copy goes", async () => {
  stop = autosave(page(FORM));
  const asked = answers({ body: { version: 4, saved_at: "2026-03-01T10:42:00Z" } });
  type("textarea", "New words");
  expect(recall("local", KEY)).toMatchObject({ version: 3, fields: { findings: "New words" } });
  await vi.advanceTimersByTimeAsync(1_500);
  expect(asked[0]?.url).toBe("/cases/c/report/draft");
  expect(asked[0]?.init.method).toBe("PUT");
  expect(new Headers(asked[0]?.init.headers).get("x-overread-csrf")).toBe("token");
  expect(JSON.parse(String(asked[0]?.init.body))).toEqual({
    version: 3,
    fields: { findings: "New words" },
  });
  expect(status()).toMatch(/^Saved /);
  expect(recall("local", KEY)).toBeNull();
  expect(one<HTMLInputElement>("[data-draft-version]").value).toBe("4");
  expect(one<HTMLInputElement>('[name="version"]').value).toBe("4");
});

test("a lost connection keeps the text here and tries again", async () => {
  stop = autosave(page(FORM));
  answers("offline", { body: { version: 4 } });
  type("textarea", "Written on a train");
  await vi.advanceTimersByTimeAsync(1_500);
  expect(status()).toContain("Your text is kept on this computer");
  expect(recall("local", KEY)).toMatchObject({ fields: { findings: "Written on a train" } });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(status()).toMatch(/^Saved /);
});

test("a draft that changed elsewhere is not overwritten unasked", async () => {
  stop = autosave(page(FORM));
  const conflict = {
    status: 409,
    message: "This draft was changed in another window",
    version: 9,
  };
  const asked = answers({ status: 409, body: conflict }, { body: { version: 10 } });
  type("textarea", "Mine");
  await vi.advanceTimersByTimeAsync(1_500);
  expect(status()).toContain("changed in another window");
  type("textarea", "Mine, still");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
  one("[data-autosave-status] button").click();
  await vi.advanceTimersByTimeAsync(10);
  expect(JSON.parse(String(asked[1]?.init.body))).toEqual({
    version: 9,
    fields: { findings: "Mine, still" },
  });
});

test("after a crash the text comes back without a question", async () => {
  keep("local", KEY, { version: 3, fields: { findings: "Lost in the crash" }, keptAt: 0 });
  answers({ body: { version: 4 } });
  stop = autosave(page(FORM));
  expect(findings()).toBe("Lost in the crash");
  await vi.advanceTimersByTimeAsync(1_500);
  expect(recall("local", KEY)).toBeNull();
});

test("older local text is offered, not forced", async () => {
  keep("local", KEY, { version: 2, fields: { findings: "Older" }, keptAt: 0 });
  stop = autosave(page(FORM));
  expect(findings()).toBe("As saved");
  one("[data-autosave-status] button").click();
  await settle();
  expect(findings()).toBe("Older");
});

test("what the page before sent while it was left is told as our own", async () => {
  keep("local", KEY, { version: 3, fields: { findings: "Sent on leaving" }, keptAt: 0 });
  const asked = answers({ body: { version: 5 } }, { body: { version: 6 } });
  stop = autosave(page(FORM));
  type("textarea", "Sent on leaving, and more");
  await vi.advanceTimersByTimeAsync(1_500);
  expect(JSON.parse(String(asked[0]?.init.body))).toEqual({
    version: 3,
    fields: { findings: "Sent on leaving, and more" },
    before: { findings: "Sent on leaving" },
  });
  expect(status()).toMatch(/^Saved /);
  type("textarea", "More still");
  await vi.advanceTimersByTimeAsync(1_500);
  expect(JSON.parse(String(asked[1]?.init.body))).toEqual({
    version: 5,
    fields: { findings: "More still" },
  });
});

test("a text whose answer was lost is told as our own when it is sent again", async () => {
  stop = autosave(page(FORM));
  const asked = answers("offline", { body: { version: 5 } });
  type("textarea", "Arrived, but nobody heard");
  await vi.advanceTimersByTimeAsync(1_500);
  type("textarea", "Arrived, but nobody heard. More");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(JSON.parse(String(asked[1]?.init.body))).toMatchObject({
    version: 3,
    before: { findings: "Arrived, but nobody heard" },
  });
});
