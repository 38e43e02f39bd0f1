import { on, stopper } from "../lib/dom.ts";

/** Scrolls the other reports by the same share of their height; the one under the hand leads. */
export function linkScrolling(reports: HTMLElement[]): () => void {
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
