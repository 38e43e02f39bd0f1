import { h, on, stopper } from "../lib/dom.ts";

type Order = "ascending" | "descending";

/**
 * Lets a table be sorted by its headings.
 *
 * A cell's `data-sort` counts before its text; a heading with `data-sort="none"` stays as it is.
 * Rows of one `tbody` stay in it, so that groups remain groups.
 */
export function sortable(element: HTMLElement): () => void {
  if (!(element instanceof HTMLTableElement)) throw new Error("sortable is for tables");
  const table = element;
  const work = stopper();
  const headings = [...table.querySelectorAll<HTMLElement>("thead tr:first-child > *")];
  for (const [column, heading] of headings.entries()) {
    if (heading.dataset.sort === "none" || !heading.textContent?.trim()) continue;
    const button = h("button", { type: "button", class: "sort" });
    button.append(...heading.childNodes);
    heading.append(button);
    work.add(() => heading.replaceChildren(...button.childNodes));
    work.add(
      on(button, "click", () => {
        const order: Order =
          heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", order);
        for (const body of table.querySelectorAll("tbody")) sortRows(body, column, order);
      }),
    );
  }
  return work.stop;
}

function sortRows(body: HTMLTableSectionElement, column: number, order: Order): void {
  const rows = [...body.querySelectorAll<HTMLElement>(":scope > tr")].map((row, at) => ({
    row,
    at,
    key: keyOf(row, column),
  }));
  const sign = order === "ascending" ? 1 : -1;
  rows.sort((a, b) => sign * compare(a.key, b.key) || a.at - b.at);
  body.append(...rows.map(({ row }) => row));
}

function keyOf(row: HTMLElement, column: number): string {
  const cell = row.children[column];
  return cell?.getAttribute("data-sort") ?? cell?.textContent?.trim() ?? "";
}

/** Numbers as numbers, the rest as people sort words; empty cells last. */
function compare(a: string, b: string): number {
  if (a === "" || b === "") return Number(a === "") - Number(b === "");
  const [left, right] = [Number(a), Number(b)];
  if (!Number.isNaN(left) && !Number.isNaN(right)) return left - right;
  return a.localeCompare(b, undefined, { numeric: true, sensitivity: "base" });
}
