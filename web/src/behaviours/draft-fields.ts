/** A form's named values, as the draft address takes them. */
export type Fields = Record<string, string>;

/** What this browser keeps of a draft until the server has it. */
export interface LocalCopy {
  /** The version that the text was based on. */
  version: number;
  fields: Fields;
  /** When it was kept, in milliseconds since 1970. */
  keptAt: number;
}

/** What a form sends besides the draft. */
const NOT_DRAFT: ReadonlySet<string> = new Set(["csrf", "version"]);

/** Reads a form's values; several of one name are joined by line breaks. */
export function fieldsOf(form: HTMLFormElement): Fields {
  const fields: Fields = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string" || NOT_DRAFT.has(name)) continue;
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}\n${value}`;
  }
  return fields;
}

/** Writes values back into the form's fields. */
export function fillIn(form: HTMLFormElement, fields: Fields): void {
  for (const control of form.elements) {
    if (control instanceof HTMLTextAreaElement || control instanceof HTMLSelectElement) {
      control.value = fields[control.name] ?? control.value;
    } else if (control instanceof HTMLInputElement && !NOT_DRAFT.has(control.name)) {
      fillInput(control, fields[control.name]);
    }
  }
}

function fillInput(input: HTMLInputElement, value: string | undefined): void {
  if (input.type === "checkbox" || input.type === "radio") {
    input.checked = value?.split("\n").includes(input.value) ?? false;
  } else if (value !== undefined && input.type !== "file") {
    input.value = value;
  }
}

/** Whether two sets of values say the same; line ends do not count. */
export function sameFields(a: Fields, b: Fields): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  const plain = (text: string | undefined) => (text ?? "").replaceAll("\r\n", "\n");
  return [...names].every((name) => plain(a[name]) === plain(b[name]));
}

/** Checks what came out of storage. */
export function localCopy(value: unknown): LocalCopy | null {
  if (typeof value !== "object" || value === null) return null;
  const { version, fields, keptAt } = value as Partial<LocalCopy>;
  if (typeof version !== "number" || typeof keptAt !== "number") return null;
  if (typeof fields !== "object" || fields === null) return null;
  return { version, fields, keptAt };
}
