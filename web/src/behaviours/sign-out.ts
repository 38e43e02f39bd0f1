import { on } from "../lib/dom.ts";
import { forgetEverything } from "../lib/local-copy.ts";

/** Takes everything this browser kept away when the person signs out. */
export function signOut(element: HTMLElement): () => void {
  return on(element, "submit", forgetEverything);
}
