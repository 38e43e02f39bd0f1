/** The only file that touches Cornerstone3D's rendering. */
import {
  cache,
  Enums,
  getRenderingCapabilities,
  imageLoader,
  init as initCore,
  RenderingEngine,
  type Types,
} from "@cornerstonejs/core";
import { init as initLoader, wadors } from "@cornerstonejs/dicom-image-loader";
import type { DataSet } from "./dicom-json.ts";
import type { Window } from "./frames.ts";
import { add, type Pixel, type Vector } from "./geometry.ts";
import { rangeOf } from "./window.ts";

/** Decoded pictures kept in memory, in bytes; a telephone gets less. */
const CACHE_BYTES = 768 * 1024 * 1024;
const CACHE_BYTES_SMALL = 256 * 1024 * 1024;

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

/** How grey values become light. */
export interface Look {
  window: Window | null;
  isInverted: boolean;
}

/** Starts Cornerstone once; draws on the CPU where the GPU is missing or only pretended. */
export function startEngine(): Engine {
  const { webgl, softwareRasterizer } = getRenderingCapabilities();
  const onCpu = !webgl || softwareRasterizer || location.hash === "#cpu";
  initCore({ debug: {}, rendering: { useCPURendering: onCpu } });
  const cores = navigator.hardwareConcurrency || 2;
  initLoader({ maxWebWorkers: Math.max(1, Math.min(4, Math.floor(cores / 2))) });
  const isSmall = window.matchMedia("(max-width: 700px)").matches;
  cache.setMaxCacheSize(isSmall ? CACHE_BYTES_SMALL : CACHE_BYTES);
  return new Engine(onCpu);
}

/** Loads pictures and makes surfaces to show them on. */
export class Engine {
  /** Whether pictures are drawn without a GPU. */
  readonly onCpu: boolean;
  private readonly rendering = new RenderingEngine("overread");
  private readonly surfaces = new Set<Surface>();

  constructor(onCpu: boolean) {
    this.onCpu = onCpu;
  }

  /** Makes a frame's metadata known: that of its instance. */
  describe(imageId: string, metadata: DataSet): void {
    wadors.metaDataManager.add(
      imageId,
      metadata as Parameters<typeof wadors.metaDataManager.add>[1],
    );
  }

  /** Fetches and decodes a picture; `isWanted` pictures go before those fetched ahead. */
  async load(imageId: string, isWanted: boolean): Promise<Types.IImage> {
    const options = {
      // Must be what the viewport itself would ask for, since it finds the picture in the cache.
      useRGBA: this.onCpu,
      priority: isWanted ? -5 : 5,
      requestType: isWanted ? Enums.RequestType.Interaction : Enums.RequestType.Prefetch,
    };
    return imageLoader.loadAndCacheImage(imageId, options);
  }

  /** Whether a picture is decoded and at hand. */
  isLoaded(imageId: string): boolean {
    return cache.getImage(imageId) !== undefined;
  }

  /** Makes a surface in an element of its own. */
  surface(element: HTMLDivElement, id: string, onDrawn: () => void): Surface {
    const surface = new Surface(this.rendering, element, id, onDrawn, () =>
      this.surfaces.delete(surface),
    );
    this.surfaces.add(surface);
    return surface;
  }

  /** Fits all surfaces to their elements' new sizes. */
  resize(): void {
    const views = [...this.surfaces].map((surface) => surface.view);
    this.rendering.resize(true, false);
    for (const [at, surface] of [...this.surfaces].entries()) surface.setView(views[at] ?? WHOLE);
  }

  /** Gives everything back. */
  destroy(): void {
    this.rendering.destroy();
    cache.purgeCache();
  }
}

/** One picture of a stack on the screen. */
export class Surface {
  private readonly viewport: Types.IStackViewport;
  private imageIds: readonly string[] = [];
  private isEmpty = true;
  private fitScale = 1;
  private current: View = WHOLE;
  private readonly drawn: () => void;

