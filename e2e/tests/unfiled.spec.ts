import type { Page } from "@playwright/test";
import { type DiscFile, syntheticDisc, zipOf } from "../lib/disc.ts";
import { expectAccessible, expectFits, picture } from "../lib/look.ts";
import { expect, test } from "../lib/test.ts";

const SIZES = [
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
];

/** A few images of the disc as another study: equal lengths, so that no file breaks. */
function studyOf(disc: readonly DiscFile[], number: number, person: Array<[string, string]>): Buffer {
  const files = disc.filter(({ path }) => /(^|[\\/])DICOM[\\/]/.test(path)).slice(0, 6);
  const changed = files.map(({ path, bytes }) => {
    const changes: typeof person = [["2.25.3290547.7", `2.25.3290547.${number}`], ...person];
    const text = changes.reduce(
      (text, [from, to]) => text.replaceAll(from, to),
      bytes.toString("latin1"),
    );
    return { path, bytes: Buffer.from(text, "latin1") };
  });
  expect(changed.length).toBe(6);
  return zipOf(changed);
}

/** Sends images for no case, as an archive or a scanner does. */
async function send(page: Page, zip: Buffer): Promise<void> {
  const csrf = await page.locator('input[name="csrf"]').first().inputValue();
  const answer = await page.request.post("/api/deliveries", {
    data: zip,
    headers: { "content-type": "application/zip", "x-overread-csrf": csrf },
  });
  expect(answer.status(), await answer.text()).toBe(200);
}

test("images without a case, and images held back in one, can be looked at on any screen", async ({
  people,
  server,
}) => {
  const coordinator = await people.page("coordinator");
  await coordinator.goto("/unfiled");
  const disc = syntheticDisc();
  await send(coordinator, studyOf(disc, 8, []));
  const somebodyElse: Array<[string, string]> = [
    ["Rivera^Elena", "Strang^Ottos"],
    ["19790614", "19510707"],
  ];
  await send(coordinator, studyOf(disc, 9, somebodyElse));
  const waiting = server.caseAbout("in review");
  await coordinator.goto(`/unfiled?case=${waiting}`);
  const stranger = coordinator.locator("section.card", { hasText: "Strang" });
  await stranger.getByRole("button", { name: /^Put into/ }).click();
  await expect(coordinator).toHaveURL(new RegExp(`/cases/${waiting}/records`));
  await coordinator.context().close();

  for (const size of SIZES) {
    const page = await people.page("coordinator", size);
    for (const [name, address, words] of [
      ["coordinator-unfiled-one", `/unfiled?case=${waiting}`, "1 study waits"],
      ["coordinator-records-held", `/cases/${waiting}/records`, "Strang"],
      ["coordinator-cases", "/cases", "Cases"],
    ] as const) {
      await page.goto(address);
      await expect(page.locator("main")).toContainText(words);
      await picture(page, name);
      await expectFits(page, name);
      await expectAccessible(page, name);
    }
    // The bar of a case that is late stands beside what is written.
    const row = await page.locator("tr.is-stalled").first().boundingBox();
    const link = await page.locator("tr.is-stalled a").first().boundingBox();
    expect((link?.x ?? 0) - (row?.x ?? 0)).toBeGreaterThanOrEqual(8);
    await page.context().close();
  }
});
