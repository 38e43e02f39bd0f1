/**
 * What this browser keeps so that a reload or a crash loses nothing.
 *
 * Keys start with `overread:`, so that signing out can take everything away.
 */
const PREFIX = "overread:";

/** A kept value: `local` outlives a crash of the browser, `session` only a reload. */
export type Lifetime = "local" | "session";

function storage(lifetime: Lifetime): Storage | null {
  try {
    return lifetime === "local" ? window.localStorage : window.sessionStorage;
  } catch {
    return null; // a browser may forbid storage; then nothing is kept
  }
}

/** Keeps a value; `false` when the browser would not. */
export function keep(lifetime: Lifetime, key: string, value: unknown): boolean {
  try {
    storage(lifetime)?.setItem(PREFIX + key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Returns what was kept, or `null`. */
export function recall(lifetime: Lifetime, key: string): unknown {
  try {
    return JSON.parse(storage(lifetime)?.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
}

/** Forgets one value. */
export function forget(lifetime: Lifetime, key: string): void {
  try {
    storage(lifetime)?.removeItem(PREFIX + key);
  } catch {
    // nothing was kept
  }
}

/** Forgets everything, for signing out on a shared computer. */
export function forgetEverything(): void {
  for (const lifetime of ["local", "session"] as const) {
    const store = storage(lifetime);
    if (!store) continue;
    for (const key of Object.keys(store)) if (key.startsWith(PREFIX)) store.removeItem(key);
  }
}
