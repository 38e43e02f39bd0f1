import { h } from "../lib/dom.ts";
import { count, dicomDate } from "../lib/words.ts";
import type { SeriesEntry, StudyEntry } from "./data.ts";
import { kindOfModality } from "./kinds.ts";
import { THUMBNAIL_SIZE } from "./thumbnail.ts";

/** The list of what can be shown. */
export interface SeriesList {
  root: HTMLElement;
  /** Marks which series the panes show; `activeUid` is the one that keys act on. */
  mark: (shownUids: readonly string[], activeUid: string | null) => void;
  /** Replaces a line's count once the frames are known. */
  setCount: (uid: string, frames: number) => void;
  /** Says that a series is no picture, and what it is. */
  setOther: (uid: string, what: string) => void;
  canvasOf: (uid: string) => HTMLCanvasElement | null;
}

interface Line {
  button: HTMLButtonElement;
  canvas: HTMLCanvasElement;
  words: HTMLElement;
}

/** Builds the list: studies newest first as the page gives them, each with its series. */
export function buildSeriesList(
  studies: readonly StudyEntry[],
  wordsOf: (study: StudyEntry) => string,
  choose: (series: SeriesEntry, study: StudyEntry) => void,
): SeriesList {
  const lines = new Map<string, Line>();
  const sections = studies.map((study) => {
    const isOther = (series: SeriesEntry) => Number(kindOfModality(series.modality) !== null);
    const picturesFirst = [...study.series].sort((a, b) => isOther(a) - isOther(b));
    const entries = picturesFirst.map((series) => {
      const line = buildLine(series, () => choose(series, study));
      lines.set(series.seriesInstanceUid, line);
      return h("li", {}, line.button);
    });
    return h(
      "section",
      { class: "series-study" },
      h(
        "h2",
        { class: "series-heading" },
        h("span", { class: "series-when" }, wordsOf(study)),
        h("span", {}, [dicomDate(study.date), study.description].filter(Boolean).join(", ")),
      ),
      entries.length > 0
        ? h("ul", { class: "series-lines" }, ...entries)
        : h("p", {}, "Nothing stored."),
    );
  });
  const root = h("nav", { class: "series-list", "aria-label": "Series" }, ...sections);
  return {
    root,
    mark: (shownUids, activeUid) => {
      for (const [uid, { button }] of lines) {
        const at = shownUids.indexOf(uid);
        button.dataset.pane = at < 0 ? "" : String(at + 1);
        if (uid === activeUid) button.setAttribute("aria-current", "true");
        else button.removeAttribute("aria-current");
      }
    },
    setCount: (uid, frames) => {
      const line = lines.get(uid);
      if (line) line.words.textContent = count(frames, "image");
    },
    setOther: (uid, what) => {
      const line = lines.get(uid);
      if (!line) return;
      line.button.dataset.kind = "other";
      line.words.textContent = what;
      line.canvas.hidden = true;
    },
    canvasOf: (uid) => lines.get(uid)?.canvas ?? null,
  };
}

function buildLine(series: SeriesEntry, choose: () => void): Line {
  const canvas = h("canvas", {
    class: "series-picture",
    width: THUMBNAIL_SIZE,
    height: THUMBNAIL_SIZE,
    "aria-hidden": "true",
  });
  const other = kindOfModality(series.modality);
  if (other) canvas.hidden = true;
  const words = h("span", { class: "series-count" }, other ?? count(series.instances, "image"));
  const button = h(
    "button",
    {
      type: "button",
      class: "series-line",
      "data-series": series.seriesInstanceUid,
      "data-kind": other ? "other" : "images",
    },
    canvas,
    h("span", { class: "series-other-mark", "aria-hidden": "true" }, series.modality || "?"),
    h(
      "span",
      { class: "series-words" },
      h("span", { class: "series-modality" }, series.modality),
      " ",
      h("span", { class: "series-description" }, series.description || "No description"),
      words,
    ),
  );
  button.addEventListener("click", choose);
  return { button, canvas, words };
}
