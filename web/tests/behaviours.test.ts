import { afterEach, expect, test, vi } from "vitest";
import { concordance } from "../src/behaviours/concordance.ts";
import { confirm } from "../src/behaviours/confirm.ts";
import { letterPreview } from "../src/behaviours/letter-preview.ts";
import { signOut } from "../src/behaviours/sign-out.ts";
import { sortable } from "../src/behaviours/sortable.ts";
import { unsavedForm } from "../src/behaviours/unsaved-form.ts";
import { keep, recall } from "../src/lib/local-copy.ts";
import { answers, one, page, settle, type } from "./page.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a letter's preview follows its form, once things are quiet", async () => {
  vi.useFakeTimers();
  const form = page(
    '<form data-preview-url="/p" data-csrf="t"><input name="name" value="A"><input name="csrf" value="t"></form><div id="letter-preview"><p>old</p></div>',
  );
  const stop = letterPreview(form);
  const asked = answers({ body: "<p>Dear <em>Ann</em></p>" });
  type('[name="name"]', "An");
  type('[name="name"]', "Ann");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(1);
  expect(String(asked[0]?.init.body)).toBe("name=Ann&csrf=t");
  expect(one("#letter-preview").innerHTML).toBe("<p>Dear <em>Ann</em></p>");
  stop();
});

test("a failed preview keeps the last good one and says so", async () => {
  vi.useFakeTimers();
  const stop = letterPreview(
    page(
      '<form data-preview-url="/p"><input name="n"></form><div id="letter-preview"><p>old</p></div>',
    ),
  );
  answers("offline");
  type('[name="n"]', "x");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(one("#letter-preview").textContent).toContain("old");
  expect(one("#letter-preview [role=status]").textContent).toContain("could not be updated");
  stop();
});

const CONCORDANCE = `<section>
  <ol><li data-item="1" id="item-1">One</li><li data-item="2" id="item-2">Two</li></ol>
  <div data-report="original"><mark id="o-1" data-item="1">a</mark><mark id="o-2" data-item="2">b</mark></div>
  <div data-report="second"><mark id="s-1" data-item="1">c</mark></div></section>`;

test("j and k go through the compared items and light both reports", () => {
  const stop = concordance(page(CONCORDANCE));
  const key = (name: string) =>
    document.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  key("j");
  expect([...document.querySelectorAll(".is-chosen")].map((part) => part.id)).toEqual([
    "item-1",
    "o-1",
    "s-1",
  ]);
  key("j");
  expect(one("#item-2").getAttribute("aria-current")).toBe("true");
  key("k");
  expect(one("#item-1").classList.contains("is-chosen")).toBe(true);
  stop();
});

test("pointing at words lights their row and the other report", () => {
  const stop = concordance(page(CONCORDANCE));
  one("#s-1").dispatchEvent(new Event("pointerover", { bubbles: true }));
  expect(one("#item-1").classList.contains("is-lit")).toBe(true);
  expect(one("#o-1").classList.contains("is-lit")).toBe(true);
  expect(one("#o-2").classList.contains("is-lit")).toBe(false);
  stop();
});

test("a question stands before the form is sent", async () => {
  HTMLDialogElement.prototype.showModal ??= () => {};
  const sent = vi.fn((event: Event) => event.preventDefault());
  const form = page<HTMLFormElement>(
    '<form data-confirm="Sign the report?"><button>Sign</button></form>',
  );
  const stop = confirm(form);
  form.addEventListener("submit", sent);
  form.requestSubmit(one<HTMLButtonElement>("button"));
  expect(sent).not.toHaveBeenCalled();
  const dialog = one<HTMLDialogElement>("dialog");
  expect(dialog.textContent).toContain("Sign the report?");
  dialog.returnValue = "yes";
  dialog.dispatchEvent(new Event("close"));
  await settle();
  expect(sent).toHaveBeenCalledTimes(1);
  stop();
});

test("saying no sends nothing", () => {
  const sent = vi.fn((event: Event) => event.preventDefault());
  const form = page<HTMLFormElement>('<form data-confirm="Sure?"><button>Go</button></form>');
  const stop = confirm(form);
  form.addEventListener("submit", sent);
  form.requestSubmit();
  one("dialog").dispatchEvent(new Event("close"));
  expect(sent).not.toHaveBeenCalled();
  expect(document.querySelector("dialog")).toBeNull();
  stop();
});

test("leaving a changed form is asked about, an unchanged one is not", () => {
  const stop = unsavedForm(page('<form><input name="a" value="1"></form>'));
  const leave = () => {
    const event = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect(leave()).toBe(false);
  type("input", "2");
  expect(leave()).toBe(true);
  stop();
  expect(leave()).toBe(false);
});

test("a table is sorted by its headings, numbers as numbers, empty cells last", () => {
  const stop = sortable(
    page(`<table><thead><tr><th>Case</th><th>Days</th></tr></thead><tbody>
      <tr><td>b</td><td>10</td></tr><tr><td>a</td><td></td></tr><tr><td>c</td><td>9</td></tr></tbody></table>`),
  );
  const order = () =>
    [...document.querySelectorAll("tbody tr")].map((row) => row.firstElementChild?.textContent);
  one("th:nth-child(2) button").click();
  expect(order()).toEqual(["c", "b", "a"]);
  expect(one("th:nth-child(2)").getAttribute("aria-sort")).toBe("ascending");
  one("th:nth-child(1) button").click();
  expect(order()).toEqual(["a", "b", "c"]);
  expect(one("th:nth-child(2)").hasAttribute("aria-sort")).toBe(false);
  stop();
});

test("signing out takes everything away that this browser kept", () => {
  keep("local", "draft:x", 1);
  keep("session", "viewer:c", 2);
  localStorage.setItem("someone-else", "stays");
  const form = page("<form><button>Sign out</button></form>");
  const stop = signOut(form);
  form.dispatchEvent(new Event("submit"));
  expect(recall("local", "draft:x")).toBeNull();
  expect(recall("session", "viewer:c")).toBeNull();
  expect(localStorage.getItem("someone-else")).toBe("stays");
  stop();
});
