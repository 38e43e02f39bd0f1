import "../../styles/viewer.css";
import { debounce, h, on, readJson, stopper } from "../lib/dom.ts";
import { count } from "../lib/words.ts";
import { applyPreset, dragWindow, PANE_ACTIONS } from "./actions.ts";
import { type SeriesEntry, type StudyEntry, type ViewerData, viewerData } from "./data.ts";
import type { Engine } from "./engine.ts";
import type { ImageSeries } from "./frames.ts";
import type { Pixel } from "./geometry.ts";
import { listenToGestures, type Tool } from "./gestures.ts";
import { showHelp } from "./help.ts";
import { identityWarnings } from "./identity.ts";
import { type CommandId, commandOf, keepsKeys } from "./keys.ts";
import { Library } from "./library.ts";
import { Measuring, measurementTable } from "./measuring.ts";
import { Pair } from "./pair.ts";
import { Pane, type PaneHost } from "./pane.ts";
import { buildSeriesList, type SeriesList } from "./series-list.ts";
import { keepSession, type PaneState, recallSession, type SessionState } from "./session.ts";
import { Thumbnails } from "./thumbnails.ts";
import { buildToolbar, type Toolbar } from "./toolbar.ts";
import { presetsFor } from "./window.ts";

/** Two panes start side by side from this width on. */
const TWO_PANES_FROM = "(min-width: 1100px)";

/** Builds the viewer inside `root`; the page's JSON is in `#viewer-data`. */
export async function mountViewer(root: HTMLElement): Promise<() => void> {
  const data = viewerData(readJson("viewer-data"));
  // The engine is most of the code: what the first picture needs is asked for meanwhile.
  const engine = import("./engine.ts").then(({ startEngine }) => startEngine());
  const newestFirst = [...data.studies].sort((a, b) => b.date.localeCompare(a.date));
  const library = new Library(newestFirst, data, engine);
  const [first] = library.pictures();
  if (first) library.load(first.study, first.entry).catch(() => {});
  const viewer = new Viewer(root, data, library, await engine);
  await viewer.start();
  return () => viewer.stop();
}

class Viewer implements PaneHost {
  private readonly work = stopper();
  private readonly list: SeriesList;
  private readonly toolbar: Toolbar;
  private readonly thumbnails: Thumbnails;
  private readonly measuring: Measuring;
  private readonly panes: readonly [Pane, Pane];
  private readonly pair: Pair;
  private readonly grid = h("div", { class: "viewer-panes" });
  private readonly alert = h("div", { class: "viewer-alert", role: "alert", hidden: true });
  private readonly note = h("span", { class: "viewer-note" });
  private readonly live = h("div", {
    class: "viewer-hidden",
    role: "status",
    "aria-live": "polite",
  });
  private readonly lengths = h("div", { class: "viewer-lengths" });
  private tool: Tool = window.matchMedia("(pointer: coarse)").matches ? "scroll" : "window";
  private layout: 1 | 2 = 1;
  private activeIdx = 0;
  private readonly keepSoon = debounce(() => this.keep(), 150);

  constructor(
    private readonly root: HTMLElement,
    private readonly data: ViewerData,
    private readonly library: Library,
    readonly engine: Engine,
  ) {
    this.measuring = new Measuring(
      () => this.onMeasured(),
      (words) => this.say(words),
    );
    this.list = buildSeriesList(
      library.studies,
      (study) => library.standing(study),
      (entry, study) => void this.open(this.active, study, entry),
    );
    this.toolbar = buildToolbar(
      (id) => this.run(id),
      (preset) => this.preset(preset),
    );
    this.thumbnails = new Thumbnails(engine, library, this.list);
    this.build();
    this.panes = [this.makePane(0), this.makePane(1)];
    this.pair = new Pair(this.panes);
  }

