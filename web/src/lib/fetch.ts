/** Why a request brought nothing, in words for the person at the screen. */
export class RequestFailure extends Error {
  override readonly name = "RequestFailure";
  /** The HTTP status, or 0 when no answer came. */
  readonly status: number;
  /** The body of the answer, when it was JSON. */
  readonly body: unknown;

  constructor(message: string, status: number, body?: unknown) {
    super(message);
    this.status = status;
    this.body = body;
  }

  /** Whether the same request may go through a little later. */
  get isTransient(): boolean {
    return isTransientStatus(this.status);
  }
}

/** The header by which a session proves that our own page asked. */
export const CSRF_HEADER = "x-overread-csrf";

const TRANSIENT = new Set([0, 408, 425, 429, 502, 503, 504]);

/** Whether a status may pass by waiting. */
export function isTransientStatus(status: number): boolean {
  return TRANSIENT.has(status);
}

/** Tells what a status means to the person who waits for the answer. */
export function plainWords(status: number): string {
  if (status === 0) return "There is no connection to the server.";
  if (status === 401) return "You are signed out. Sign in again in another tab, then try again.";
  if (status === 403) return "You are not allowed to do this.";
  if (status === 404) return "This is not there, or no longer there.";
  if (status === 409) return "This was changed somewhere else in the meantime.";
  if (status === 413) return "This is larger than the server accepts.";
  if (status === 415) return "The server does not take this kind of file.";
  if (status === 429) return "The server is busy. It will be tried again.";
  if (status >= 500) return "The server had a fault. Your work is kept here.";
  return "The server did not accept this.";
}

/** Returns what a JSON answer says to people: what happened, the detail, what to do now. */
export function serverWords(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const said = ["message", "detail", "hint"]
    .map((key): unknown => Reflect.get(body, key))
    .filter((words) => typeof words === "string")
    .map((words) => words.trim())
    .filter((words) => words.length > 0 && words.length < 400)
    .map((words) => (/[.!?]$/.test(words) ? words : `${words}.`));
  return said.length > 0 ? said.join(" ") : null;
}

/** Sends a request of our own page; rejects with a [`RequestFailure`] unless the answer is 2xx. */
export async function send(url: string, init: RequestInit & { csrf?: string }): Promise<Response> {
  const { csrf, ...rest } = init;
  const headers = new Headers(rest.headers);
  if (csrf) headers.set(CSRF_HEADER, csrf);
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...rest, headers });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new RequestFailure(plainWords(0), 0);
  }
  if (response.ok) return response;
  const body = await jsonOrNull(response);
  throw new RequestFailure(
    serverWords(body) ?? plainWords(response.status),
    response.status,
    body ?? undefined,
  );
}

async function jsonOrNull(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text());
  } catch {
    return null;
  }
}

/** How long to wait before try number `tryNumber` (from 1), with some chance against crowds. */
export function backoffMs(tryNumber: number): number {
  const base = Math.min(30_000, 500 * 2 ** (tryNumber - 1));
  return base * (0.75 + Math.random() * 0.5);
}
