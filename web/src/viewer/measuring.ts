import { h } from "../lib/dom.ts";
import type { ImageSeries } from "./frames.ts";
import type { Pixel } from "./geometry.ts";
import { lengthInWords, type Measurement } from "./measure.ts";
import type { Pane } from "./pane.ts";

/** Lengths shorter than this on the screen are slips of the hand, in CSS pixels. */
const MIN_DRAG = 4;

/** The lengths drawn so far, and the drawing of them. */
export class Measuring {
  list: Measurement[] = [];
  chosenId: string | null = null;
  private deleted: Measurement[] = [];
  private held: { id: string; end: "from" | "to"; isNew: boolean; pane: Pane } | null = null;

  constructor(
    private readonly onChanged: () => void,
    private readonly say: (words: string) => void,
  ) {}

  /** The lengths on a frame. */
  on(frameKey: string): Measurement[] {
    return this.list.filter((each) => each.frameKey === frameKey);
  }

  /** Takes hold of an end within `reach` CSS pixels, or starts a new length. */
  start(pane: Pane, clientX: number, clientY: number, reach: number): void {
    const frame = pane.frame;
    const at = pane.pixelAt(clientX, clientY);
    if (!frame || !at) return;
    for (const each of this.on(frame.key)) {
      for (const end of ["to", "from"] as const) {
        const place = pane.clientOf(each[end]);
        if (place && Math.hypot(place[0] - clientX, place[1] - clientY) <= reach) {
          this.held = { id: each.id, end, isNew: false, pane };
          this.choose(each.id);
          return;
        }
      }
    }
    const id = this.add(pane, at, at);
    if (id) this.held = { id, end: "to", isNew: true, pane };
  }

  /** Moves the end that is held. */
  move(clientX: number, clientY: number): void {
    const held = this.held;
    const at = held?.pane.pixelAt(clientX, clientY);
    if (held && at) this.setEnd(held.id, held.end, at);
  }

  /** Lets go; a new length without length is dropped. */
  end(): void {
    const held = this.held;
    this.held = null;
    const measurement = held && this.list.find((each) => each.id === held.id);
    if (!held || !measurement) return;
    const [a, b] = [held.pane.clientOf(measurement.from), held.pane.clientOf(measurement.to)];
    if (held.isNew && a && b && Math.hypot(a[0] - b[0], a[1] - b[1]) < MIN_DRAG) {
      this.list = this.list.filter((each) => each !== measurement);
      this.chosenId = null;
    } else this.announce(held.pane, measurement);
    this.onChanged();
  }

  /** The keyboard's way: crosshair, start, end. */
  point(pane: Pane): void {
    const frame = pane.frame;
    if (!frame) return;
    if (!pane.cursor) {
      pane.cursor = pane.middlePixel();
      this.say("Crosshair in the middle. Move it with the arrows, Enter sets the start.");
    } else if (!this.held) {
      const id = this.add(pane, pane.cursor, pane.cursor);
      if (id) this.held = { id, end: "to", isNew: true, pane };
      this.say("Start set. Move to the end, then Enter.");
    } else {
      pane.cursor = null;
      this.end();
    }
    pane.redraw();
  }

  /** Moves the crosshair by pixels of the picture. */
  moveCursor(pane: Pane, across: number, down: number): void {
    if (!pane.cursor) return;
    pane.cursor = [pane.cursor[0] + across, pane.cursor[1] + down];
    if (this.held) this.setEnd(this.held.id, this.held.end, pane.cursor);
    pane.redraw();
  }

  /** Drops what was begun; `false` when nothing was. */
  cancel(pane: Pane): boolean {
    const wasBusy = pane.cursor !== null || this.held !== null;
    pane.cursor = null;
    if (this.held?.isNew) this.list = this.list.filter((each) => each.id !== this.held?.id);
    this.held = null;
    if (wasBusy) this.onChanged();
    return wasBusy;
  }

  /** Deletes one, or the chosen, or the last on the frame shown. */
  remove(pane: Pane, id: string | null = null): void {
    const last = pane.frame ? this.on(pane.frame.key).at(-1)?.id : undefined;
    const target = id ?? this.chosenId ?? last;
    const found = this.list.find((each) => each.id === target);
    if (!found) return;
    this.deleted.push(found);
    this.list = this.list.filter((each) => each !== found);
    this.chosenId = null;
    this.say("Length deleted. Ctrl Z brings it back.");
    this.onChanged();
  }

  /** Brings the last deleted length back. */
  undo(): void {
    const back = this.deleted.pop();
    if (!back) return;
    this.list = [...this.list, back];
    this.choose(back.id);
  }

  /** Marks one. */
  choose(id: string | null): void {
    this.chosenId = id;
    this.onChanged();
  }

  /** The lengths for the table; those of series that are not loaded wait. */
  lines(seriesOf: (uid: string) => ImageSeries | null): MeasurementLine[] {
    return this.list.flatMap((each) => {
      const series = seriesOf(each.seriesUid);
      const idx = series?.frames.findIndex((frame) => frame.key === each.frameKey) ?? -1;
      const frame = series?.frames[idx];
      if (!series || !frame) return [];
      return {
        id: each.id,
        words: lengthInWords(each.from, each.to, frame),
        where: `${series.description || series.modality}, image ${idx + 1}`,
        isChosen: each.id === this.chosenId,
      };
    });
  }

  private add(pane: Pane, from: Pixel, to: Pixel): string | null {
    if (!pane.frame || !pane.series) return null;
    const id = crypto.randomUUID();
    const { key } = pane.frame;
    this.list = [...this.list, { id, seriesUid: pane.series.uid, frameKey: key, from, to }];
    this.choose(id);
    return id;
  }

  private setEnd(id: string, end: "from" | "to", at: Pixel): void {
    this.list = this.list.map((each) => (each.id === id ? { ...each, [end]: at } : each));
    this.onChanged();
  }

  private announce(pane: Pane, measurement: Measurement): void {
    if (pane.frame) {
      this.say(`Length ${lengthInWords(measurement.from, measurement.to, pane.frame)}`);
    }
  }
}

/** One line of the table of lengths. */
export interface MeasurementLine {
  id: string;
  words: string;
  where: string;
  isChosen: boolean;
}

/** Builds the table of lengths anew. */
export function measurementTable(
  lines: readonly MeasurementLine[],
  show: (id: string) => void,
  remove: (id: string) => void,
): HTMLElement | null {
  if (lines.length === 0) return null;
  const button = (words: string, label: string, run: () => void) => {
    const made = h("button", { type: "button", class: "viewer-small", "aria-label": label }, words);
    made.addEventListener("click", run);
    return made;
  };
  const rows = lines.map((line, at) =>
    h(
      "tr",
      { class: line.isChosen ? "is-chosen" : undefined },
      h("td", {}, line.words),
      h("td", {}, line.where),
      h(
        "td",
        { class: "measurement-actions" },
        button("Show", `Show length ${at + 1}`, () => show(line.id)),
        button("Delete", `Delete length ${at + 1}`, () => remove(line.id)),
      ),
    ),
  );
  return h(
    "details",
    { class: "measurements", open: true },
    h("summary", {}, `Lengths (${lines.length})`),
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "Length"),
          h("th", { scope: "col" }, "Where"),
          h("th", { scope: "col" }, h("span", { class: "viewer-hidden" }, "Actions")),
        ),
      ),
      h("tbody", {}, ...rows),
    ),
  );
}
