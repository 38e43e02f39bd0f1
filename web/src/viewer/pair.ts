import { add, type Pixel, referenceLine, type Vector } from "./geometry.ts";
import { followerIdx, type Link, linkBetween, outlineOf } from "./link.ts";
import type { Pane } from "./pane.ts";

/** The two panes and how they go together. */
export class Pair {
  /** Whether the person wants them to scroll together. */
  isWanted = true;
  private link: Link = { kind: "none", why: "only one pane shows a picture" };
  private isBeside = false;

  constructor(private readonly panes: readonly [Pane, Pane]) {}

  /** Looks anew at what is shown; `isBeside` says whether both panes are to be seen. */
  relink(isBeside: boolean): void {
    const [a, b] = this.panes;
    this.isBeside = isBeside && a.series !== null && b.series !== null;
    this.link =
      this.isBeside && a.series && b.series
        ? linkBetween(a.series, a.frame, b.series, b.frame)
        : { kind: "none", why: "only one pane shows a picture" };
  }

  /** The state for the page: `position`, `offset`, `none` or `off`. */
  get state(): Link["kind"] | "off" {
    return this.isWanted ? this.link.kind : "off";
  }

  /** Says how the panes go together, in words; nothing for one pane. */
  get words(): string {
    if (!this.isBeside) return "";
    if (!this.isWanted) return "The panes scroll apart.";
    if (this.link.kind === "position") return "The panes scroll together by position in the body.";
    if (this.link.kind === "none") return `The panes scroll apart: ${this.link.why}.`;
    return "The panes scroll together from where they were linked: the two examinations share no zero.";
  }

  /** Brings the other pane to where this one is. */
  follow(leader: Pane): void {
    if (!this.isWanted || !this.isBeside || this.link.kind === "none") return;
    const follower = this.panes[leader.idx === 0 ? 1 : 0];
    if (!leader.frame || !follower.series) return;
    const shift: Vector = this.link.kind === "offset" ? this.link.offset : [0, 0, 0];
    const offset = leader.idx === 0 ? shift : add([0, 0, 0], shift, -1);
    const idx = followerIdx(leader.frame, follower.series, offset);
    if (idx !== null && idx !== follower.frameIdx) void follower.show(idx, false);
  }

  /** Brings a newly opened series to where the other pane is, when they share a zero. */
  joinAtPosition(opened: Pane): void {
    if (this.link.kind === "position") this.follow(this.panes[opened.idx === 0 ? 1 : 0]);
  }

  /** Where the other pane cuts through this one. */
  referenceOn(pane: Pane): readonly [Pixel, Pixel] | null {
    const other = this.panes[pane.idx === 0 ? 1 : 0];
    const same = pane.series?.frameOfReferenceUid;
    if (!this.isBeside || !same || same !== other.series?.frameOfReferenceUid) return null;
    const [shown, cutting] = [outlineOf(pane.frame), outlineOf(other.frame)];
    return shown && cutting ? referenceLine(shown, cutting) : null;
  }
}
