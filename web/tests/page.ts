import { vi } from "vitest";

/** Puts HTML of a test into the page and returns its first element. */
export function page<T extends HTMLElement = HTMLElement>(html: string): T {
  const template = document.createElement("template");
  template.innerHTML = html;
  document.body.replaceChildren(template.content.cloneNode(true));
  const first = document.body.firstElementChild;
  if (!first) throw new Error("the test's page is empty");
  return first as T;
}

/** Returns the element that must be there. */
export function one<T extends HTMLElement = HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`nothing matches ${selector}`);
  return found;
}

/** Lets promises and `queueMicrotask` run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

/** Sets a field's value as typing does. */
export function type(selector: string, value: string): void {
  const field = one<HTMLInputElement>(selector);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A `fetch` that answers in turn; remembers what it was asked. */
export function answers(...list: Array<{ status?: number; body: unknown } | "offline">) {
  const asked: Array<{ url: string; init: RequestInit }> = [];
  const fake = vi.fn((url: string, init: RequestInit) => {
    asked.push({ url, init });
    const next = list.shift();
    if (!next || next === "offline") return Promise.reject(new TypeError("offline"));
    const text = typeof next.body === "string" ? next.body : JSON.stringify(next.body);
    return Promise.resolve(new Response(text, { status: next.status ?? 200 }));
  });
  vi.stubGlobal("fetch", fake);
  return asked;
}
