import {
  cache,
  Enums,
  getRenderingCapabilities,
  imageLoader,
  init as initCore,
  type Types,
} from "@cornerstonejs/core";
import { init as initLoader, wadors } from "@cornerstonejs/dicom-image-loader";
import { CanvasSurface } from "./canvas-surface.ts";
import type { DataSet } from "./dicom-json.ts";
import type { Surface } from "./surface.ts";

/** Decoded pictures kept in memory, in bytes; a telephone gets less. */
const CACHE_BYTES = 768 * 1024 * 1024;
const CACHE_BYTES_SMALL = 256 * 1024 * 1024;

/** How long a picture may take to arrive and be decoded, ms. */
const LOAD_TIMEOUT_MS = 90_000;

type MakeSurface = (element: HTMLDivElement, onDrawn: () => void) => Surface;

/**
 * Starts Cornerstone3D; draws on the CPU where the GPU is missing or only pretended.
 *
 * `#cpu` or `#gpu` in the page's address decides otherwise, to find out what a machine does better.
 */
export async function startEngine(): Promise<Engine> {
  const { webgl, softwareRasterizer } = getRenderingCapabilities();
  const wish = window.location.hash;
  const onCpu = !webgl || wish === "#cpu" || (softwareRasterizer && wish !== "#gpu");
  initCore({ debug: {}, rendering: { useCPURendering: onCpu } });
  const cores = navigator.hardwareConcurrency || 2;
  initLoader({ maxWebWorkers: Math.max(1, Math.min(4, Math.floor(cores / 2))) });
  const isSmall = window.matchMedia("(max-width: 700px)").matches;
  cache.setMaxCacheSize(isSmall ? CACHE_BYTES_SMALL : CACHE_BYTES);
  if (onCpu) return new Engine(true, (element, onDrawn) => new CanvasSurface(element, onDrawn));
  // Most of Cornerstone's code is for the GPU; machines without one need not load it.
  const { GpuSurface } = await import("./gpu-surface.ts");
  return new Engine(false, (element, onDrawn) => new GpuSurface(element, onDrawn));
}

/** Loads pictures and makes surfaces to show them on. */
export class Engine {
  private readonly refused = new Map<string, Error>();

  constructor(
    /** Whether pictures are drawn without a GPU. */
    readonly onCpu: boolean,
    /** Makes a surface in an element of its own. */
    readonly surface: MakeSurface,
  ) {}

  /** Makes a frame's metadata known: that of its instance. */
  describe(imageId: string, metadata: DataSet): void {
    wadors.metaDataManager.add(
      imageId,
      metadata as Parameters<typeof wadors.metaDataManager.add>[1],
    );
  }

  /** Makes a frame fail at once and not in the decoder, which would neither finish nor fail. */
  refuse(imageId: string, why: Error): void {
    this.refused.set(imageId, why);
  }

  /** Fetches and decodes a picture; `isWanted` pictures go before those fetched ahead. */
  load(imageId: string, isWanted: boolean): Promise<Types.IImage> {
    const refusal = this.refused.get(imageId);
    if (refusal) return Promise.reject(refusal);
    const loading = imageLoader.loadAndCacheImage(imageId, {
      priority: isWanted ? -5 : 5,
      requestType: isWanted ? Enums.RequestType.Interaction : Enums.RequestType.Prefetch,
    });
    return inTime(loading);
  }

  /** Whether a picture is decoded and at hand. */
  isLoaded(imageId: string): boolean {
    return cache.getImage(imageId) !== undefined;
  }

  /** Gives the memory back. */
  destroy(): void {
    cache.purgeCache();
  }
}

/** Gives up waiting: some damaged pictures make the decoder neither finish nor fail. */
function inTime<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("it took too long")), LOAD_TIMEOUT_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
