import { on, stopper } from "../lib/dom.ts";

/** Warns before a page with unsent changes in this form is left. */
export function unsavedForm(element: HTMLElement): () => void {
  if (!(element instanceof HTMLFormElement)) throw new Error("unsaved-form is for forms");
  const form = element;
  const atStart = fingerprint(form);
  let sent = false;
  const work = stopper();
  work.add(
    on(form, "submit", (event) => {
      // Another listener may still hold the form back (a question, an upload).
      queueMicrotask(() => {
        sent = !event.defaultPrevented;
      });
    }),
  );
  work.add(
    on(window, "beforeunload", (event) => {
      const saved = form.dataset.saved === "true";
      if (!sent && !saved && fingerprint(form) !== atStart) event.preventDefault();
    }),
  );
  return work.stop;
}

function fingerprint(form: HTMLFormElement): string {
  const parts: string[] = [];
  for (const [name, value] of new FormData(form)) {
    parts.push(`${name}=${typeof value === "string" ? value : `${value.name}:${value.size}`}`);
  }
  return parts.join("\u0000");
}
