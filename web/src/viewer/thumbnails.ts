import type { SeriesEntry, StudyEntry } from "./data.ts";
import type { Engine } from "./engine.ts";
import type { Library } from "./library.ts";
import type { SeriesList } from "./series-list.ts";
import { drawThumbnail } from "./thumbnail.ts";

/** Draws the list's small pictures, one after the other, as their lines come into sight. */
export class Thumbnails {
  private readonly waiting = new Map<Element, { study: StudyEntry; entry: SeriesEntry }>();
  private readonly queue: Array<{ study: StudyEntry; entry: SeriesEntry }> = [];
  private observer: IntersectionObserver | null = null;
  private isBusy = false;

  constructor(
    private readonly engine: Engine,
    private readonly library: Library,
    private readonly list: SeriesList,
  ) {}

  /** Starts; call it when the first pictures are on the screen, since they go first. */
  start(): void {
    this.observer = new IntersectionObserver((changes) => {
      for (const { isIntersecting, target } of changes) {
        const series = this.waiting.get(target);
        if (!isIntersecting || !series) continue;
        this.observer?.unobserve(target);
        this.waiting.delete(target);
        this.queue.push(series);
      }
      void this.drawNext();
    });
    for (const series of this.library.pictures()) {
      const canvas = this.list.canvasOf(series.entry.seriesInstanceUid);
      const line = canvas?.closest("button");
      if (!line) continue;
      this.waiting.set(line, series);
      this.observer.observe(line);
    }
  }

  stop(): void {
    this.observer?.disconnect();
    this.queue.length = 0;
  }

  private async drawNext(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      try {
        await this.draw(next.study, next.entry);
      } catch {
        // The line keeps its letters; opening the series tells what is wrong with it.
      }
    }
    this.isBusy = false;
  }

  private async draw(study: StudyEntry, entry: SeriesEntry): Promise<void> {
    const series = await this.library.load(study, entry);
    if (series.kind === "other") {
      this.list.setOther(series.uid, series.what);
      return;
    }
    this.list.setCount(series.uid, series.frames.length);
    const frame = series.frames[Math.floor(series.frames.length / 2)];
    const canvas = this.list.canvasOf(series.uid);
    if (!frame || !canvas) return;
    drawThumbnail(canvas, await this.engine.load(frame.imageId, false), frame);
    canvas.dataset.drawn = "true";
  }
}
