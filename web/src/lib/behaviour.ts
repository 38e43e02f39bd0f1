/** What an element's `data-behaviour` starts; returns how to stop it. */
export type Behaviour = (element: HTMLElement) => () => void;

/** Behaviours by the name that markup uses. */
export type Behaviours = Record<string, Behaviour>;

const SELECTOR = "[data-behaviour]";

/**
 * Starts every behaviour named under `root`, now and whenever HTML is swapped in.
 *
 * Each runs once per element and stops when its element leaves the page. Throws for a name that
 * is not in the list: a misspelt name must not pass silently.
 */
export function startBehaviours(root: HTMLElement, behaviours: Behaviours): () => void {
  const running = new Map<HTMLElement, Array<() => void>>();

  const start = (element: HTMLElement) => {
    if (running.has(element)) return;
    const stops: Array<() => void> = [];
    running.set(element, stops);
    for (const name of (element.dataset.behaviour ?? "").split(/\s+/).filter(Boolean)) {
      const behaviour = Object.hasOwn(behaviours, name) ? behaviours[name] : undefined;
      if (!behaviour) throw new Error(`no behaviour is called "${name}"`);
      stops.push(behaviour(element));
    }
  };
  const stop = (element: HTMLElement) => {
    for (const undo of running.get(element) ?? []) undo();
    running.delete(element);
  };

  const observer = new MutationObserver((changes) => {
    for (const element of [...running.keys()]) if (!element.isConnected) stop(element);
    for (const change of changes) for (const node of change.addedNodes) each(node, start);
  });
  each(root, start);
  observer.observe(root, { childList: true, subtree: true });
  return () => {
    observer.disconnect();
    for (const element of [...running.keys()]) stop(element);
  };
}

function each(node: Node, visit: (element: HTMLElement) => void): void {
  if (!(node instanceof HTMLElement)) return;
  if (node.matches(SELECTOR)) visit(node);
  for (const element of node.querySelectorAll<HTMLElement>(SELECTOR)) visit(element);
}
