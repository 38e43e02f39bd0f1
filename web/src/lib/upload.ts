import { backoffMs, CSRF_HEADER, plainWords, RequestFailure, serverWords } from "./fetch.ts";

/** How long one portion waits in all, pauses between its tries added up, before it is given up: a server that starts anew is back by then. */
const PATIENCE_MS = 5 * 60_000;

/** Where a ZIP goes and who wants to know how far it is. */
export interface UploadTarget {
  url: string;
  csrf: string;
  signal: AbortSignal;
  onProgress: (sentBytes: number) => void;
  onWait: (waitMs: number) => void;
}

/** Sends a ZIP, again and again with growing pauses while the trouble is passing. */
export async function upload(zip: Blob, target: UploadTarget): Promise<unknown> {
  let waitedMs = 0;
  for (let tryNumber = 1; ; tryNumber += 1) {
    try {
      return await post(zip, target);
    } catch (failure) {
      target.onProgress(0);
      if (!(failure instanceof RequestFailure) || !failure.isTransient) throw failure;
      if (waitedMs >= PATIENCE_MS) throw failure;
      const waitMs = backoffMs(tryNumber);
      waitedMs += waitMs;
      target.onWait(waitMs);
      await pause(waitMs, target.signal);
    }
  }
}

/** One try. XMLHttpRequest, since `fetch` cannot tell how much was sent. */
function post(zip: Blob, target: UploadTarget): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", target.url);
    request.setRequestHeader("Content-Type", "application/zip");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader(CSRF_HEADER, target.csrf);
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
    request.send(zip);
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
