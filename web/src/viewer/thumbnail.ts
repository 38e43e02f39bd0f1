import type { Types } from "@cornerstonejs/core";
import type { Frame } from "./frames.ts";
import { automatic } from "./window.ts";

/** Side of a thumbnail, in pixels of its canvas. */
export const THUMBNAIL_SIZE = 128;

/** Draws a decoded picture small, black around it. */
export function drawThumbnail(canvas: HTMLCanvasElement, image: Types.IImage, frame: Frame): void {
  canvas.width = THUMBNAIL_SIZE;
  canvas.height = THUMBNAIL_SIZE;
  const context = canvas.getContext("2d");
  if (!context) return;
  const [rowMm, columnMm] = frame.spacing ?? [1, 1];
  const widthMm = image.columns * columnMm;
  const heightMm = image.rows * rowMm;
  const perPixel = Math.max(widthMm, heightMm) / THUMBNAIL_SIZE;
  const width = Math.max(1, Math.round(widthMm / perPixel));
  const height = Math.max(1, Math.round(heightMm / perPixel));
  const picture = context.createImageData(width, height);
  const values = image.getPixelData();
  const components = Math.max(1, Math.round(values.length / (image.columns * image.rows)));
  const grey = components === 1 ? greyScale(values, image.invert) : null;
  for (let y = 0; y < height; y += 1) {
    const row = Math.min(image.rows - 1, Math.floor(((y + 0.5) / height) * image.rows));
    for (let x = 0; x < width; x += 1) {
      const column = Math.min(image.columns - 1, Math.floor(((x + 0.5) / width) * image.columns));
      const from = (row * image.columns + column) * components;
      const to = (y * width + x) * 4;
      for (let channel = 0; channel < 3; channel += 1) {
        const value = values[grey ? from : from + channel] ?? 0;
        picture.data[to + channel] = grey ? grey(value) : value;
      }
      picture.data[to + 3] = 255;
    }
  }
  context.fillStyle = "#000";
  context.fillRect(0, 0, THUMBNAIL_SIZE, THUMBNAIL_SIZE);
  const [left, top] = [(THUMBNAIL_SIZE - width) >> 1, (THUMBNAIL_SIZE - height) >> 1];
  context.putImageData(picture, left, top);
}

function greyScale(values: ArrayLike<number>, isInverted: boolean): (value: number) => number {
  const window = automatic(values, 0.01, 0.995) ?? { center: 128, width: 256 };
  const low = window.center - window.width / 2;
  return (value) => {
    const share = Math.min(1, Math.max(0, (value - low) / window.width));
    return 255 * (isInverted ? 1 - share : share);
  };
}
