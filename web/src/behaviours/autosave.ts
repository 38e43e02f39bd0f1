import { debounce, on, required, stopper } from "../lib/dom.ts";
import { backoffMs, RequestFailure, send } from "../lib/fetch.ts";
import { forget, keep, recall } from "../lib/local-copy.ts";
import { clockTime } from "../lib/words.ts";
import {
  type Fields,
  fieldsOf,
  fillIn,
  type LocalCopy,
  localCopy,
  sameFields,
} from "./draft-fields.ts";
import { action, numberAt, statusLine, tellVersion } from "./draft-status.ts";

const WAIT_MS = 1_200;

/**
 * Saves a draft while it is written: PUT `data-url` with `{version, fields}`.
 *
 * Every keystroke is also kept in this browser until the server has it, so neither a crash nor
 * a lost connection loses text. A draft that was changed elsewhere is never overwritten unasked.
 */
export function autosave(element: HTMLElement): () => void {
  if (!(element instanceof HTMLFormElement)) throw new Error("autosave is for forms");
  const form = element;
  const url = required(form, "url");
  const csrf = required(form, "csrf");
  const key = `draft:${url}`;
  const status = statusLine(form);
  const work = stopper();
  let version = Number(form.dataset.version ?? "0");
  let saved = fieldsOf(form);
  let saving: Promise<void> | null = null;
  let failures = 0;
  let inConflict = false;
  // Sent without an answer yet: the server may hold it as the newest, and then it is ours.
  let unheard: Fields | null = null;

  const isDirty = () => !sameFields(fieldsOf(form), saved);
  const show = (text: string, kind: "ok" | "busy" | "warning", ...actions: HTMLElement[]) => {
    form.dataset.saved = String(kind === "ok");
    status.dataset.kind = kind;
    status.replaceChildren(text, ...actions);
  };

  const put = async (fields: Fields) => {
    show("Saving…", "busy");
    const before = unheard;
    unheard = fields;
    try {
      const response = await send(url, {
        method: "PUT",
        csrf,
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(before ? { version, fields, before } : { version, fields }),
        keepalive: JSON.stringify({ fields, before }).length < 48_000,
      });
      const answer: unknown = await response.json();
      version = numberAt(answer, "version") ?? version + 1;
      tellVersion(form, version);
      saved = fields;
      unheard = null;
      failures = 0;
      if (!isDirty()) forget("local", key);
      show(`Saved ${clockTime(new Date())}`, "ok");
    } catch (failure) {
      onFailure(failure instanceof RequestFailure ? failure : new RequestFailure("", 0));
    }
  };
  const save = (): Promise<void> => {
    later.cancel();
    if (inConflict || !isDirty()) return Promise.resolve();
    saving ??= put(fieldsOf(form)).finally(() => {
      saving = null;
      if (failures === 0 && !inConflict && isDirty()) later.call();
    });
    return saving;
  };
  const later = debounce(() => void save(), WAIT_MS);

  const onFailure = (failure: RequestFailure) => {
    if (failure.status === 409) {
      inConflict = true;
      unheard = null;
      const theirs = numberAt(failure.body, "version");
      show(
        failure.message,
        "warning",
        action("Save my text over it", () => {
          inConflict = false;
          version = theirs ?? version + 1;
          void save();
        }),
        action("Show both texts", () => {
          forget("local", key); // the server keeps this text beside the other
          form.dataset.saved = "true";
          window.location.reload();
        }),
      );
      return;
    }
    failures += 1;
    show(
      `Not saved. ${failure.message} Your text is kept on this computer.`,
      "warning",
      action("Try again now", () => void save()),
    );
    if (failure.isTransient || failure.status >= 500) {
      const timer = setTimeout(() => void save(), backoffMs(failures + 1));
      work.add(() => clearTimeout(timer));
    }
  };

  const offerLocalCopy = (copy: LocalCopy) => {
    if (sameFields(copy.fields, saved)) return forget("local", key);
    const when = new Date(copy.keptAt).toLocaleString("en-US", {
      dateStyle: "long",
      timeStyle: "short",
    });
    const restore = () => {
      fillIn(form, copy.fields);
      // The page that kept it may have sent it while it was left.
      unheard = copy.fields;
      show(`Text from ${when} that had not reached the server was put back.`, "warning");
      later.call();
    };
    // Nobody wrote since: what was lost goes back without a question.
    if (copy.version === version) return restore();
    show(
      `This computer has unsaved text from ${when}, older than the draft shown.`,
      "warning",
      action("Put my text back", restore),
      action("Drop it", () => {
        forget("local", key);
        show("Nothing to save", "ok");
      }),
    );
  };

  const changed = () => {
    keep("local", key, { version, fields: fieldsOf(form), keptAt: Date.now() } satisfies LocalCopy);
    form.dataset.saved = "false";
    if (!inConflict) later.call();
  };
  work.add(later.cancel);
  work.add(on(form, "input", changed));
  work.add(on(form, "change", changed));
  work.add(on(window, "online", () => void save()));
  work.add(
    on(document, "visibilitychange", () => {
      if (document.hidden) void save();
    }),
  );
  work.add(
    on(form, "submit", (event) => {
      queueMicrotask(() => {
        if (!event.defaultPrevented) forget("local", key);
      });
    }),
  );
  const copy = localCopy(recall("local", key));
  if (copy) offerLocalCopy(copy);
  return work.stop;
}
