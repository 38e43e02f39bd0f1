import { on, stopper } from "../lib/dom.ts";

/** What the main mouse button or one finger does. */
export type Tool = "scroll" | "window" | "pan" | "zoom" | "length";

/** What gestures do to a pane; distances are CSS pixels. */
export interface GestureTarget {
  tool: () => Tool;
  scroll: (steps: number) => void;
  window: (across: number, down: number) => void;
  pan: (across: number, down: number) => void;
  zoom: (factor: number) => void;
  /** Starts a length or takes hold of one; `reach` is how near counts as on it. */
  lengthStart: (clientX: number, clientY: number, reach: number) => void;
  lengthMove: (clientX: number, clientY: number) => void;
  lengthEnd: () => void;
  maximise: () => void;
}

/** Wheel travel that makes one step. */
const WHEEL_STEP = 60;
/** Drag travel that makes one step. */
const DRAG_STEP = 9;

/** Turns pointer and wheel events of a pane's stage into what they mean. */
export function listenToGestures(stage: HTMLElement, target: GestureTarget): () => void {
  const work = stopper();
  const pointers = new Map<number, { x: number; y: number }>();
  let tool: Tool | null = null;
  let rest = 0;
  let wheelRest = 0;

  const spread = () => {
    const [a, b] = [...pointers.values()];
    if (!a || !b) return null;
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, far: Math.hypot(a.x - b.x, a.y - b.y) };
  };

  const down = (event: PointerEvent) => {
    if (event.pointerType === "mouse" && event.button > 2) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pointers.size > 1) {
      if (tool === "length") target.lengthEnd();
      tool = null; // two fingers zoom and move, whatever the tool
      return;
    }
    rest = 0;
    tool = event.button === 1 ? "pan" : event.button === 2 ? "zoom" : target.tool();
    if (tool === "length") {
      target.lengthStart(event.clientX, event.clientY, event.pointerType === "mouse" ? 9 : 24);
    }
  };

  const move = (event: PointerEvent) => {
    const was = pointers.get(event.pointerId);
    if (!was) return;
    const before = spread();
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const [across, downwards] = [event.clientX - was.x, event.clientY - was.y];
    if (before) {
      const now = spread();
      if (!now || before.far < 1) return;
      target.zoom(now.far / before.far);
      target.pan(now.x - before.x, now.y - before.y);
    } else if (tool === "scroll") {
      rest += downwards;
      const steps = Math.trunc(rest / DRAG_STEP);
      rest -= steps * DRAG_STEP;
      if (steps !== 0) target.scroll(steps);
    } else if (tool === "window") target.window(across, downwards);
    else if (tool === "pan") target.pan(across, downwards);
    else if (tool === "zoom") target.zoom(1.01 ** -downwards);
    else if (tool === "length") target.lengthMove(event.clientX, event.clientY);
  };

  const up = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId)) return;
    if (tool === "length") target.lengthEnd();
    tool = null;
  };

  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    if (event.ctrlKey) {
      target.zoom(1.002 ** -event.deltaY);
      return;
    }
    const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    // A notch of a wheel is a step whatever its size; a touchpad's small moves add up.
    wheelRest += Math.max(-WHEEL_STEP, Math.min(WHEEL_STEP, event.deltaY * scale));
    const steps = Math.trunc(wheelRest / WHEEL_STEP);
    wheelRest -= steps * WHEEL_STEP;
    if (steps !== 0) target.scroll(steps);
  };

  work.add(on(stage, "pointerdown", down));
  work.add(on(stage, "pointermove", move));
  work.add(on(stage, "pointerup", up));
  work.add(on(stage, "pointercancel", up));
  work.add(on(stage, "wheel", wheel, { passive: false }));
  work.add(on(stage, "contextmenu", (event) => event.preventDefault()));
  work.add(on(stage, "dblclick", target.maximise));
  // The middle button would start the browser's own scrolling.
  work.add(
    on(stage, "mousedown", (event) => {
      if (event.button === 1) event.preventDefault();
    }),
  );
  return work.stop;
}
