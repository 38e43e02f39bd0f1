import { keep, recall } from "../lib/local-copy.ts";

import type { Window } from "./frames.ts";
import type { Measurement } from "./measure.ts";
import type { View } from "./surface.ts";

/** What a pane shows, as it survives a reload. */
export interface PaneState {
  seriesUid: string;
  frameKey: string;
  window: Window | null;
  isInverted: boolean;
  view: View;
}

/** The viewer's state, as it survives a reload. */
export interface SessionState {
  layout: 1 | 2;
  activeIdx: number;
  isLinked: boolean;
  panes: Array<PaneState | null>;
  measurements: Measurement[];
}

/** The form of the kept state; a change of it makes old state unreadable on purpose. */
const FORM = 1;

/** Keeps the state for this case until the tab is closed or the person signs out. */
export function keepSession(caseId: string, state: SessionState): void {
  keep("session", `viewer:${caseId}`, { form: FORM, state });
}

/** Returns the kept state of this case, or `null`. */
export function recallSession(caseId: string): SessionState | null {
  const kept = recall("session", `viewer:${caseId}`);
  if (typeof kept !== "object" || kept === null) return null;
  const { form, state } = kept as { form?: unknown; state?: SessionState };
  return form === FORM && state && Array.isArray(state.panes) ? state : null;
}