  private build(): void {
    const words = this.engine.onCpu
      ? "Not for primary diagnosis. Drawn without graphics hardware."
      : "Not for primary diagnosis.";
    this.root.classList.add("viewer");
    this.root.dataset.renderer = this.engine.onCpu ? "cpu" : "gpu";
    this.root.replaceChildren(
      this.toolbar.root,
      this.alert,
      h(
        "div",
        { class: "viewer-body" },
        h("div", { class: "viewer-side" }, this.list.root, this.lengths),
        this.grid,
      ),
      h("p", { class: "viewer-line" }, h("strong", {}, words), " ", this.note),
      this.live,
    );
  }

  private makePane(idx: number): Pane {
    const pane = new Pane(this, idx);
    this.grid.append(pane.root);
    this.work.add(
      listenToGestures(pane.stage, {
        tool: () => this.tool,
        scroll: (steps) => pane.step(steps),
        window: (across, down) => dragWindow(pane, across, down),
        pan: (across, down) => pane.moveBy(across, down),
        zoom: (factor) => pane.zoomBy(factor),
        lengthStart: (x, y, reach) => this.measuring.start(pane, x, y, reach),
        lengthMove: (x, y) => this.measuring.move(x, y),
        lengthEnd: () => this.measuring.end(),
        maximise: () => {
          if (this.tool !== "length") this.run("layout");
        },
      }),
    );
    return pane;
  }

  /** Shows what was shown before a reload, else the first series of pictures. */
  async start(): Promise<void> {
    const was = recallSession(this.data.caseId);
    this.listen();
    if (was) {
      this.pair.isWanted = was.isLinked;
      this.measuring.list = was.measurements;
    }
    const pictures = this.library.pictures();
    const wantsTwo = pictures.length > 1 && window.matchMedia(TWO_PANES_FROM).matches;
    this.setLayout(was?.layout ?? (wantsTwo ? 2 : 1));
    this.activate(was?.activeIdx ?? 0);
    this.fit();
    if (pictures.length === 0) this.pane(0).setEmpty("There are no images in this case yet.");
    await this.fillPanes(was, pictures);
    this.refresh();
    this.thumbnails.start();
  }

  private async fillPanes(
    was: SessionState | null,
    pictures: Array<{ study: StudyEntry; entry: SeriesEntry }>,
  ): Promise<void> {
    const jobs = this.panes.map(async (pane, idx) => {
      const state = was?.panes[idx] ?? null;
      const known = pictures.find(({ entry }) => entry.seriesInstanceUid === state?.seriesUid);
      const target = known ?? (idx < this.layout ? pictures[idx] : undefined);
      if (target) await this.open(pane, target.study, target.entry, known ? state : null);
    });
    await Promise.all(jobs);
  }

  private listen(): void {
    this.work.add(on(document, "keydown", (event) => this.onKey(event)));
    const fitted = debounce(() => this.fit(), 60);
    const observer = new ResizeObserver(fitted.call);
    observer.observe(this.grid);
    this.work.add(() => observer.disconnect());
    this.work.add(on(window, "pagehide", () => this.keep()));
  }

  /** Gives everything back. */
  stop(): void {
    this.keepSoon.cancel();
    this.work.stop();
    this.thumbnails.stop();
    this.toolbar.stop();
    for (const pane of this.panes) pane.destroy();
    this.engine.destroy();
    this.root.replaceChildren();
  }

  private pane(idx: number): Pane {
    return this.panes[idx === 1 ? 1 : 0];
  }

  private get active(): Pane {
    return this.pane(this.activeIdx);
  }

  // ---- what is shown where

  private async open(
    pane: Pane,
    study: StudyEntry,
    entry: SeriesEntry,
    state: PaneState | null = null,
  ): Promise<void> {
    pane.root.dataset.wanted = entry.seriesInstanceUid;
    if (pane.series?.uid !== entry.seriesInstanceUid) {
      pane.setWaiting(`Loading ${entry.modality} ${entry.description}…`);
    }
    try {
      const series = await this.library.load(study, entry);
      if (pane.root.dataset.wanted !== entry.seriesInstanceUid) return;
      if (series.kind === "other") {
        this.list.setOther(series.uid, series.what);
        pane.setEmpty(`${series.what}. It holds no pictures that can be shown here.`);
      } else {
        this.list.setCount(series.uid, series.frames.length);
        await pane.setSeries(series, state);
        const name = [series.modality, series.description].filter(Boolean).join(" ");
        this.say(`${name}, ${count(series.frames.length, "image")}`);
      }
    } catch (failure) {
      const why = failure instanceof Error ? failure.message : "";
      pane.setEmpty(`This series could not be opened. ${why} Choose it again to try once more.`);
    }
    this.relink();
    if (!state) this.pair.joinAtPosition(pane);
    this.refresh();
  }

