import { h } from "../lib/dom.ts";

/** Other forms of the page (signing) name the version of the draft they mean. */
export function tellVersion(form: HTMLFormElement, version: number): void {
  form.dataset.version = String(version);
  const own = 'input[type="hidden"][name="version"]';
  const others = document.querySelectorAll<HTMLInputElement>("input[data-draft-version]");
  for (const input of [...form.querySelectorAll<HTMLInputElement>(own), ...others]) {
    input.value = String(version);
  }
}

/** Where the form says how its draft is. */
export function statusLine(form: HTMLFormElement): HTMLElement {
  const found = form.querySelector<HTMLElement>("[data-autosave-status]");
  if (found) return found;
  const made = h("p", { class: "autosave-status", role: "status", "data-autosave-status": true });
  form.append(made);
  return made;
}

/** A button beside the words. */
export function action(label: string, run: () => void): HTMLButtonElement {
  const button = h("button", { type: "button", class: "button button--small" }, label);
  button.addEventListener("click", run);
  return button;
}

/** A number of a JSON answer. */
export function numberAt(value: unknown, key: string): number | null {
  if (typeof value !== "object" || value === null) return null;
  const found: unknown = Reflect.get(value, key);
  return typeof found === "number" ? found : null;
}
