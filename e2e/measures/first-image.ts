// How long a reader waits for the first image: from the click until a picture stands in the pane.
//
//   OVERREAD_BIN=../target/release/overread node first-image.mjs [RUNS]
//
// Prints milliseconds, once with an empty browser cache and then with a full one; medians of RUNS (default 5).
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const runs = Number(process.argv[2] ?? 5);
const data = mkdtempSync(join(tmpdir(), "overread-first-image-"));
const binary = process.env.OVERREAD_BIN ?? "../target/release/overread";
const server = spawn(binary, ["demo", "--data", data, "--listen", "127.0.0.1:0", "--json"], {
  stdio: ["ignore", "pipe", "inherit"],
});

/** Resolves with what the program prints when it is ready. */
function announcement() {
  return new Promise((resolve, reject) => {
    let printed = "";
    server.once("exit", (code) => reject(new Error(`the program ended with ${code}`)));
    server.stdout.on("data", (part) => {
      printed += part;
      try {
        resolve(JSON.parse(printed));
      } catch {
        // not all of it yet
      }
    });
  });
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function signedIn(browser, demo) {
  const context = await browser.newContext({ baseURL: demo.address });
  const page = await context.newPage();
  const reader = demo.people.find((person) => person.role === "reviewer");
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill(reader.email);
  await page.getByLabel("Password").fill(reader.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  return { context, page };
}

async function firstImage(page, path) {
  await page.goto("about:blank");
  const start = performance.now();
  await page.goto(path, { waitUntil: "commit" });
  await page.locator('.pane[data-state="shown"]').first().waitFor();
  return performance.now() - start;
}

try {
  const demo = await announcement();
  const path = `/cases/${demo.cases.find((each) => each.about.includes("in review")).case_id}/viewer`;
  const browser = await chromium.launch({
    executablePath: process.env.OVERREAD_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const empty = [];
  const full = [];
  for (let run = 0; run < runs; run += 1) {
    const { context, page } = await signedIn(browser, demo);
    empty.push(await firstImage(page, path));
    full.push(await firstImage(page, path));
    await context.close();
  }
  await browser.close();
  const ms = (values) => Math.round(median(values));
  console.log(JSON.stringify({ runs, empty_cache_ms: ms(empty), full_cache_ms: ms(full) }));
} finally {
  server.removeAllListeners("exit");
  server.kill("SIGTERM");
  await new Promise((resolve) => server.once("exit", resolve));
  rmSync(data, { recursive: true, force: true });
}
