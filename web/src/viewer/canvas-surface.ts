/** Draws pictures without a GPU: grey values become light in script, the browser's canvas scales. */
import { cache, type Types } from "@cornerstonejs/core";
import type { Pixel } from "./geometry.ts";
import { paint } from "./paint.ts";
import { type Look, middleOf, type Surface, usefulZoom, type View, WHOLE } from "./surface.ts";

export class CanvasSurface implements Surface {
  view: View = WHOLE;
  image: Types.IImage | null = null;
  private imageIds: readonly string[] = [];
  private look: Look = { window: null, isInverted: false };
  private readonly canvas = document.createElement("canvas");
  /** The whole picture in its own pixels, with the look applied. */
  private readonly picture = document.createElement("canvas");
  private drawRequest = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly onDrawn: () => void,
  ) {
    element.append(this.canvas);
    this.resize();
  }

  setStack(imageIds: readonly string[]): void {
    this.imageIds = imageIds;
    this.image = null;
  }

  show(frameIdx: number, look: Look, view: View): Promise<void> {
    const image = cache.getImage(this.imageIds[frameIdx] ?? "");
    if (!image) return Promise.reject(new Error("the picture is not loaded"));
    this.image = image;
    this.view = view;
    this.setLook(look);
    return Promise.resolve();
  }

  setLook(look: Look): void {
    this.look = look;
    if (!this.image) return;
    paint(this.picture, this.image, this.look);
    this.draw();
  }

  setView(view: View): void {
    this.view = { ...view, zoom: usefulZoom(view.zoom) };
    this.draw();
  }

  resize(): void {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.element.clientWidth * ratio);
    this.canvas.height = Math.round(this.element.clientHeight * ratio);
    this.drawNow();
  }

  pixelToCanvas([column, row]: Pixel): Pixel | null {
    const { x, y } = this.toCanvas().transformPoint({ x: column + 0.5, y: row + 0.5 });
    return this.image ? [x, y] : null;
  }

  canvasToPixel([x, y]: Pixel): Pixel | null {
    const at = this.toCanvas().inverse().transformPoint({ x, y });
    return this.image ? [at.x - 0.5, at.y - 0.5] : null;
  }

  destroy(): void {
    cancelAnimationFrame(this.drawRequest);
    this.canvas.remove();
  }

  /** From the picture's pixels (0 at the edge of the first one) to CSS pixels of the element. */
  private toCanvas(): DOMMatrix {
    const { columns, rows } = this.image ?? { columns: 1, rows: 1 };
    const [across, down] = pixelShape(this.image);
    const { center, zoom, rotation, flipHorizontal, flipVertical } = this.view;
    const isTurned = rotation % 180 !== 0;
    const width = (isTurned ? rows * down : columns * across) || 1;
    const height = (isTurned ? columns * across : rows * down) || 1;
    const [middleX, middleY] = middleOf(this.element);
    const scale = zoom * Math.min((middleX * 2) / width, (middleY * 2) / height);
    return new DOMMatrix()
      .translateSelf(middleX, middleY)
      .rotateSelf(rotation)
      .scaleSelf(flipHorizontal ? -1 : 1, flipVertical ? -1 : 1)
      .scaleSelf(scale * across, scale * down)
      .translateSelf(-(center[0] * (columns - 1) + 0.5), -(center[1] * (rows - 1) + 0.5));
  }

  private draw(): void {
    cancelAnimationFrame(this.drawRequest);
    this.drawRequest = requestAnimationFrame(() => this.drawNow());
  }

  private drawNow(): void {
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.image) return;
    const ratio = this.element.clientWidth > 0 ? this.canvas.width / this.element.clientWidth : 1;
    context.setTransform(new DOMMatrix().scaleSelf(ratio).multiplySelf(this.toCanvas()));
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.picture, 0, 0);
    this.onDrawn();
  }
}

/** Width and height of a pixel, the smaller one 1. */
function pixelShape(image: Types.IImage | null): readonly [number, number] {
  const across = image?.columnPixelSpacing || 1;
  const down = image?.rowPixelSpacing || 1;
  const least = Math.min(across, down);
  return [across / least, down / least];
}
