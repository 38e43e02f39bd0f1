import { debounce, h, on, required, stopper } from "../lib/dom.ts";
import { CSRF_HEADER } from "../lib/fetch.ts";

const WAIT_MS = 400;

/**
 * Shows the letter as it will be while its form is filled in.
 *
 * Posts the form's fields to `data-preview-url` and puts the server's fragment into the element
 * that `data-preview` selects (default `#letter-preview`).
 */
export function letterPreview(element: HTMLElement): () => void {
  if (!(element instanceof HTMLFormElement)) throw new Error("letter-preview is for forms");
  const form = element;
  const url = required(form, "previewUrl");
  const target = document.querySelector(form.dataset.preview ?? "#letter-preview");
  if (!(target instanceof HTMLElement)) throw new Error("the page has no letter preview");
  let running: AbortController | null = null;

  const refresh = async () => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    target.setAttribute("aria-busy", "true");
    try {
      const fragment = await fetchFragment(form, url, mine.signal);
      if (mine.signal.aborted) return;
      target.replaceChildren(...fragment);
    } catch {
      if (mine.signal.aborted) return;
      showFailure(target);
    }
    target.removeAttribute("aria-busy");
  };
  const later = debounce(() => void refresh(), WAIT_MS);

  const work = stopper();
  work.add(() => running?.abort());
  work.add(later.cancel);
  work.add(on(form, "input", later.call));
  work.add(on(form, "change", later.call));
  if (target.childElementCount === 0) void refresh();
  return work.stop;
}

async function fetchFragment(
  form: HTMLFormElement,
  url: string,
  signal: AbortSignal,
): Promise<Node[]> {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string") fields.append(name, value);
  }
  const headers: Record<string, string> = { Accept: "text/html" };
  const csrf = form.dataset.csrf ?? fields.get("csrf");
  if (csrf) headers[CSRF_HEADER] = csrf;
  const response = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers,
    body: fields,
    signal,
  });
  // Missing facts come back as 422 with a fragment that names them.
  if (!response.ok && response.status !== 422) throw new Error(`status ${response.status}`);
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  return [...parsed.body.childNodes];
}

/** Keeps the last good preview and says that it is not today's. */
function showFailure(target: HTMLElement): void {
  target.querySelector("[data-preview-failure]")?.remove();
  target.prepend(
    h(
      "p",
      { role: "status", class: "notice notice--wait", "data-preview-failure": true },
      "The preview could not be updated. What you typed is still in the form.",
    ),
  );
}
