import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { discOf, syntheticDisc, zipOf } from "../lib/disc.ts";
import { type Journey, SPINE, WRIST } from "../lib/journeys.ts";
import { expectAccessible, picture } from "../lib/look.ts";
import { type DemoServer, ROOT } from "../lib/server.ts";
import { expect, faultsOf, type People, test } from "../lib/test.ts";
import { ViewerPage } from "../lib/viewer.ts";

/** Agrees to the question that stands before a form is sent. */
async function agree(page: Page): Promise<void> {
  await page.locator("dialog[open] .button--main").click();
}

/** Fills in those fields of a page that this knows, by their names. */
async function fillIn(page: Page, answers: Record<string, string>): Promise<void> {
  await page.evaluate(() => {
    for (const fold of document.querySelectorAll<HTMLDetailsElement>("main details:has(input, textarea, select)")) fold.open = true;
  });
  for (const [name, value] of Object.entries(answers)) {
    const field = page.locator(`main form [name="${name}"]:not([type="hidden"])`);
    if ((await field.count()) === 0) continue;
    const kind = await field.first().evaluate((control) =>
      control instanceof HTMLInputElement ? control.type : control.localName,
    );
    if (kind === "radio" || kind === "checkbox") await tick(page, name, value);
    else if (kind === "select") await field.selectOption(value);
    else await field.fill(value);
  }
}

/** Ticks a radio button or box by its name and value. */
async function tick(page: Page, name: string, value: string): Promise<void> {
  await page.locator(`input[name="${name}"][value="${value}"]`).check();
}

