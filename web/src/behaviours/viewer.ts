import { h } from "../lib/dom.ts";

/** Loads the image viewer, which is large, only where a page has its element. */
export function viewer(element: HTMLElement): () => void {
  let stopped = false;
  let stop = () => {};
  // Asked for at once and not first by the viewer: it is most of the code.
  import("../viewer/engine.ts").catch(() => {});
  import("../viewer/viewer.ts")
    .then(async ({ mountViewer }) => {
      if (stopped) return;
      const undo = await mountViewer(element);
      if (stopped) undo();
      else stop = undo;
    })
    .catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      element.replaceChildren(
        h(
          "p",
          { class: "viewer-failure", role: "alert" },
          "The image viewer could not start. Reload the page; if that does not help, open the case in a current version of Firefox, Chrome, Edge or Safari.",
        ),
        h("p", { class: "viewer-failure-detail" }, `Detail for support: ${why}`),
      );
    });
  return () => {
    stopped = true;
    stop();
  };
}