  private stepSeries(by: 1 | -1): void {
    const pictures = this.library.pictures();
    const now = this.active.root.dataset.wanted;
    const at = pictures.findIndex(({ entry }) => entry.seriesInstanceUid === now);
    const next = pictures[Math.min(pictures.length - 1, Math.max(0, at + by))];
    if (next && next !== pictures[at]) void this.open(this.active, next.study, next.entry);
  }

  private setLayout(layout: 1 | 2): void {
    this.layout = layout;
    this.root.dataset.layout = String(layout);
    for (const [idx, pane] of this.panes.entries()) pane.root.hidden = !this.isVisible(idx);
    const [first, second] = [this.pane(0), this.pane(1)];
    if (layout === 2 && !second.series && first.series) this.fillSecond(first.series);
    this.fit();
    this.relink();
    this.refresh();
  }

  private isVisible(idx: number): boolean {
    return this.layout === 2 || idx === this.activeIdx;
  }

  private fillSecond(shown: ImageSeries): void {
    const pictures = this.library.pictures();
    const at = pictures.findIndex(({ entry }) => entry.seriesInstanceUid === shown.uid);
    const next = pictures[at + 1] ?? pictures[at - 1];
    if (next) void this.open(this.pane(1), next.study, next.entry);
  }

  private activate(idx: number): void {
    this.activeIdx = idx === 1 ? 1 : 0;
    for (const pane of this.panes) {
      pane.root.dataset.active = String(pane.idx === this.activeIdx);
      pane.root.hidden = !this.isVisible(pane.idx);
    }
    this.refresh();
  }

  onActivate(pane: Pane): void {
    if (pane.idx !== this.activeIdx) this.activate(pane.idx);
  }

  private fit(): void {
    for (const pane of this.panes) pane.resize();
  }

  // ---- scrolling together

  private relink(): void {
    this.pair.relink(this.layout === 2);
    this.writeNote();
  }

  private writeNote(): void {
    this.note.textContent = this.pair.words;
    this.root.dataset.link = this.pair.state;
  }

  onShown(pane: Pane, byHand: boolean): void {
    if (byHand) this.pair.follow(pane);
    for (const other of this.panes) if (other !== pane) other.redraw();
    this.keepSoon.call();
  }

  referenceOn(pane: Pane): readonly [Pixel, Pixel] | null {
    return this.pair.referenceOn(pane);
  }

  // ---- words

  studyWords(series: ImageSeries): { words: string; isPrior: boolean } {
    return this.library.studyWords(series);
  }

  private say(words: string): void {
    this.live.textContent = words;
  }

  private warn(): void {
    const shown = this.panes
      .filter((pane) => this.isVisible(pane.idx))
      .flatMap((pane) => pane.series?.identity ?? []);
    const words = identityWarnings(shown, this.data.patient);
    if (this.alert.textContent !== words) this.alert.textContent = words;
    this.alert.hidden = words === "";
  }

  private refresh(): void {
    const visible = this.panes.map((pane) => (this.isVisible(pane.idx) ? pane.series?.uid : ""));
    this.list.mark(
      visible.map((uid) => uid ?? ""),
      this.active.series?.uid ?? null,
    );
    this.toolbar.update({
      tool: this.tool,
      layout: this.layout,
      isLinked: this.pair.isWanted,
      isInverted: this.active.isInverted,
      presets: presetsFor(this.active.series),
    });
    this.root.dataset.tool = this.tool;
    this.warn();
    this.writeLengths();
    this.keepSoon.call();
  }

  // ---- lengths

  measurementsOn(frameKey: string) {
    return this.measuring.on(frameKey);
  }

