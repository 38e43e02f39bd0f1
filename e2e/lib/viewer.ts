import { expect, type Locator, type Page } from "@playwright/test";

/** Mean and spread of a picture, 0 to 255. */
export interface Light {
  mean: number;
  spread: number;
}

/** Looks at what is drawn in an element. */
export async function lightOf(element: Locator): Promise<Light> {
  const picture = await element.screenshot();
  return element.page().evaluate(async (encoded) => {
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    if (!context) return { mean: 0, spread: 0 };
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let sum = 0;
    let squares = 0;
    for (let at = 0; at < data.length; at += 4) {
      const value = data[at] ?? 0;
      sum += value;
      squares += value * value;
    }
    const count = data.length / 4;
    const mean = sum / count;
    return { mean, spread: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
  }, picture.toString("base64"));
}

/** The viewer on a page, as a person uses it. */
export class ViewerPage {
  constructor(readonly page: Page) {}

  /** Waits until the first pane shows a picture. */
  async ready(): Promise<void> {
    await expect(this.shownPanes().first()).toBeVisible({ timeout: 60_000 });
    await expect(this.page.locator(".pane-letter-left").first()).not.toBeEmpty();
  }

  shownPanes(): Locator {
    return this.page.locator('.pane[data-state="shown"]:not([hidden])');
  }

  pane(idx: number): Locator {
    return this.page.locator(`.pane[data-pane="${idx + 1}"]`);
  }

  stage(idx: number): Locator {
    return this.pane(idx).locator(".pane-stage");
  }

  /** The position of the shown image, from 1. */
  async position(idx: number): Promise<number> {
    const words = (await this.pane(idx).locator(".pane-corner-bl").textContent()) ?? "";
    return Number(/Image (\d+) \//.exec(words)?.[1] ?? Number.NaN);
  }

  /** Window and level as the pane says them. */
  async window(idx: number): Promise<string> {
    const words = (await this.pane(idx).locator(".pane-corner-bl").textContent()) ?? "";
    return /W -?[\d.]+ {2}L -?[\d.]+/.exec(words)?.[0] ?? "";
  }

  /** The letters at the edges: left, top, right, bottom. */
  async letters(idx: number): Promise<string> {
    const read = (side: string) => this.pane(idx).locator(`.pane-letter-${side}`).textContent();
    return (await Promise.all(["left", "top", "right", "bottom"].map(read))).join(" ");
  }

  /** Mean and spread of what is drawn in the pane, 0 to 255. */
  light(idx: number): Promise<Light> {
    return lightOf(this.stage(idx).locator("canvas").first());
  }

  /** Drags with the left button by CSS pixels, from the middle of the pane. */
  async drag(idx: number, across: number, down: number, from = { x: 0, y: 0 }): Promise<void> {
    const box = await this.stage(idx).boundingBox();
    if (!box) throw new Error("the pane is not there");
    const x = box.x + box.width / 2 + from.x;
    const y = box.y + box.height / 2 + from.y;
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + across, y + down, { steps: 6 });
    await this.page.mouse.up();
  }

  /** Turns the wheel over a pane by notches. */
  async wheel(idx: number, notches: number): Promise<void> {
    await this.stage(idx).hover();
    for (let notch = 0; notch < Math.abs(notches); notch += 1) {
      await this.page.mouse.wheel(0, 100 * Math.sign(notches));
    }
  }

  command(id: string): Locator {
    return this.page.locator(`[data-command="${id}"]`);
  }

  seriesLines(): Locator {
    return this.page.locator('.series-line[data-kind="images"]');
  }
}
