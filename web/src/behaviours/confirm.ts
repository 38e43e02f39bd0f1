import { h, on, required } from "../lib/dom.ts";

/** Asks before a form is sent; the question is in `data-confirm`. */
export function confirm(element: HTMLElement): () => void {
  if (!(element instanceof HTMLFormElement)) throw new Error("confirm is for forms");
  const form = element;
  const question = required(form, "confirm");
  let agreed = false;
  let open: HTMLDialogElement | null = null;

  const stopListening = on(
    form,
    "submit",
    (event) => {
      if (agreed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (open) return;
      const submitter = event instanceof SubmitEvent ? event.submitter : null;
      open = ask(question, label(submitter), (yes) => {
        open = null;
        if (!yes) return;
        agreed = true;
        try {
          form.requestSubmit(submitter instanceof HTMLElement ? submitter : null);
        } finally {
          agreed = false;
        }
      });
    },
    { capture: true },
  );
  return () => {
    stopListening();
    open?.remove();
  };
}

function label(submitter: HTMLElement | null): string {
  const text =
    submitter instanceof HTMLInputElement ? submitter.value : (submitter?.textContent ?? "");
  return text.trim() || "Yes";
}

function ask(question: string, yes: string, answered: (yes: boolean) => void): HTMLDialogElement {
  const go = h("button", { type: "submit", value: "yes", class: "button button--main" }, yes);
  const back = h("button", { type: "submit", value: "", class: "button" }, "Cancel");
  const id = `confirm-${crypto.randomUUID()}`;
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": id },
    h(
      "form",
      { method: "dialog" },
      h("p", { id }, question),
      h("div", { class: "actions" }, back, go),
    ),
  );
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    const said = dialog.returnValue === "yes";
    dialog.remove();
    answered(said);
  });
  dialog.showModal();
  back.focus();
  return dialog;
}
