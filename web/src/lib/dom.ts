/** What may stand between an element's tags. */
type Child = Node | string | null | undefined | false;

/** Attribute values: `true` is the bare attribute, `false` and `undefined` leave it out. */
type Attributes = Record<string, string | number | boolean | undefined>;

/** Makes an element; text children are always text, never markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

/** Makes an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Reads the JSON script element with this id inside `root`, or in the page. */
export function readJson(id: string): unknown {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return JSON.parse(element.textContent ?? "null");
}

/** Returns the `data-NAME` of an element that must have it. */
export function required(element: HTMLElement, name: string): string {
  const value = element.dataset[name];
  if (!value) throw new Error(`<${element.localName}> needs data-${name}`);
  return value;
}

/** Collects clean-up work and does it once. */
export function stopper(): { add: (undo: () => void) => void; stop: () => void } {
  const undos: Array<() => void> = [];
  return {
    add: (undo) => {
      undos.push(undo);
    },
    stop: () => {
      for (const undo of undos.splice(0).reverse()) undo();
    },
  };
}

/** Listens until the returned function is called. */
export function on<K extends keyof HTMLElementEventMap>(
  target: EventTarget,
  type: K | "beforeunload" | "pagehide" | "online" | "resize" | "visibilitychange",
  listener: (event: HTMLElementEventMap[K]) => void,
  options?: AddEventListenerOptions,
): () => void {
  const untyped = listener as EventListener;
  target.addEventListener(type, untyped, options);
  return () => target.removeEventListener(type, untyped, options);
}

/** Calls `work` once things have been quiet for `waitMs`. */
export function debounce(
  work: () => void,
  waitMs: number,
): { call: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = () => clearTimeout(timer);
  return {
    call: () => {
      cancel();
      timer = setTimeout(work, waitMs);
    },
    cancel,
  };
}
