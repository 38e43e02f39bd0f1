import { on, stopper } from "../lib/dom.ts";
import { linkScrolling } from "./linked-scroll.ts";

/**
 * Links the compared items with their words in both reports.
 *
 * Rows carry `data-item="n"`; the reports' marks have the ids `o-n` and `s-n` (or `data-item`).
 * Pointing at or focusing one lights up all of its item; a click, Enter, or j/k brings both
 * reports to it. Scrolling one report takes the other along in proportion.
 */
export function concordance(element: HTMLElement): () => void {
  const work = stopper();
  const ofItem = (item: string) =>
    [...element.querySelectorAll<HTMLElement>("[data-item]")].filter(
      (part) => part.dataset.item === item,
    );
  const rows = [...element.querySelectorAll<HTMLElement>("[data-item]")].filter(
    (part) => part.localName !== "mark",
  );
  const items = [...new Set(rows.map((row) => row.dataset.item ?? ""))];
  let chosen: string | null = null;

  const light = (item: string | null, className: string) => {
    for (const part of element.querySelectorAll(`.${className}`)) part.classList.remove(className);
    if (item !== null) for (const part of ofItem(item)) part.classList.add(className);
  };
  const choose = (item: string) => {
    chosen = item;
    light(item, "is-chosen");
    for (const part of ofItem(item)) bringIntoReport(part);
    for (const row of rows) {
      if (row.dataset.item === item) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  };
  const toRow = (item: string) => {
    const row = rows.find((each) => each.dataset.item === item);
    row?.scrollIntoView({ block: "nearest", behavior: calm() });
  };
  const step = (by: 1 | -1) => {
    const at = chosen === null ? (by === 1 ? -1 : 0) : items.indexOf(chosen);
    const next = items[(at + by + items.length) % items.length];
    if (next === undefined) return;
    choose(next);
    rows.find((row) => row.dataset.item === next)?.focus({ preventScroll: true });
    toRow(next);
  };

  for (const row of rows)
    if (!row.hasAttribute("tabindex") && row.localName !== "a") row.tabIndex = 0;
  work.add(on(element, "pointerover", (event) => light(itemAt(event.target), "is-lit")));
  work.add(on(element, "pointerleave", () => light(null, "is-lit")));
  work.add(on(element, "focusin", (event) => light(itemAt(event.target), "is-lit")));
  work.add(on(element, "focusout", () => light(null, "is-lit")));
  work.add(
    on(element, "click", (event) => {
      const item = itemAt(event.target);
      if (item === null || isControl(event.target)) return;
      choose(item);
      if (event.target instanceof Element && event.target.closest("mark")) toRow(item);
    }),
  );
  work.add(
    on(document, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === "j" || event.key === "k") {
        event.preventDefault();
        step(event.key === "j" ? 1 : -1);
      } else if (event.key === "Enter" && !isControl(event.target)) {
        const item = itemAt(event.target);
        if (item !== null) choose(item);
      }
    }),
  );
  work.add(linkScrolling([...element.querySelectorAll<HTMLElement>("[data-report]")]));
  return work.stop;
}

/** Opens what is folded around a part; scrolls its report, and not the page, to it. */
function bringIntoReport(part: HTMLElement): void {
  for (
    let fold = part.closest("details");
    fold;
    fold = fold.parentElement?.closest("details") ?? null
  ) {
    fold.open = true;
  }
  const report = part.closest<HTMLElement>("[data-report]");
  if (part.localName !== "mark" || !report || report.scrollHeight <= report.clientHeight) return;
  const above = part.getBoundingClientRect().top - report.getBoundingClientRect().top;
  const top = report.scrollTop + above - report.clientHeight / 2;
  report.scrollTo({ top, behavior: calm() });
}

function itemAt(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest<HTMLElement>("[data-item]")?.dataset.item ?? null;
}

function isControl(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('a:not([href^="#"]), button, input, select, summary') !== null
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest("input, textarea, select, [contenteditable]") !== null
  );
}

function calm(): ScrollBehavior {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}
