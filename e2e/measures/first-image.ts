// How long a reader waits for the first image: from the click until a picture stands in the pane.
//
//   OVERREAD_BIN=../target/release/overread RUNS=5 npx playwright test --config measures.config.ts
//
// Prints milliseconds, once with an empty browser cache and then with a full one; medians of RUNS (default 5).
import type { Page } from "@playwright/test";
import { test } from "../lib/test.ts";

const runs = Number(process.env.RUNS ?? 5);

const median = (values: number[]) =>
  Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN);

async function firstImage(page: Page, path: string): Promise<number> {
  await page.goto("about:blank");
  const start = performance.now();
  await page.goto(path, { waitUntil: "commit" });
  await page.locator('.pane[data-state="shown"]').first().waitFor();
  return performance.now() - start;
}

test("the first image", async ({ people, server }) => {
  const path = `/cases/${server.caseAbout("in review")}/viewer`;
  const empty: number[] = [];
  const full: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    // A browser of their own each time: nothing is in its cache.
    const page = await people.page("reviewer");
    empty.push(await firstImage(page, path));
    full.push(await firstImage(page, path));
    await page.context().close();
  }
  console.log(
    JSON.stringify({ runs, empty_cache_ms: median(empty), full_cache_ms: median(full) }),
  );
});
