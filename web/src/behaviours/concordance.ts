import { on, stopper } from "../lib/dom.ts";

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
    for (const part of ofItem(item)) {
      if (part.localName === "mark") part.scrollIntoView({ block: "center", behavior: calm() });
    }
    for (const row of rows) {
      if (row.dataset.item === item) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  };
  const step = (by: 1 | -1) => {
    const at = chosen === null ? (by === 1 ? -1 : 0) : items.indexOf(chosen);
    const next = items[(at + by + items.length) % items.length];
    if (next === undefined) return;
    choose(next);
    const row = rows.find((each) => each.dataset.item === next);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest", behavior: calm() });
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
      if (item !== null && !isControl(event.target)) choose(item);
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

function itemAt(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest<HTMLElement>("[data-item]")?.dataset.item ?? null;
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a, button, input, select, summary") !== null;
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

/** Scrolls the other reports by the same share of their height; the one under the hand leads. */
function linkScrolling(reports: HTMLElement[]): () => void {
  const work = stopper();
  let leader: HTMLElement | null = null;
  for (const report of reports) {
    for (const type of ["pointerenter", "pointerdown", "wheel", "focusin"] as const) {
      work.add(
        on(
          report,
          type,
          () => {
            leader = report;
          },
          { passive: true },
        ),
      );
    }
    work.add(
      on(
        report,
        "scroll",
        () => {
          if (leader !== report) return;
          const room = report.scrollHeight - report.clientHeight;
          if (room <= 0) return;
          for (const other of reports) {
            if (other === report) continue;
            other.scrollTop = (report.scrollTop / room) * (other.scrollHeight - other.clientHeight);
          }
        },
        { passive: true },
      ),
    );
  }
  return work.stop;
}
