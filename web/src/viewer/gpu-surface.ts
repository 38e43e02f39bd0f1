/** Draws pictures on the GPU with Cornerstone3D's stack viewport. */
import { Enums, RenderingEngine, type Types } from "@cornerstonejs/core";
import { add, cross, dot, type Pixel, type Vector } from "./geometry.ts";
import { type Look, type Surface, usefulZoom, type View, WHOLE } from "./surface.ts";
import { rangeOf } from "./window.ts";

/** Distance of the eye from the picture; any will do, since nothing is seen in perspective. */
const EYE_DISTANCE_MM = 1000;

const point = (vector: Vector): Types.Point3 => [vector[0], vector[1], vector[2]];

let rendering: RenderingEngine | null = null;
let viewportCount = 0;
const surfaces = new Set<GpuSurface>();

export class GpuSurface implements Surface {
  view: View = WHOLE;
  private readonly id: string;
  private readonly viewport: Types.IStackViewport;
  private imageIds: readonly string[] = [];
  private isEmpty = true;

  constructor(
    private readonly element: HTMLDivElement,
    private readonly onDrawn: () => void,
  ) {
    rendering ??= new RenderingEngine("overread");
    viewportCount += 1;
    this.id = `surface-${viewportCount}`;
    rendering.enableElement({ viewportId: this.id, element, type: Enums.ViewportType.STACK });
    this.viewport = rendering.getViewport(this.id) as Types.IStackViewport;
    element.addEventListener(Enums.Events.IMAGE_RENDERED, this.onDrawn);
    surfaces.add(this);
  }

  get image(): Types.IImage | null {
    return this.isEmpty ? null : (this.viewport.getCornerstoneImage() ?? null);
  }

  setStack(imageIds: readonly string[]): void {
    this.imageIds = imageIds;
    this.isEmpty = true;
  }

  async show(frameIdx: number, look: Look, view: View): Promise<void> {
    if (this.isEmpty) await this.viewport.setStack([...this.imageIds], frameIdx);
    else await this.viewport.setImageIdIndex(frameIdx);
    this.isEmpty = false;
    this.setLook(look);
    this.setView(view);
  }

  setLook(look: Look): void {
    if (this.isEmpty) return;
    this.viewport.setProperties({
      ...(look.window ? { voiRange: rangeOf(look.window) } : {}),
      invert: look.isInverted !== (this.image?.invert ?? false),
    });
    this.viewport.render();
  }

  setView(view: View): void {
    this.view = { ...view, zoom: usefulZoom(view.zoom) };
    const data = this.grid();
    if (!data || !this.image) return;
    const { across, down } = this.screenAxes(data.across, data.down);
    const { columns, rows } = this.image;
    const { center } = this.view;
    const focal = this.pixelToWorld([center[0] * (columns - 1), center[1] * (rows - 1)]);
    if (!focal) return;
    // Sets the depths between which anything is drawn; the rest of it is overwritten below.
    this.viewport.resetCamera();
    // Towards the eye: across and up span the screen.
    const toEye = cross(down, across);
    this.viewport.setCamera({
      focalPoint: point(focal),
      position: point(add(focal, toEye, EYE_DISTANCE_MM)),
      viewUp: point(add([0, 0, 0], down, -1)),
      viewPlaneNormal: point(toEye),
      parallelScale: this.halfHeightMm(columns * data.spacing[0], rows * data.spacing[1]),
    });
    this.viewport.render();
  }

  /** Which directions of the world lead right and down on the screen. */
  private screenAxes(rowAxis: Vector, columnAxis: Vector): { across: Vector; down: Vector } {
    const { rotation, flipHorizontal, flipVertical } = this.view;
    const turn = (rotation * Math.PI) / 180;
    const [cos, sin] = [Math.round(Math.cos(turn)), Math.round(Math.sin(turn))];
    const row = flipHorizontal ? -1 : 1;
    const column = flipVertical ? -1 : 1;
    const mix = (alongRow: number, alongColumn: number): Vector =>
      add(add([0, 0, 0], rowAxis, row * alongRow), columnAxis, column * alongColumn);
    return { across: mix(cos, -sin), down: mix(sin, cos) };
  }

  /** Half of what the element's height shows, mm. */
  private halfHeightMm(widthMm: number, heightMm: number): number {
    const isTurned = this.view.rotation % 180 !== 0;
    const [shownWidth, shownHeight] = isTurned ? [heightMm, widthMm] : [widthMm, heightMm];
    const { clientWidth, clientHeight } = this.element;
    const shape = clientHeight > 0 ? clientWidth / clientHeight : 1;
    return Math.max(shownHeight, shownWidth / (shape || 1)) / 2 / this.view.zoom;
  }

  resize(): void {
    // Cornerstone fits all surfaces at once and forgets how their pictures lay.
    rendering?.resize(true, false);
    for (const surface of surfaces) surface.setView(surface.view);
  }

  pixelToCanvas(pixel: Pixel): Pixel | null {
    const world = this.pixelToWorld(pixel);
    if (!world) return null;
    const [x, y] = this.viewport.worldToCanvas(world as Types.Point3);
    return [x, y];
  }

  canvasToPixel([x, y]: Pixel): Pixel | null {
    const data = this.grid();
    if (!data) return null;
    const from = add(this.viewport.canvasToWorld([x, y]) as Vector, data.origin, -1);
    return [dot(from, data.across) / data.spacing[0], dot(from, data.down) / data.spacing[1]];
  }

  destroy(): void {
    this.element.removeEventListener(Enums.Events.IMAGE_RENDERED, this.onDrawn);
    surfaces.delete(this);
    rendering?.disableElement(this.id);
    if (rendering?.getViewports().length === 0) {
      rendering.destroy();
      rendering = null;
    }
  }

  private pixelToWorld(pixel: Pixel): Vector | null {
    const data = this.grid();
    if (!data) return null;
    const across = add(data.origin, data.across, pixel[0] * data.spacing[0]);
    return add(across, data.down, pixel[1] * data.spacing[1]);
  }

  /** Where the picture's pixels lie in Cornerstone's world. */
  private grid() {
    const data = this.isEmpty ? undefined : this.viewport.getImageData();
    if (!data) return null;
    const direction = [...data.direction];
    return {
      origin: data.origin as Vector,
      spacing: data.spacing,
      across: direction.slice(0, 3) as unknown as Vector,
      down: direction.slice(3, 6) as unknown as Vector,
    };
  }
}
