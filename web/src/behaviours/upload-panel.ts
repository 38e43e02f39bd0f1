import { h } from "../lib/dom.ts";
import type { PickedFile } from "../lib/picked-files.ts";
import { hasArrived, type Receipt, sentences } from "../lib/receipt.ts";
import { bytes, count, personName } from "../lib/words.ts";

/** What a person sees of an upload: bar, words, result. */
export interface UploadPanel {
  begin: (files: PickedFile[], stop: () => void) => void;
  reading: () => void;
  progress: (portion: readonly PickedFile[], sentBytes: number) => void;
  waiting: (waitMs: number) => void;
  done: (portion: readonly PickedFile[]) => void;
  end: (receipt: Receipt, stopped: boolean) => void;
  /** Makes the page anew and says there what arrived. */
  reload: (receipt: Receipt) => void;
  refuse: (why: string) => void;
  remove: () => void;
}

/** Makes the panel in the form's `[data-upload-results]`, or at its end. */
export function uploadPanel(form: HTMLFormElement): UploadPanel {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Upload", class: "upload-bar" });
  const words = h("p", { role: "status", class: "upload-words" });
  const stopButton = h("button", { type: "button", class: "button button--small" }, "Stop");
  const running = h("div", { class: "upload-running", hidden: true }, bar, stopButton);
  const result = h("div", { class: "upload-result" });
  const box = h("div", { class: "upload-panel" }, running, words, result);
  (form.querySelector("[data-upload-results]") ?? form).append(box);

  const sent = new Map<readonly PickedFile[], number>();
  let files: PickedFile[] = [];
  let totalBytes = 0;
  let doneCount = 0;
  let stop = () => {};
  stopButton.addEventListener("click", () => stop());
  const kept = sessionStorage.getItem(keptKey(form));
  if (kept) {
    sessionStorage.removeItem(keptKey(form));
    words.textContent = kept;
    words.dataset.kind = "ok";
    const href = document.getElementById("check") ? "#check" : "#main";
    result.append(h("a", { href, class: "button" }, "Show what we found on it"));
  }

  const show = (note = "") => {
    let sentBytes = 0;
    for (const value of sent.values()) sentBytes += value;
    bar.value = totalBytes > 0 ? Math.min(1, sentBytes / totalBytes) : 0;
    const allSent = sentBytes >= totalBytes && doneCount < files.length;
    const tail = note || (allSent ? "Everything is sent. The server is reading it…" : "");
    words.textContent =
      `${doneCount.toLocaleString("en-US")} of ${count(files.length, "file")}, ` +
      `${bytes(Math.min(sentBytes, totalBytes))} of ${bytes(totalBytes)}. ${tail}`;
  };

  return {
    begin: (chosen, onStop) => {
      files = chosen;
      stop = onStop;
      totalBytes = sizeOf(files);
      doneCount = 0;
      sent.clear();
      result.replaceChildren();
      running.hidden = false;
      delete words.dataset.kind;
      show("Keep this page open.");
    },
    reading: () => show("Reading the files. Keep this page open."),
    progress: (portion, sentBytes) => {
      sent.set(portion, Math.min(sentBytes, sizeOf(portion)));
      show();
    },
    waiting: (waitMs) =>
      show(
        `The connection to the server was lost. What arrived is kept; keep this page open. Trying again in ${Math.ceil(waitMs / 1000)} s…`,
      ),
    done: (portion) => {
      sent.set(portion, sizeOf(portion));
      doneCount += portion.length;
      show();
    },
    end: (receipt, stopped) => {
      running.hidden = true;
      const said = stopped
        ? ["You stopped the upload.", ...sentences(receipt)]
        : sentences(receipt);
      words.textContent = said.join(" ");
      const wanting = receipt.problems.length + receipt.waiting.length > 0 || receipt.lost;
      words.dataset.kind = wanting || stopped ? "warning" : "ok";
      result.replaceChildren(...details(receipt));
      form.dispatchEvent(new CustomEvent("overread:delivered", { bubbles: true }));
    },
    reload: (receipt) => {
      words.textContent = "Everything is sent. The page is made anew…";
      sessionStorage.setItem(keptKey(form), sentences(receipt).join(" "));
      window.location.reload();
    },
    refuse: (why) => {
      words.textContent = why;
      words.dataset.kind = "warning";
    },
    remove: () => box.remove(),
  };
}

/** Where counts of what arrived wait for the page made anew; no names stand in them. */
function keptKey(form: HTMLFormElement): string {
  return `overread:arrived:${form.dataset.url ?? ""}`;
}

function sizeOf(files: readonly PickedFile[]): number {
  return files.reduce((sum, each) => sum + each.file.size, 0);
}

function details(receipt: Receipt): HTMLElement[] {
  const parts: HTMLElement[] = [];
  for (const study of receipt.studies.values()) {
    const rows = [...study.series.values()].map((series) =>
      h(
        "li",
        {},
        `${series.modality} ${series.description || "series without a name"}: ${count(series.instances, "image")}`,
      ),
    );
    parts.push(
      h(
        "section",
        { class: "upload-study" },
        h(
          "h3",
          {},
          `Examination of ${personName(study.patientName) || "a patient without a name"}`,
        ),
        h("ul", {}, ...rows),
      ),
    );
  }
  if (receipt.problems.length > 0) {
    const rows = receipt.problems.map((problem) =>
      h("li", {}, h("strong", {}, problem.path || "A file"), `: ${problem.message}`),
    );
    const list = h("ul", {}, ...rows);
    parts.push(
      h(
        "details",
        { class: "upload-problems", open: rows.length <= 10 },
        h("summary", {}, `${count(rows.length, "file")} that could not be used`),
        list,
      ),
    );
  }
  if (hasArrived(receipt)) {
    const again = h("a", { href: "", class: "button button--main" }, "Show what we found on it");
    again.addEventListener("click", (event) => {
      event.preventDefault();
      window.location.reload();
    });
    parts.push(again);
  }
  return parts;
}
