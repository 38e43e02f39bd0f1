import type { Types } from "@cornerstonejs/core";
import type { Look } from "./surface.ts";
import { rangeOf } from "./window.ts";

/** Widest range of whole values for which a table of all of them is made. */
const MAX_TABLE = 1 << 17;

/** Paints a decoded picture in its own size: window and inversion applied, colours as they are. */
export function paint(canvas: HTMLCanvasElement, image: Types.IImage, look: Look): void {
  canvas.width = image.columns;
  canvas.height = image.rows;
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) return;
  const picture = context.createImageData(image.columns, image.rows);
  const values = image.getPixelData();
  const pixelCount = image.columns * image.rows;
  const components = Math.round(values.length / pixelCount);
  const light = new Uint32Array(picture.data.buffer);
  if (components >= 3) paintColor(light, values, components, look.isInverted);
  else paintGrey(light, values, image, look);
  context.putImageData(picture, 0, 0);
}

function paintColor(
  light: Uint32Array,
  values: ArrayLike<number>,
  components: number,
  isInverted: boolean,
): void {
  const flip = isInverted ? 0xffffff : 0;
  for (let at = 0, from = 0; at < light.length; at += 1, from += components) {
    const red = values[from] ?? 0;
    const green = values[from + 1] ?? 0;
    const blue = values[from + 2] ?? 0;
    light[at] = (0xff000000 | (((blue << 16) | (green << 8) | red) ^ flip)) >>> 0;
  }
}

function paintGrey(
  light: Uint32Array,
  values: ArrayLike<number>,
  image: Types.IImage,
  look: Look,
): void {
  const toLight = greyOf(image, look);
  const { minPixelValue: low, maxPixelValue: high } = image;
  const isWhole = !(values instanceof Float32Array || values instanceof Float64Array);
  if (isWhole && high - low < MAX_TABLE) {
    const table = new Uint32Array(high - low + 1);
    for (let value = low; value <= high; value += 1) table[value - low] = toLight(value);
    for (let at = 0; at < light.length; at += 1) light[at] = table[(values[at] ?? 0) - low] ?? 0;
  } else {
    for (let at = 0; at < light.length; at += 1) light[at] = toLight(values[at] ?? 0);
  }
}

/** PS3.3 C.11.2.1.2.1: the linear function of window centre and width, to 0–255 in RGBA order. */
function greyOf(image: Types.IImage, look: Look): (value: number) => number {
  const window = look.window ?? { center: image.minPixelValue, width: 1 };
  const { lower, upper } = rangeOf(window);
  const span = Math.max(upper - lower, 1e-9);
  const flips = look.isInverted !== image.invert;
  // Most values are scaled by the loader (HU); what is not, is scaled here.
  const [slope, intercept] =
    image.isPreScaled || image.preScale?.scaled ? [1, 0] : [image.slope, image.intercept];
  return (value) => {
    const share = (value * slope + intercept - lower) / span;
    const grey = Math.round(255 * Math.min(1, Math.max(0, share)));
    const shown = flips ? 255 - grey : grey;
    return (0xff000000 | (shown << 16) | (shown << 8) | shown) >>> 0;
  };
}
