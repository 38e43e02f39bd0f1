import { h, svg } from "../lib/dom.ts";
import { count } from "../lib/words.ts";
import type { Engine } from "./engine.ts";
import type { Frame, ImageSeries, Window } from "./frames.ts";
import type { Pixel } from "./geometry.ts";
import type { Measurement } from "./measure.ts";
import { drawOverlay, edgeLetters } from "./overlay.ts";
import { type CornerName, failureWords, fillCorner, paneWords } from "./pane-words.ts";
import { outwards, Prefetch } from "./prefetch.ts";
import type { PaneState } from "./session.ts";
import { isMirrored, middleOf, movedBy, type Surface, type View, WHOLE } from "./surface.ts";
import { firstWindow } from "./window.ts";

/** Series longer than this are not fetched whole ahead of time, only around the shown frame. */
const MAX_AHEAD_FRAMES = 400;

/** What a pane asks of the viewer around it. */
export interface PaneHost {
  engine: Engine;
  /** Current or prior, in words, and whether the study is an earlier one. */
  studyWords: (series: ImageSeries) => { words: string; isPrior: boolean };
  measurementsOn: (frameKey: string) => readonly Measurement[];
  chosenMeasurement: () => string | null;
  referenceOn: (pane: Pane) => readonly [Pixel, Pixel] | null;
  /** A frame was shown; `byHand` when this pane leads. */
  onShown: (pane: Pane, byHand: boolean) => void;
  /** Window, zoom or the like changed. */
  onChanged: (pane: Pane) => void;
  onActivate: (pane: Pane) => void;
}

/** One of the viewer's panes: a stack of pictures with its words around it. */
export class Pane {
  readonly root: HTMLElement;
  readonly stage: HTMLDivElement;
  readonly slider: HTMLInputElement;
  series: ImageSeries | null = null;
  window: Window | null = null;
  isInverted = false;
  cursor: Pixel | null = null;
  private shownIdx = -1;
  private wantedIdx = 0;
  private turn = 0;
  private direction: 1 | -1 = 1;
  private drawing: Promise<void> = Promise.resolve();
  private redrawRequest = 0;
  private readonly surface: Surface;
  private readonly layer: SVGSVGElement;
  private readonly corner: Record<CornerName, HTMLElement>;
  private readonly letter: Record<"top" | "right" | "bottom" | "left", HTMLElement>;
  private readonly problem: HTMLElement;
  private readonly loading: HTMLElement;
  private readonly prefetch: Prefetch;