  constructor(
    private readonly rendering: RenderingEngine,
    private readonly element: HTMLDivElement,
    private readonly id: string,
    onDrawn: () => void,
    private readonly onDestroy: () => void,
  ) {
    rendering.enableElement({ viewportId: id, element, type: Enums.ViewportType.STACK });
    this.viewport = rendering.getViewport(id) as Types.IStackViewport;
    this.drawn = onDrawn;
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.drawn);
  }

  /** Takes a new stack; nothing is shown until `show`. */
  setStack(imageIds: readonly string[]): void {
    this.imageIds = imageIds;
    this.isEmpty = true;
  }

  /** Shows a picture that is loaded. */
  async show(frameIdx: number, look: Look, view: View): Promise<void> {
    if (this.isEmpty) await this.viewport.setStack([...this.imageIds], frameIdx);
    else await this.viewport.setImageIdIndex(frameIdx);
    this.isEmpty = false;
    this.setLook(look);
    this.setView(view);
  }

  /** Sets window and inversion. */
  setLook(look: Look): void {
    if (this.isEmpty) return;
    const isMonochrome1 = this.viewport.getCornerstoneImage()?.invert === true;
    this.viewport.setProperties({
      ...(look.window ? { voiRange: rangeOf(look.window) } : {}),
      invert: look.isInverted !== isMonochrome1,
    });
    this.viewport.render();
  }

  /** How the picture lies now. */
  get view(): View {
    return this.current;
  }

  /** Lays the picture; zoom stays within what is of use. */
  setView(view: View): void {
    const zoom = Math.min(40, Math.max(0.2, view.zoom));
    this.current = { ...view, zoom };
    if (this.isEmpty) return;
    this.viewport.resetCamera();
    this.viewport.setViewPresentation({ rotation: 0 });
    this.fitScale = this.viewport.getCamera().parallelScale ?? 1;
    this.viewport.setCamera({
      flipHorizontal: view.flipHorizontal,
      flipVertical: view.flipVertical,
    });
    this.viewport.setViewPresentation({ rotation: view.rotation });
    this.viewport.setCamera({ parallelScale: this.fitScale / zoom });
    this.centerOn(view.center);
    this.viewport.render();
  }

  private centerOn(center: Pixel): void {
    const { columns, rows } = this.size();
    const target = this.pixelToWorld([center[0] * (columns - 1), center[1] * (rows - 1)]);
    const camera = this.viewport.getCamera();
    if (!target || !camera.focalPoint || !camera.position) return;
    const shift = add(target, this.viewport.canvasToWorld(this.middle()) as Vector, -1);
    this.viewport.setCamera({
      focalPoint: add(camera.focalPoint as Vector, shift) as Types.Point3,
      position: add(camera.position as Vector, shift) as Types.Point3,
    });
  }

  /** The view after dragging the picture by CSS pixels. */
  viewMovedBy(across: number, down: number): View {
    const [x, y] = this.middle();
    const pixel = this.canvasToPixel([x - across, y - down]);
    if (!pixel) return this.current;
    const { columns, rows } = this.size();
    const within = (share: number) => Math.min(1, Math.max(0, share));
    return {
      ...this.current,
      center: [within(pixel[0] / (columns - 1)), within(pixel[1] / (rows - 1))],
    };
  }

  /** Columns and rows of the picture shown. */
  size(): { columns: number; rows: number } {
    const image = this.viewport.getCornerstoneImage();
    return { columns: Math.max(2, image?.columns ?? 2), rows: Math.max(2, image?.rows ?? 2) };
  }

  /** The decoded picture shown. */
  image(): Types.IImage | null {
    return this.isEmpty ? null : (this.viewport.getCornerstoneImage() ?? null);
  }

  /** Where a pixel is on the element, in CSS pixels. */
  pixelToCanvas(pixel: Pixel): Pixel | null {
    const world = this.pixelToWorld(pixel);
    if (!world) return null;
    const [x, y] = this.viewport.worldToCanvas(world as Types.Point3);
    return [x, y];
  }

  /** Which pixel is at a place of the element. */
  canvasToPixel(canvas: Pixel): Pixel | null {
    const data = this.imageData();
    if (!data) return null;
    const world = this.viewport.canvasToWorld([canvas[0], canvas[1]]) as Vector;
    const from = add(world, data.origin, -1);
    const along = (axis: Vector, spacing: number) =>
      (from[0] * axis[0] + from[1] * axis[1] + from[2] * axis[2]) / spacing;
    return [along(data.across, data.spacing[0]), along(data.down, data.spacing[1])];
  }

  /** The middle of the element, in CSS pixels. */
  middle(): [number, number] {
    return [this.element.clientWidth / 2, this.element.clientHeight / 2];
  }

  private pixelToWorld(pixel: Pixel): Vector | null {
    const data = this.imageData();
    if (!data) return null;
    const across = add(data.origin, data.across, pixel[0] * data.spacing[0]);
    return add(across, data.down, pixel[1] * data.spacing[1]);
  }

  private imageData() {
    if (this.isEmpty) return null;
    const data = this.viewport.getImageData();
    if (!data) return null;
    const direction = [...data.direction];
    return {
      origin: data.origin as Vector,
      spacing: data.spacing,
      across: direction.slice(0, 3) as unknown as Vector,
      down: direction.slice(3, 6) as unknown as Vector,
    };
  }

  /** Gives the surface back. */
  destroy(): void {
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.drawn);
    this.rendering.disableElement(this.id);
    this.onDestroy();
  }
}
