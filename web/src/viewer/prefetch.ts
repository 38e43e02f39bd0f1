/** Returns frame indices from the shown one outwards, first the way one scrolls. */
export function outwards(from: number, frameCount: number, direction: 1 | -1): number[] {
  const order: number[] = [];
  for (let step = 1; step < frameCount; step += 1) {
    for (const at of [from + step * direction, from - step * direction]) {
      if (at >= 0 && at < frameCount) order.push(at);
    }
  }
  return order;
}

/** Loads ahead a few at a time; a new order replaces the rest of the old one. */
export class Prefetch {
  private order: string[] = [];
  private running = 0;
  private readonly failed = new Set<string>();

  constructor(
    private readonly load: (imageId: string) => Promise<unknown>,
    private readonly isLoaded: (imageId: string) => boolean,
    private readonly onLoaded: () => void,
    private readonly width = 3,
  ) {}

  /** Loads these next, as far as they are not there. */
  ask(imageIds: string[]): void {
    this.order = imageIds;
    this.fill();
  }

  /** Loads no more. */
  stop(): void {
    this.order = [];
  }

  private fill(): void {
    while (this.running < this.width) {
      const next = this.order.shift();
      if (next === undefined) return;
      if (this.isLoaded(next) || this.failed.has(next)) continue;
      this.running += 1;
      this.load(next)
        .then(this.onLoaded, () => this.failed.add(next))
        .finally(() => {
          this.running -= 1;
          this.fill();
        });
    }
  }
}
