// The archive as an independent viewer sees it: OHIF as its makers ship it, with nothing of ours but its configuration.
import { expect, type Page, test } from "@playwright/test";
import { syntheticDisc } from "../lib/disc.ts";
import { type Asked, OhifServer } from "../lib/ohif.ts";
import { lightOf } from "../lib/viewer.ts";

let ohif: OhifServer;
let study: string;
let patient: string;

test.beforeAll(async () => {
  const { OVERREAD_OHIF } = process.env;
  if (!OVERREAD_OHIF) throw new Error("OVERREAD_OHIF must say where OHIF was unpacked");
  ohif = await OhifServer.start(OVERREAD_OHIF);
  const images = syntheticDisc().filter(({ path, bytes }) => {
    const isPart10 = bytes.subarray(128, 132).toString("latin1") === "DICM";
    return isPart10 && !path.endsWith("DICOMDIR");
  });
  await ohif.archive.store(images.map(({ bytes }) => bytes));
  const [found] = await ohif.archive.json("/studies?ModalitiesInStudy=MR");
  study = String(found?.["0020000D"]?.Value?.[0]);
  const name = found?.["00100010"]?.Value?.[0] as { Alphabetic: string };
  patient = name.Alphabetic.split("^")[0] ?? "";
});

test.afterAll(async () => {
  await ohif.stop();
});

const pane = (page: Page) => page.locator('[data-cy="viewport-pane"]').first();

/** The position of the shown image among all of its series. */
async function position(page: Page): Promise<{ shown: number; of: number }> {
  const words = await page
    .locator('[data-cy="viewport-overlay-bottom-right"]')
    .first()
    .textContent();
  const [, shown, of] = /\((\d+)\/(\d+)\)/.exec(words ?? "") ?? [];
  return { shown: Number(shown), of: Number(of) };
}

/** Waits until an image is drawn, and leaves the tour that greets who is new. */
async function drawn(page: Page): Promise<void> {
  await expect
    .poll(async () => (await position(page)).shown, { timeout: 60_000 })
    .toBeGreaterThan(0);
  const canvas = pane(page).locator("canvas").first();
  await expect
    .poll(async () => (await lightOf(canvas)).spread, { timeout: 30_000 })
    .toBeGreaterThan(10);
  const skip = page.getByRole("button", { name: /skip/i }).first();
  if (await skip.isVisible()) await skip.click();
}

/** The length that stands in the pane, mm. */
async function shownLength(page: Page): Promise<number> {
  const words = await pane(page).textContent();
  return Number(/([\d.]+) mm/.exec(words ?? "")?.[1] ?? Number.NaN);
}

/** Draws a length across the middle of the pane. */
async function measure(page: Page): Promise<void> {
  await page.locator('[data-cy="MeasurementTools-split-button-primary"]').click();
  const box = await pane(page).boundingBox();
  if (!box) throw new Error("the pane is not there");
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x - 60, y);
  await page.mouse.down();
  await page.mouse.move(x + 60, y + 40, { steps: 8 });
  await page.mouse.up();
  await page.locator('[data-cy="prompt-begin-tracking-yes-btn"]').click();
  await expect.poll(() => shownLength(page)).toBeGreaterThan(1);
}

const asFault = ({ method, path, status }: Asked) => `${status} ${method} ${path}`;

test("OHIF lists, opens, scrolls, measures, stores its measurement and shows it again", async ({
  page,
}) => {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    const isOwn = hostname === "127.0.0.1" || protocol === "blob:" || protocol === "data:";
    if (!isOwn) faults.push(`left the machine: ${hostname}`);
  });

  await page.goto(ohif.address);
  await page.getByRole("button", { name: "Confirm and hide" }).click();
  const row = page.getByText(patient).first();
  await expect(row).toBeVisible({ timeout: 60_000 });

  for (const [name, isThere] of [
    ["Nobody", false],
    [patient.slice(1, 4).toUpperCase(), true],
  ] as const) {
    await page.locator("input").first().fill(name);
    const wanted = `PatientName=*${name}*`;
    await expect
      .poll(() => ohif.asked.filter(({ path }) => decodeURIComponent(path).includes(wanted)))
      .not.toHaveLength(0);
    await expect(row).toBeVisible({ visible: isThere });
  }

  await row.click();
  await page.getByText("Basic Viewer").click();
  await drawn(page);

  const before = await position(page);
  expect(before.of).toBeGreaterThan(4);
  await pane(page).hover();
  for (let notch = 0; notch < 3; notch += 1) await page.mouse.wheel(0, 100);
  await expect.poll(async () => (await position(page)).shown).toBeGreaterThan(before.shown);

  await measure(page);
  const length = await shownLength(page);
  await page.locator('[data-cy="trackedMeasurements-btn"]').click();
  await expect(page.locator('[data-cy="measurement-table-row-0"]')).toContainText(`${length} mm`);
  await page.getByRole("button", { name: "Create SR" }).click();
  await page.locator('[data-cy="input-dialog-save-button"]').click();
  await expect
    .poll(() => ohif.asked.filter(({ method }) => method === "POST").map(asFault))
    .toEqual(["200 POST /dicom-web/studies"]);
  const reports = await ohif.archive.json(`/studies/${study}/series?Modality=SR`);
  expect(reports).toHaveLength(1);

  await page.goto(`${ohif.address}/viewer?StudyInstanceUIDs=${study}`);
  await drawn(page);
  expect(await shownLength(page)).toBeNaN();
  await page.locator('[data-cy="study-browser-thumbnail-no-image"]').dblclick();
  // Drawn it is written with three digits, from the report with four.
  await expect
    .poll(async () => Math.abs((await shownLength(page)) - length), { timeout: 60_000 })
    .toBeLessThan(0.1);

  expect(ohif.asked.filter(({ status }) => status >= 400).map(asFault)).toEqual([]);
  expect(faults).toEqual([]);
});
