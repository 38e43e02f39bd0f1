import { h } from "../lib/dom.ts";
import { RequestFailure } from "../lib/fetch.ts";
import { dicomDate, personName } from "../lib/words.ts";
import type { Frame, ImageSeries, Window } from "./frames.ts";
import { planeName } from "./geometry.ts";

/** Top left, top right, bottom left, bottom right. */
export type CornerName = "tl" | "tr" | "bl" | "br";

/** A line of a corner with how it is marked. */
type Line = readonly [words: string, mark?: "strong" | "wide" | "prior" | "warning"];

/** What a pane shows, as far as it is said in words. */
export interface PaneFacts {
  series: ImageSeries;
  frame: Frame;
  study: { words: string; isPrior: boolean };
  /** From 1. */
  position: number;
  window: Window | null;
  isInverted: boolean;
  /** Shown as in a mirror: turning alone cannot bring it back. */
  isMirrored: boolean;
  zoom: number;
}

/** The words around a picture, and the same as one label for those who do not see it. */
export function paneWords(facts: PaneFacts): {
  corners: Record<CornerName, Line[]>;
  position: string;
  label: string;
} {
  const { series, frame, study, window } = facts;
  const { identity } = series;
  const name = personName(identity.name) || "Name not given";
  const born = identity.birthDate
    ? `born ${dicomDate(identity.birthDate)}`
    : "birth date not given";
  const what = `${series.modality} ${series.description}`.trim();
  const where = frame.plane ? planeName(frame.plane) : "";
  const position = `Image ${facts.position} / ${series.frames.length}`;
  const inverted = facts.isInverted ? ", inverted" : "";
  const label = [
    `${name}, ${born}`,
    study.words,
    what,
    where,
    `image ${facts.position} of ${series.frames.length}`,
    window && `window ${Math.round(window.width)} level ${Math.round(window.center)}`,
    facts.isInverted && "inverted",
    facts.isMirrored && "mirrored",
    frame.loss,
  ];
  return {
    corners: {
      tl: [[name, "strong"], [born], [identity.id && `ID ${identity.id}`, "wide"]],
      tr: [
        [study.words, study.isPrior ? "prior" : "strong"],
        [what],
        [facts.isMirrored ? "Mirrored" : "", "warning"],
        [frame.loss ?? "", "warning"],
      ],
      bl: [
        [position, "strong"],
        [window ? windowWords(window) : ""],
        [`Zoom ${Math.round(facts.zoom * 100)} %${inverted}`],
      ],
      br: [
        [where, "wide"],
        [frame.plane || frame.sides ? "" : "Sides not stated", "warning"],
      ],
    },
    position,
    label: label.filter(Boolean).join(", "),
  };
}

/** Writes a corner's lines, empty ones left out. */
export function fillCorner(corner: HTMLElement, lines: readonly Line[]): void {
  corner.replaceChildren(
    ...lines
      .filter(([words]) => words)
      .map(([words, mark]) => h("div", { class: mark ? `pane-${mark}` : undefined }, words)),
  );
}

/** A window as readers write it. */
export function windowWords(window: Window): string {
  return `W ${shortNumber(window.width)}  L ${shortNumber(window.center)}`;
}

function shortNumber(value: number): string {
  return Math.abs(value) < 10 && !Number.isInteger(value)
    ? value.toFixed(2)
    : String(Math.round(value));
}

/** Why a frame did not come, in words. */
export function failureWords(failure: unknown): string {
  if (failure instanceof RequestFailure) return failure.message;
  const status: unknown =
    typeof failure === "object" && failure !== null
      ? (Reflect.get(failure, "status") ??
        Reflect.get(Reflect.get(failure, "request") ?? {}, "status"))
      : undefined;
  if (status === 401) return "You are signed out. Sign in again in another tab, then try again.";
  if (status === 404) return "It is not in the archive.";
  if (status === 0) return "There is no connection to the server.";
  if (typeof status === "number" && status >= 400)
    return "The server could not read it from the file.";
  return "Its data is damaged or of a kind that browsers cannot decode.";
}