/** Goes the whole way with one disc, in every role it needs. */
async function walk(journey: Journey, disc: Buffer, people: People, server: DemoServer): Promise<void> {
  const named = (name: string) => `${journey.name}-${name}`;
  const asker = await people.page(journey.asker);
  const coordinator = await people.page("coordinator");
  const reviewer = await people.page("reviewer");
  const faults = [asker, coordinator, reviewer].map(faultsOf);
  let path = "";

  await test.step("ask: who, which scan, why now, how soon", async () => {
    await asker.goto("/cases");
    await asker.getByRole("button", { name: "Ask for a second opinion" }).click();
    await expect(asker).toHaveURL(/\/ask\/\w+/);
    path = new URL(asker.url()).pathname.replace(/\/ask\/\w+$/, "");
    for (let screens = 0; !asker.url().includes("/ask/review"); screens += 1) {
      expect(screens, "the wizard has an end").toBeLessThan(15);
      const screen = /\/ask\/(\w+)/.exec(asker.url())?.[1] ?? "unknown";
      await fillIn(asker, journey.request);
      await expectAccessible(asker, `ask/${screen}`);
      await picture(asker, named(`ask-${screen}`));
      await asker.getByRole("button", { name: "Continue" }).click();
      await expect(asker).not.toHaveURL(new RegExp(`/ask/${screen}\\b`));
    }
    await expect(asker).toHaveURL(/\/ask\/review/);
    await expect(asker.getByText(journey.question)).toBeVisible();
    await expectAccessible(asker, "ask/review");
    await picture(asker, named("ask-review"));
    await asker.getByRole("button", { name: "Send the request" }).click();
  });

  await test.step("consent", async () => {
    await asker.goto(`${path}/consent`);
    for (const scope of ["review", "letters", "share"])
      await asker.locator(`#scope_${scope}`).check();
    await fillIn(asker, journey.consent);
    await picture(asker, named("consent"));
    await asker.getByRole("button", { name: "I agree and sign" }).click();
    await asker.goto(`${path}/consent`);
    await expect(asker.getByText("In force")).toBeVisible();
  });

  await test.step("letter: the form and its preview", async () => {
    await asker.goto(`${path}/letters`);
    await asker.locator('a[href*="second_opinion"]').first().click();
    const preview = asker.locator("#letter-preview");
    // What the case does not know yet, the writer fills in.
    for (const field of await asker.locator("form[data-preview-url] .field").all()) {
      if (/may stay empty|puede quedar vacío/.test((await field.textContent()) ?? "")) continue;
      const control = field.locator('input[type="text"], textarea').first();
      if ((await control.count()) > 0 && (await control.inputValue()) === "") {
        await control.fill("A disc with all images is enclosed.");
      }
    }
    await fillIn(asker, journey.letter);
    await expect(preview).toContainText(journey.patientName);
    await expect(preview).toContainText("A disc with all images is enclosed.");
    await expectAccessible(asker, "letter");
    await picture(asker, named("letter-preview"));
    await asker.getByRole("button", { name: "Save and refresh" }).click();
    const pdf = asker.getByRole("link", { name: "PDF" });
    const answer = await asker.request.get((await pdf.getAttribute("href")) ?? "");
    expect(answer.status()).toBe(200);
    expect((await answer.body()).subarray(0, 5).toString()).toBe("%PDF-");
  });

  await test.step("the disc arrives, and is checked in plain words", async () => {
    await asker.goto(`${path}/records`);
    await asker
      .locator("#files")
      .setInputFiles({ name: "disc.zip", mimeType: "application/zip", buffer: disc });
    await expect(asker.locator(".upload-words")).toContainText("arrived", { timeout: 120_000 });
    await picture(asker, named("upload-result"));
    await expectAccessible(asker, "upload result");
    await asker.getByRole("link", { name: "Show what we found on it" }).click();
    await expect(asker.locator("#images ~ ul").first()).toContainText(journey.exam);
    await picture(asker, named("records-after-upload"));
  });

  await test.step("the first report", async () => {
    await asker.goto(`${path}/original-report`);
    await asker.locator("#text").fill(journey.originalReport);
    await asker.locator("#author").fill("Dr. R. Hale");
    await asker.locator("#report_date").fill("2026-09-15");
    await asker.getByRole("button", { name: "Save the first report" }).click();
    await expect(asker.getByText(journey.originalWords).first()).toBeAttached();
  });

  await test.step("the coordinator accepts the records and chooses", async () => {
    await asker.goto(`${path}/records`);
    const all = asker.getByRole("button", { name: "Yes, check it" });
    if (await all.isVisible()) await all.click();
    await coordinator.goto(`${path}/records`);
    await picture(coordinator, named("coordinator-records-new"));
    await coordinator.getByRole("button", { name: "Accept the records" }).click();
    await coordinator.goto(`${path}/reviewers`);
    await expect(coordinator.getByText("Best fit").first()).toBeVisible();
    await expectAccessible(coordinator, "reviewers");
    await picture(coordinator, named("reviewers"));
    await coordinator.getByRole("button", { name: "Choose Ingrid Solberg" }).click();
  });

  await test.step("the cost is named and accepted", async () => {
    await coordinator.goto(`${path}/cost`);
    await tick(coordinator, "kind", "self_pay");
    await coordinator.locator("#quote").fill("420.00");
    await coordinator.locator("#currency").fill("USD");
    await coordinator.getByRole("button", { name: "Record it" }).click();
    await asker.goto(`${path}/cost`);
    await asker.getByRole("button", { name: /I accept to pay/ }).click();
  });

  await test.step("the reviewer accepts, reads, and locks a first impression", async () => {
    await reviewer.goto(`${path}/offer`);
    await expectAccessible(reviewer, "offer");
    await picture(reviewer, named("offer"));
    await reviewer.locator("#independent").check();
    await reviewer.locator("#licensed").check();
    await reviewer.getByRole("button", { name: "Accept" }).click();
    await reviewer.goto(`${path}/viewer`);
    const viewer = new ViewerPage(reviewer);
    await viewer.ready();
    expect((await viewer.light(0)).spread).toBeGreaterThan(10);
    await reviewer.goto(`${path}/original-report`);
    await expect(reviewer.getByText("The first report is here, and closed")).toBeVisible();
    await expect(reviewer.getByText(journey.originalWords)).toHaveCount(0);
    await reviewer.locator("#impression").fill(journey.firstImpression);
    await reviewer.getByRole("button", { name: "Lock it" }).click();
    await agree(reviewer);
    await expect(reviewer.getByText(journey.originalWords).first()).toBeVisible();
  });

  await test.step("the second report: saved while written, also through a crash, then signed", async () => {
    await reviewer.goto(`${path}/report`);
    for (const [id, text] of Object.entries(journey.secondReport)) {
      const field = reviewer.locator(`textarea[name="${id}"]`);
      if ((await field.count()) > 0) await field.fill(text);
    }
    for (const [name, value] of Object.entries(journey.choices)) {
      await reviewer.locator(`form[data-behaviour~=autosave] select[name="${name}"]`).selectOption(value);
    }
    await expect(reviewer.locator("[data-autosave-status]")).toHaveText(/^Saved /);
    await expectAccessible(reviewer, "report editor");
    await picture(reviewer, named("report-editor"));

    // The line goes down, the browser dies, and the words are still there.
    await reviewer.route("**/report/draft", (route) => route.abort());
    const more = `${journey.secondReport.findings} Written without a line.`;
    await reviewer.locator("#findings").fill(more);
    await expect(reviewer.locator("[data-autosave-status]")).toContainText("Not saved");
    faults[2]?.splice(0);
    await reviewer.evaluate(() => {
      for (const form of document.forms) form.dataset.saved = "true";
    });
    await reviewer.goto("about:blank");
    await reviewer.unroute("**/report/draft");
    await reviewer.goto(`${path}/report`);
    await expect(reviewer.locator("#findings")).toHaveValue(more);
    await expect(reviewer.locator("[data-autosave-status]")).toHaveText(/^Saved /);

    await reviewer.locator("#password").fill(server.person("reviewer").password);
    await reviewer.getByRole("button", { name: "Sign the report" }).click();
    await agree(reviewer);
    await expect(reviewer.getByText(/Signed by/).first()).toBeVisible();
    await picture(reviewer, named("report-signed"));
  });

  await test.step("both reports compared, statement by statement", async () => {
    await reviewer.goto(`${path}/concordance`);
    await expect(reviewer.locator(".item--critical").first()).toBeVisible();
    await expect(reviewer.locator("mark").first()).toBeVisible();
    await reviewer.keyboard.press("j");
    await expect(reviewer.locator("li.item.is-chosen")).toHaveCount(1);
    await expect(reviewer.locator("mark.is-chosen").first()).toBeVisible();
    await expectAccessible(reviewer, "concordance");
    await picture(reviewer, named("concordance-new"));
    const sign = reviewer.getByRole("button", { name: "Sign this category" });
    // Nothing is chosen for the reviewer.
    await expect(reviewer.locator('input[name="overall"]:checked')).toHaveCount(0);
    await reviewer.locator('input[name="overall"][value="changes_management"]').check();
    await sign.click();
    if (journey.whyDifferent !== undefined) {
      // The own report says that both agree: such a signature needs a word.
      await expect(reviewer.locator("#note")).toHaveAttribute("aria-invalid", "true");
      faults[2]?.splice(0);
      await reviewer.locator("#note").fill(journey.whyDifferent);
      await sign.click();
    }
    await expect(reviewer.getByText("Signed by the reviewer")).toBeVisible();
  });

  let link = "";
  await test.step("released, and given to the treating doctor", async () => {
    await coordinator.goto(`${path}/act`);
    await coordinator.getByRole("button", { name: "Release it" }).click();
    await coordinator.goto(`${path}/act`);
    await coordinator.locator("#recipient_name").fill("Dr. Daniel Okafor");
    await coordinator.locator("#with_images").check();
    await coordinator.getByRole("button", { name: "Make the link" }).click();
    link = (await coordinator.locator("code.secret").textContent()) ?? "";
    expect(link).toContain("/links/");
    await expectAccessible(coordinator, "act");
    await picture(coordinator, named("act-with-link"));
  });

  await test.step("the treating doctor opens, looks, confirms, decides", async () => {
    const doctor = await people.stranger();
    const doctorFaults = faultsOf(doctor);
    await doctor.goto(link);
    await expect(doctor.locator(".item--critical").first()).toBeVisible();
    await expectAccessible(doctor, "link");
    await picture(doctor, named("link-open"));
    await doctor.getByRole("link", { name: "Images" }).click();
    await new ViewerPage(doctor).ready();
    await doctor.goto(link);
    await doctor.getByRole("button", { name: "I have read it" }).click();
    await expect(doctor.getByText("You confirmed on")).toBeVisible();
    await doctor.locator('input[name="decision"]').first().check();
    await doctor.getByRole("button", { name: "Record the decision" }).click();
    await expect(doctor.getByText("You may change it below")).toBeVisible();
    expect(doctorFaults).toEqual([]);
    await doctor.context().close();
  });

  await test.step("everybody sees who has read what, and when", async () => {
    await coordinator.goto(`${path}/act`);
    await expect(coordinator.getByText("Decided").first()).toBeVisible();
    await expect(coordinator.getByRole("table")).toContainText("Okafor");
    await picture(coordinator, named("act-decided"));
    await asker.goto(path);
    await expect(asker.getByRole("heading", { level: 1 })).toBeVisible();
    await picture(asker, named("case-at-the-end"));
  });

  expect(faults.flat()).toEqual([]);
  for (const page of [asker, coordinator, reviewer]) await page.context().close();
}

