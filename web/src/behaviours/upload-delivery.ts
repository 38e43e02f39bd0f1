import { on, required, stopper } from "../lib/dom.ts";
import { RequestFailure } from "../lib/fetch.ts";
import { isLitter, ofDrop, ofInput, type PickedFile } from "../lib/picked-files.ts";
import { addAnswer, emptyReceipt } from "../lib/receipt.ts";
import { inParallel, upload } from "../lib/upload.ts";
import { uploadPanel } from "./upload-panel.ts";

/** Files sent at the same time. */
const WIDTH = 4;

/**
 * Sends a disc: chosen files, a chosen folder, or anything dropped on the form.
 *
 * Sending starts at once. ZIP archives go whole; loose files go four at a time and share the
 * delivery that the first answer named.
 */
export function uploadDelivery(element: HTMLElement): () => void {
  if (!(element instanceof HTMLFormElement)) throw new Error("upload-delivery is for forms");
  const form = element;
  const url = required(form, "url");
  const csrf = required(form, "csrf");
  const panel = uploadPanel(form);
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
    await sendAll(files, { url, csrf, signal: running.signal }, panel);
    running = null;
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
): Promise<void> {
  const receipt = emptyReceipt();
  const one = async (picked: PickedFile) => {
    if (to.signal.aborted) return;
    try {
      const answer = await upload(picked, {
        ...to,
        url: withDelivery(to.url, receipt.delivery),
        onProgress: (sentBytes) => panel.progress(picked, sentBytes),
        onWait: panel.waiting,
      });
      addAnswer(receipt, answer);
    } catch (failure) {
      if (to.signal.aborted) return;
      const message = failure instanceof RequestFailure ? failure.message : "It could not be read.";
      receipt.problems.push({ path: picked.path, message });
    }
    panel.done(picked);
  };
  // The first file alone: its answer names the delivery that the others join.
  const [first, ...rest] = files;
  if (first) await one(first);
  await inParallel(rest, WIDTH, one);
  panel.end(receipt, to.signal.aborted);
}

function withDelivery(url: string, delivery: string | null): string {
  if (!delivery) return url;
  const joined = new URL(url, document.baseURI);
  joined.searchParams.set("delivery", delivery);
  return joined.pathname + joined.search;
}