  constructor(
    private readonly host: PaneHost,
    /** From 0. */
    readonly idx: number,
  ) {
    const canvasBox = h("div", { class: "pane-canvas" });
    this.layer = svg("svg", { class: "pane-layer", "aria-hidden": "true" });
    this.stage = h("div", { class: "pane-stage", role: "img", tabindex: 0 }, canvasBox, this.layer);
    const box = (name: string) => h("div", { class: `pane-corner pane-corner-${name}` });
    this.corner = { tl: box("tl"), tr: box("tr"), bl: box("bl"), br: box("br") };
    const edge = (name: string) =>
      h("span", { class: `pane-letter pane-letter-${name}`, "aria-hidden": "true" });
    this.letter = {
      top: edge("top"),
      right: edge("right"),
      bottom: edge("bottom"),
      left: edge("left"),
    };
    this.problem = h("div", { class: "pane-problem", hidden: true });
    this.loading = h("div", { class: "pane-loading", hidden: true });
    this.slider = h("input", {
      type: "range",
      class: "pane-slider",
      min: 1,
      max: 1,
      value: 1,
      "aria-label": `Image in pane ${idx + 1}`,
    });
    const info = h("div", { class: "pane-info" });
    info.append(...Object.values(this.corner), ...Object.values(this.letter));
    this.root = h(
      "section",
      { class: "pane", "aria-label": `Pane ${idx + 1}`, "data-pane": idx + 1 },
      this.stage,
      info,
      this.loading,
      this.problem,
      this.slider,
    );
    this.surface = host.engine.surface(canvasBox, () => this.drawOver());
    this.prefetch = new Prefetch(
      (imageId) => host.engine.load(imageId, false),
      (imageId) => host.engine.isLoaded(imageId),
      () => this.showLoaded(),
    );
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value) - 1));
    this.root.addEventListener("pointerdown", () => host.onActivate(this));
    this.root.addEventListener("focusin", () => host.onActivate(this));
    this.setEmpty("Choose a series from the list.");
  }

  /** The frame that is on the screen. */
  get frame(): Frame | undefined {
    return this.series?.frames[this.shownIdx];
  }

  /** The index that was asked for last; the screen may be a moment behind. */
  get frameIdx(): number {
    return this.wantedIdx;
  }

  get view(): View {
    return this.surface.view;
  }

  /** The pane's state for a reload, `null` when it shows nothing. */
  get state(): PaneState | null {
    const frame = this.series?.frames[this.wantedIdx];
    if (!this.series || !frame) return null;
    return {
      seriesUid: this.series.uid,
      frameKey: frame.key,
      window: this.window,
      isInverted: this.isInverted,
      view: this.view,
    };
  }

  /** Says why there is no picture. */
  setEmpty(why: string): void {
    this.clear();
    this.root.dataset.state = "empty";
    this.showProblem(why, []);
    this.stage.setAttribute("aria-label", why);
  }

  /** Takes the old picture away while a series is on its way. */
  setWaiting(words: string): void {
    this.clear();
    this.root.dataset.state = "waiting";
    this.loading.textContent = words;
    this.loading.hidden = false;
    this.stage.setAttribute("aria-label", words);
  }

  private clear(): void {
    this.series = null;
    this.shownIdx = -1;
    this.turn += 1;
    this.prefetch.stop();
    for (const part of [...Object.values(this.corner), ...Object.values(this.letter)]) {
      part.replaceChildren();
    }
    this.layer.replaceChildren();
    this.loading.hidden = true;
    this.problem.hidden = true;
    this.slider.hidden = true;
  }

  /** Shows a series, from its middle or where it was left. */
  async setSeries(series: ImageSeries, was: PaneState | null = null): Promise<void> {
    this.series = series;
    this.shownIdx = -1;
    this.window = was?.window ?? null;
    this.isInverted = was?.isInverted ?? false;
    this.cursor = null;
    this.surface.setStack(series.frames.map((frame) => frame.imageId));
    this.surface.setView(was?.view ?? WHOLE);
    this.slider.max = String(series.frames.length);
    this.slider.hidden = series.frames.length < 2;
    const left = was ? series.frames.findIndex((frame) => frame.key === was.frameKey) : -1;
    await this.show(left >= 0 ? left : Math.floor(series.frames.length / 2), false);
  }

  /** Shows a frame, counted from 0; beyond the ends it stays at the end. */
  async show(frameIdx: number, byHand = true): Promise<void> {
    const series = this.series;
    if (!series) return;
    const idx = Math.min(series.frames.length - 1, Math.max(0, frameIdx));
    const frame = series.frames[idx];
    if (!frame) return;
    if (idx !== this.wantedIdx) this.direction = idx > this.wantedIdx ? 1 : -1;
    this.wantedIdx = idx;
    this.slider.value = String(idx + 1);
    this.turn += 1;
    const turn = this.turn;
    const isStale = () => turn !== this.turn;
    const slow = setTimeout(() => {
      if (!isStale()) this.showWaiting(idx);
    }, 200);
    try {
      await this.host.engine.load(frame.imageId, true);
      if (isStale()) return;
      this.drawing = this.drawing.then(() => (isStale() ? undefined : this.draw(frame)));
      await this.drawing;
    } catch (failure) {
      if (isStale()) return;
      this.fail(idx, failure);
    } finally {
      clearTimeout(slow);
    }
    if (isStale()) return;
    this.loading.hidden = true;
    this.host.onShown(this, byHand);
    this.fetchAhead();
  }

  private async draw(frame: Frame): Promise<void> {
    const image = await this.host.engine.load(frame.imageId, true);
    if (!frame.isColor) {
      this.window ??= firstWindow(frame, image.getPixelData());
    }
    await this.surface.show(this.wantedIdx, this.look(frame), this.view);
    this.shownIdx = this.wantedIdx;
    this.root.dataset.state = "shown";
    this.problem.hidden = true;
    this.write();
    this.redraw();
  }

  private look(frame: Frame) {
    return { window: frame.isColor ? null : this.window, isInverted: this.isInverted };
  }

  /** Goes some frames on. */
  step(by: number): void {
    void this.show(this.wantedIdx + by);
  }

  /** Sets window and inversion and shows them. */
  setLook(window: Window | null, isInverted: boolean): void {
    this.window = window;
    this.isInverted = isInverted;
    if (this.frame) this.surface.setLook(this.look(this.frame));
    this.write();
    this.host.onChanged(this);
  }

  /** Lays the picture anew. */
  setView(view: View): void {
    this.surface.setView(view);
    this.write();
    this.redraw();
    this.host.onChanged(this);
  }

  /** Moves the picture by CSS pixels. */
  moveBy(across: number, down: number): void {
    if (this.frame) this.setView(movedBy(this.surface, middleOf(this.stage), across, down));
  }

  /** Zooms about the middle. */
  zoomBy(factor: number): void {
    this.setView({ ...this.view, zoom: this.view.zoom * factor });
  }

  /** Values of the shown picture, for windows made from it. */
  values(): ArrayLike<number> | null {
    return this.surface.image?.getPixelData() ?? null;
  }

  /** The picture's pixel at a place of the screen. */
  pixelAt(clientX: number, clientY: number): Pixel | null {
    const box = this.stage.getBoundingClientRect();
    return this.surface.canvasToPixel([clientX - box.left, clientY - box.top]);
  }

  /** Where a pixel is on the screen. */
  clientOf(pixel: Pixel): Pixel | null {
    const box = this.stage.getBoundingClientRect();
    const at = this.surface.pixelToCanvas(pixel);
    return at ? [at[0] + box.left, at[1] + box.top] : null;
  }

  /** The pixel in the middle of the pane. */
  middlePixel(): Pixel | null {
    return this.surface.canvasToPixel(middleOf(this.stage));
  }

  /** Fits the picture to the pane's new size. */
  resize(): void {
    if (!this.root.hidden) this.surface.resize();
    this.redraw();
  }

  /** Draws what lies over the picture, at the next chance. */
  redraw(): void {
    cancelAnimationFrame(this.redrawRequest);
    this.redrawRequest = requestAnimationFrame(() => this.drawOver());
  }

  /** Called with the picture itself, so that letters and picture change in the same moment. */
  private drawOver(): void {
    cancelAnimationFrame(this.redrawRequest);
    const frame = this.frame;
    if (!frame || this.root.dataset.state !== "shown") return;
    const letters = edgeLetters(this.surface, middleOf(this.stage), frame);
    for (const [side, element] of Object.entries(this.letter)) {
      element.textContent = letters?.[side as keyof typeof letters] ?? "";
    }
    this.root.dataset.sides = letters ? "known" : "unknown";
    drawOverlay(this.layer, this.surface, {
      frame,
      measurements: this.host.measurementsOn(frame.key),
      chosenId: this.host.chosenMeasurement(),
      reference: this.host.referenceOn(this),
      cursor: this.cursor,
    });
  }

  /** Writes the words in the corners and the picture's label. */
  private write(): void {
    const [series, frame] = [this.series, this.frame];
    if (!series || !frame) return;
    const study = this.host.studyWords(series);
    this.root.dataset.prior = String(study.isPrior);
    const words = paneWords({
      series,
      frame,
      study,
      position: this.shownIdx + 1,
      window: frame.isColor ? null : this.window,
      isInverted: this.isInverted,
      isMirrored: isMirrored(this.view),
      zoom: this.view.zoom,
    });
    for (const [corner, lines] of Object.entries(words.corners)) {
      fillCorner(this.corner[corner as CornerName], lines);
    }
    this.slider.setAttribute("aria-valuetext", words.position);
    this.stage.setAttribute("aria-label", words.label);
  }

  private showWaiting(idx: number): void {
    this.loading.textContent = `Loading image ${idx + 1}…`;
    this.loading.hidden = false;
  }

  private fail(idx: number, failure: unknown): void {
    this.shownIdx = idx;
    this.root.dataset.state = "failed";
    this.write();
    this.layer.replaceChildren();
    for (const element of Object.values(this.letter)) element.replaceChildren();
    const again = h("button", { type: "button", class: "pane-button" }, "Try again");
    again.addEventListener("click", () => void this.show(idx));
    this.showProblem(
      `Image ${idx + 1} cannot be shown. ${failureWords(failure)} The other images of the series are not affected.`,
      [again],
    );
    this.stage.setAttribute("aria-label", `Image ${idx + 1} cannot be shown`);
  }

  private showProblem(words: string, actions: HTMLElement[]): void {
    this.problem.replaceChildren(h("p", {}, words), ...actions);
    this.problem.hidden = false;
  }

  private fetchAhead(): void {
    const frames = this.series?.frames ?? [];
    const order = outwards(this.wantedIdx, frames.length, this.direction)
      .slice(0, MAX_AHEAD_FRAMES)
      .flatMap((idx) => frames[idx]?.imageId ?? []);
    this.prefetch.ask(order);
    this.showLoaded();
  }

  /** Shows on the slider's side how much of the series is at hand. */
  private showLoaded(): void {
    const frames = this.series?.frames ?? [];
    const loaded = frames.filter((frame) => this.host.engine.isLoaded(frame.imageId)).length;
    this.root.style.setProperty("--loaded", frames.length ? String(loaded / frames.length) : "0");
    this.slider.title = `${count(loaded, "image")} of ${frames.length} loaded`;
  }

  destroy(): void {
    this.prefetch.stop();
    cancelAnimationFrame(this.redrawRequest);
    this.surface.destroy();
    this.root.remove();
  }
}
