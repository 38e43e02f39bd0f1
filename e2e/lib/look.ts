import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { ROOT } from "./server.ts";

/** Fails on any serious or critical accessibility fault. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => ({
      id,
      help,
      where: nodes
        .slice(0, 4)
        .map((node) => `${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
    }));
  // Soft: one run tells of every page.
  expect.soft(grave, `accessibility of ${name}`).toEqual([]);
}

/** Fails when a page is wider than its window. */
export async function expectFits(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, `${name} is wider than its window`).toBeLessThanOrEqual(0);
}

/** Keeps a picture of the whole page for people to look at. */
export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  const width = page.viewportSize()?.width ?? 0;
  await page.screenshot({ path: join(ROOT, "e2e/screenshots", `${name}-${width}.png`), fullPage });
}