test("from a disc to a decision: every station, in every role it needs", async ({
  people,
  server,
}) => {
  test.setTimeout(600_000);
  await walk(SPINE, zipOf(syntheticDisc()), people, server);
});

const REAL_DISC = join(ROOT, "../shared/dicom/patient-cd-a/CD");
const HAS_REAL_DISC = existsSync(REAL_DISC);
const WHY_NOT = "../shared is not there: the real disc is not tried";

test("the real disc goes the whole way too", async ({ people, server }) => {
  test.skip(!HAS_REAL_DISC, WHY_NOT);
  test.setTimeout(600_000);
  await walk(WRIST, zipOf(discOf(REAL_DISC)), people, server);
});

test("the real disc of somebody else is held back", async ({ people, server }) => {
  test.skip(!HAS_REAL_DISC, WHY_NOT);
  const page = await people.page("patient");
  await page.goto(`/cases/${server.caseAbout("in review")}/records`);
  await page.locator("#files").setInputFiles({
    name: "patient-cd-a.zip",
    mimeType: "application/zip",
    buffer: zipOf(discOf(REAL_DISC)),
  });
  await expect(page.locator(".upload-words")).toContainText("arrived", { timeout: 120_000 });
  await page.reload();
  // Its three, and whatever other tests held back in this case before.
  const held = page.getByRole("heading", { name: "studies are held back" });
  await expect(held).toBeVisible();
  expect(Number.parseInt((await held.textContent()) ?? "", 10)).toBeGreaterThanOrEqual(3);
  await expect(page.getByText("WRIST")).toHaveCount(0);
  await picture(page, "records-held-back");
  await page.context().close();
});
