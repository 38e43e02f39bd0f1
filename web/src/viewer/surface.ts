import type { Types } from "@cornerstonejs/core";
import type { Window } from "./frames.ts";
import type { Pixel } from "./geometry.ts";

/** How a picture lies on its surface; the same numbers fit any frame and any window size. */
export interface View {
  /** The point of the picture in the middle of the surface, as shares of its columns and rows. */
  center: Pixel;
  /** 1 shows the whole picture. */
  zoom: number;
  /** Degrees clockwise: 0, 90, 180 or 270. */
  rotation: number;
  flipHorizontal: boolean;
  flipVertical: boolean;
}

/** The whole picture, upright. */
export const WHOLE: View = {
  center: [0.5, 0.5],
  zoom: 1,
  rotation: 0,
  flipHorizontal: false,
  flipVertical: false,
};

/** Says whether a picture is seen as in a mirror: both ways at once is only half a turn. */
export function isMirrored(view: View): boolean {
  return view.flipHorizontal !== view.flipVertical;
}

/** How grey values become light. */
export interface Look {
  /** `null` for pictures in colour. */
  window: Window | null;
  isInverted: boolean;
}

/** One picture of a stack on the screen. */
export interface Surface {
  /** How the picture lies now. */
  readonly view: View;
  /** The decoded picture shown. */
  readonly image: Types.IImage | null;
  /** Takes a new stack; nothing is shown until `show`. */
  setStack(imageIds: readonly string[]): void;
  /** Shows a picture that is loaded. */
  show(frameIdx: number, look: Look, view: View): Promise<void>;
  setLook(look: Look): void;
  /** Lays the picture; zoom stays within what is of use. */
  setView(view: View): void;
  /** Where a pixel is on the element, in CSS pixels. */
  pixelToCanvas(pixel: Pixel): Pixel | null;
  /** Which pixel is at a place of the element. */
  canvasToPixel(canvas: Pixel): Pixel | null;
  /** Fits the picture to the element's new size. */
  resize(): void;
  destroy(): void;
}

/** Zoom within what is of use. */
export function usefulZoom(zoom: number): number {
  return Math.min(40, Math.max(0.2, zoom));
}

/** The middle of an element, in CSS pixels. */
export function middleOf(element: HTMLElement): Pixel {
  return [element.clientWidth / 2, element.clientHeight / 2];
}

/** The view after dragging the picture by CSS pixels; the middle stays within the picture. */
export function movedBy(surface: Surface, middle: Pixel, across: number, down: number): View {
  const pixel = surface.canvasToPixel([middle[0] - across, middle[1] - down]);
  const { image, view } = surface;
  if (!pixel || !image) return view;
  const share = (at: number, count: number) =>
    Math.min(1, Math.max(0, at / Math.max(1, count - 1)));
  return { ...view, center: [share(pixel[0], image.columns), share(pixel[1], image.rows)] };
}
