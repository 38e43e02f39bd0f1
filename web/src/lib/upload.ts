import { backoffMs, CSRF_HEADER, plainWords, RequestFailure, serverWords } from "./fetch.ts";
import { mediaType, type PickedFile } from "./picked-files.ts";

/** How often one file is tried before it is given up. */
const MAX_TRIES = 6;

/** Where a file goes and who wants to know how far it is. */
export interface UploadTarget {
  url: string;
  csrf: string;
  signal: AbortSignal;
  onProgress: (sentBytes: number) => void;
  onWait?: (waitMs: number) => void;
}

/** Sends one file, again and again with growing pauses while the trouble is passing. */
export async function upload(picked: PickedFile, target: UploadTarget): Promise<unknown> {
  for (let tryNumber = 1; ; tryNumber += 1) {
    try {
      return await post(picked, target);
    } catch (failure) {
      target.onProgress(0);
      if (!(failure instanceof RequestFailure) || !failure.isTransient) throw failure;
      if (tryNumber >= MAX_TRIES) throw failure;
      const waitMs = backoffMs(tryNumber);
      target.onWait?.(waitMs);
      await pause(waitMs, target.signal);
    }
  }
}

/** One try. XMLHttpRequest, since `fetch` cannot tell how much was sent. */
function post(picked: PickedFile, target: UploadTarget): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", target.url);
    request.setRequestHeader("Content-Type", mediaType(picked));
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader(CSRF_HEADER, target.csrf);
    // In a header and not in the address: names of files may name a patient.
    request.setRequestHeader("x-overread-file-name", encodeURIComponent(picked.path));
    request.upload.addEventListener("progress", (event) => target.onProgress(event.loaded));
    const abort = () => request.abort();
    target.signal.addEventListener("abort", abort, { once: true });
    request.addEventListener("loadend", () => target.signal.removeEventListener("abort", abort));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    request.addEventListener("error", () => reject(new RequestFailure(plainWords(0), 0)));
    request.addEventListener("load", () => {
      const body = parse(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(body);
      else {
        const words = serverWords(body) ?? plainWords(request.status);
        reject(new RequestFailure(words, request.status, body));
      }
    });
    request.send(picked.file);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, waitMs);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Runs `work` over all items, at most `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const item = items[next];
      next += 1;
      if (item !== undefined) await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