  chosenMeasurement(): string | null {
    return this.measuring.chosenId;
  }

  private onMeasured(): void {
    for (const pane of this.panes) pane.redraw();
    this.writeLengths();
    this.keepSoon.call();
  }

  private writeLengths(): void {
    const table = measurementTable(
      this.measuring.lines((uid) => this.library.imagesOf(uid)),
      (id) => void this.showLength(id),
      (id) => this.measuring.remove(this.active, id),
    );
    this.lengths.replaceChildren(...(table ? [table] : []));
  }

  private async showLength(id: string): Promise<void> {
    const found = this.measuring.list.find((each) => each.id === id);
    const target = this.library
      .all()
      .find(({ entry }) => entry.seriesInstanceUid === found?.seriesUid);
    if (!found || !target) return;
    const pane = this.panes.find((each) => each.series?.uid === found.seriesUid) ?? this.active;
    if (pane.series?.uid !== found.seriesUid) await this.open(pane, target.study, target.entry);
    const idx = pane.series?.frames.findIndex((frame) => frame.key === found.frameKey) ?? -1;
    if (idx >= 0) await pane.show(idx);
    this.activate(pane.idx);
    this.measuring.choose(id);
  }

  // ---- commands

  private onKey(event: KeyboardEvent): void {
    const inViewer = event.target === document.body || this.root.contains(event.target as Node);
    if (!inViewer || keepsKeys(event.target, event)) return;
    const cursor = this.active.cursor;
    if (cursor && event.key.startsWith("Arrow") && !event.ctrlKey) {
      const step = event.shiftKey ? 10 : 1;
      const across = event.key === "ArrowRight" ? step : event.key === "ArrowLeft" ? -step : 0;
      const down = event.key === "ArrowDown" ? step : event.key === "ArrowUp" ? -step : 0;
      event.preventDefault();
      this.measuring.moveCursor(this.active, across, down);
      return;
    }
    const id = commandOf(event);
    if (!id) return;
    event.preventDefault();
    this.run(id);
  }

  private run(id: CommandId): void {
    const pane = this.active;
    const ofPane = PANE_ACTIONS[id];
    if (ofPane) ofPane(pane);
    else this.runOwn(id, pane);
    this.refresh();
  }

  private runOwn(id: CommandId, pane: Pane): void {
    const tool = /^tool-(.+)$/.exec(id)?.[1];
    if (tool) this.setTool(tool as Tool);
    const preset = /^preset-(\d)$/.exec(id)?.[1];
    if (preset) this.preset(Number(preset) - 1);
    const actions: Partial<Record<CommandId, () => void>> = {
      "series-before": () => this.stepSeries(-1),
      "series-after": () => this.stepSeries(1),
      "pane-left": () => this.goTo(0),
      "pane-right": () => this.goTo(1),
      layout: () => this.setLayout(this.layout === 1 ? 2 : 1),
      link: () => this.toggleLink(),
      point: () => {
        if (this.tool === "length") this.measuring.point(pane);
      },
      delete: () => this.measuring.remove(pane),
      undo: () => this.measuring.undo(),
      cancel: () => {
        if (!this.measuring.cancel(pane)) this.measuring.choose(null);
      },
      help: () => showHelp(this.root),
    };
    actions[id]?.();
  }

  private setTool(tool: Tool): void {
    this.measuring.cancel(this.active);
    this.tool = tool;
  }

  private goTo(idx: number): void {
    this.activate(idx);
    this.active.stage.focus({ preventScroll: true });
  }

  private toggleLink(): void {
    this.pair.isWanted = !this.pair.isWanted;
    this.relink();
    this.say(this.note.textContent ?? "");
  }

  private preset(at: number): void {
    const words = applyPreset(this.active, at);
    if (words) this.say(words);
  }

  onChanged(): void {
    this.keepSoon.call();
  }

  private keep(): void {
    keepSession(this.data.caseId, {
      layout: this.layout,
      activeIdx: this.activeIdx,
      isLinked: this.pair.isWanted,
      panes: this.panes.map((pane) => pane.state),
      measurements: this.measuring.list,
    });
  }
}
