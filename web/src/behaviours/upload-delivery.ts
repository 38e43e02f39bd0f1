import { on, required, stopper } from "../lib/dom.ts";
import { RequestFailure } from "../lib/fetch.ts";
import { isLitter, isZip, ofDrop, ofInput, type PickedFile } from "../lib/picked-files.ts";
import { addAnswer, emptyReceipt, hasArrived, type Receipt } from "../lib/receipt.ts";
import { upload } from "../lib/upload.ts";
import { count } from "../lib/words.ts";
import { portions, type Zip, zipOf } from "../lib/zip.ts";
import { uploadPanel } from "./upload-panel.ts";

/**
 * Sends a disc: chosen files, a chosen folder, or anything dropped on the form.
 *
 * Sending starts at once, so the button that sends without script goes. Loose files are packed into ZIPs in the browser, so that a folder
 * arrives as one delivery and no file name stands in an address.
 */
export function uploadDelivery(element: HTMLElement): () => void {
  if (!(element instanceof HTMLFormElement)) throw new Error("upload-delivery is for forms");
  const form = element;
  const url = required(form, "url");
  const csrf = required(form, "csrf");
  const panel = uploadPanel(form);
  const send = form.querySelector<HTMLElement>("[data-upload-send]");
  if (send) send.hidden = true;
  const work = stopper();
  let running: AbortController | null = null;

  const start = async (chosen: PickedFile[]) => {
    const files = chosen.filter((each) => !isLitter(each) && each.file.size > 0);
    if (running || files.length === 0) {
      if (!running && chosen.length > 0) panel.refuse("There is nothing in what you chose.");
      return;
    }
    const tooLarge = files.find((each) => each.file.size > limitBytes(form));
    if (tooLarge) {
      panel.refuse(`${tooLarge.path} is larger than this server accepts.`);
      return;
    }
    running = new AbortController();
    panel.begin(files, () => running?.abort());
    const { signal } = running;
    const receipt = await sendAll(files, { url, csrf, signal }, panel);
    running = null;
    const clean =
      !signal.aborted && receipt.problems.length === 0 && !receipt.lost && hasArrived(receipt);
    // Whatever must still be read here stays; else the page is made anew, with what was found.
    if (clean && form.dataset.then === "reload") panel.reload(receipt);
    else panel.end(receipt, signal.aborted);
  };

  const inputs = [...form.querySelectorAll<HTMLInputElement>('input[type="file"]')];
  for (const input of inputs) {
    work.add(
      on(input, "change", () => {
        const files = ofInput(input);
        input.value = "";
        void start(files);
      }),
    );
  }
  work.add(
    on(form, "submit", (event) => {
      event.preventDefault();
      const files = inputs.flatMap(ofInput);
      if (files.length > 0) void start(files);
      else if (!running) panel.refuse("Choose files or a folder first.");
    }),
  );
  work.add(
    on(form, "dragover", (event) => {
      event.preventDefault();
      form.classList.add("is-over");
    }),
  );
  work.add(on(form, "dragleave", () => form.classList.remove("is-over")));
  work.add(
    on(form, "drop", (event) => {
      event.preventDefault();
      form.classList.remove("is-over");
      if (!event.dataTransfer) return;
      ofDrop(event.dataTransfer).then(start, () =>
        panel.refuse("The folder could not be read. Choose it with the button instead."),
      );
    }),
  );
  work.add(
    on(window, "beforeunload", (event) => {
      if (running) event.preventDefault();
    }),
  );
  work.add(() => running?.abort());
  work.add(panel.remove);
  work.add(() => {
    if (send) send.hidden = false;
  });
  return work.stop;
}

function limitBytes(form: HTMLFormElement): number {
  return Number(form.dataset.limitBytes ?? "") || Number.POSITIVE_INFINITY;
}

interface Destination {
  url: string;
  csrf: string;
  signal: AbortSignal;
}

async function sendAll(
  files: PickedFile[],
  to: Destination,
  panel: ReturnType<typeof uploadPanel>,
): Promise<Receipt> {
  const receipt = emptyReceipt();
  // One after the other: they share the line, and a portion that is through stays through.
  const archives = files.filter(isZip).map((file) => [file]);
  for (const portion of [...archives, ...portions(files.filter((file) => !isZip(file)))]) {
    await sendPortion(portion, to, panel, receipt);
    // A server that cannot be reached for the one cannot be for the next.
    if (to.signal.aborted || receipt.lost) break;
    panel.done(portion);
  }
  return receipt;
}

async function sendPortion(
  portion: PickedFile[],
  to: Destination,
  panel: ReturnType<typeof uploadPanel>,
  receipt: Receipt,
): Promise<void> {
  const [first] = portion;
  if (!first) return;
  panel.reading();
  const zip: Zip = isZip(first) ? { blob: first.file, unreadable: [] } : await zipOf(portion);
  for (const { path } of zip.unreadable) {
    receipt.problems.push({ path, message: "It could not be read from the disc." });
  }
  if (zip.unreadable.length === portion.length) return;
  try {
    const answer = await upload(zip.blob, {
      ...to,
      onProgress: (sentBytes) => panel.progress(portion, sentBytes),
      onWait: panel.waiting,
    });
    addAnswer(receipt, answer);
  } catch (failure) {
    if (to.signal.aborted) return;
    if (failure instanceof RequestFailure && failure.isTransient) {
      receipt.lost = failure.status
        ? `${failure.message} It was tried for some minutes.`
        : "The connection to the server was lost.";
      return;
    }
    const message = failure instanceof RequestFailure ? failure.message : "It could not be read.";
    const path = portion.length === 1 ? first.path : count(portion.length, "file");
    receipt.problems.push({ path, message });
  }
}
