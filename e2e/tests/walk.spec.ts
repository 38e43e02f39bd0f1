import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { discOf, syntheticDisc, zipOf } from "../lib/disc.ts";
import { expectAccessible, picture } from "../lib/look.ts";
import { ROOT } from "../lib/server.ts";
import { expect, faultsOf, test } from "../lib/test.ts";
import { FIRST_IMPRESSION, LETTER, ORIGINAL_REPORT, REQUEST, SECOND_REPORT } from "../lib/texts.ts";
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

test("from a disc to a decision: every station, in every role it needs", async ({
  people,
  server,
}) => {
  test.setTimeout(600_000);
  const patient = await people.page("patient");
  const coordinator = await people.page("coordinator");
  const reviewer = await people.page("reviewer");
  const faults = [patient, coordinator, reviewer].map(faultsOf);
  let path = "";

  await test.step("ask: who, which scan, why now, how soon", async () => {
    await patient.goto("/cases");
    await patient.getByRole("button", { name: "Ask for a second opinion" }).click();
    await expect(patient).toHaveURL(/\/ask\/\w+/);
    path = new URL(patient.url()).pathname.replace(/\/ask\/\w+$/, "");
    for (let screens = 0; !patient.url().includes("/ask/review"); screens += 1) {
      expect(screens, "the wizard has an end").toBeLessThan(15);
      const screen = /\/ask\/(\w+)/.exec(patient.url())?.[1] ?? "unknown";
      await fillIn(patient, REQUEST);
      await expectAccessible(patient, `ask/${screen}`);
      await picture(patient, `ask-${screen}`);
      await patient.getByRole("button", { name: "Continue" }).click();
      await expect(patient).not.toHaveURL(new RegExp(`/ask/${screen}\\b`));
    }
    await expect(patient).toHaveURL(/\/ask\/review/);
    await expect(patient.getByText("Which side does the disc press on?")).toBeVisible();
    await expectAccessible(patient, "ask/review");
    await picture(patient, "ask-review");
    await patient.getByRole("button", { name: "Send the request" }).click();
  });

  await test.step("consent", async () => {
    await patient.goto(`${path}/consent`);
    for (const scope of ["review", "letters", "share"])
      await patient.locator(`#scope_${scope}`).check();
    await patient.locator("#signature").fill("Elena Rivera");
    await picture(patient, "consent");
    await patient.getByRole("button", { name: "I agree and sign" }).click();
    await patient.goto(`${path}/consent`);
    await expect(patient.getByText("In force")).toBeVisible();
  });

  await test.step("letter: the form and its preview", async () => {
    await patient.goto(`${path}/letters`);
    await patient.locator('a[href*="second_opinion"]').first().click();
    const preview = patient.locator("#letter-preview");
    // What the case does not know yet, the writer fills in.
    for (const field of await patient.locator("form[data-preview-url] .field").all()) {
      if (/may stay empty/.test((await field.textContent()) ?? "")) continue;
      const control = field.locator('input[type="text"], textarea').first();
      if ((await control.count()) > 0 && (await control.inputValue()) === "") {
        await control.fill("A disc with all images is enclosed.");
      }
    }
    await fillIn(patient, LETTER);
    await expect(preview).toContainText("Elena Rivera");
    await expect(preview).toContainText("A disc with all images is enclosed.");
    await expectAccessible(patient, "letter");
    await picture(patient, "letter-preview");
    await patient.getByRole("button", { name: "Save and refresh" }).click();
    const pdf = patient.getByRole("link", { name: "PDF" });
    const answer = await patient.request.get((await pdf.getAttribute("href")) ?? "");
    expect(answer.status()).toBe(200);
    expect((await answer.body()).subarray(0, 5).toString()).toBe("%PDF-");
  });

  await test.step("the disc arrives, and is checked in plain words", async () => {
    await patient.goto(`${path}/records`);
    const disc = zipOf(syntheticDisc());
    await patient
      .locator("#files")
      .setInputFiles({ name: "disc.zip", mimeType: "application/zip", buffer: disc });
    await expect(patient.locator(".upload-words")).toContainText("arrived", { timeout: 120_000 });
    await picture(patient, "upload-result");
    await expectAccessible(patient, "upload result");
    await patient.getByRole("link", { name: "Show what we found on it" }).click();
    await expect(patient.locator("#images ~ ul").first()).toContainText(/lumbar/i);
    await picture(patient, "records-after-upload");
  });

  await test.step("the first report", async () => {
    await patient.goto(`${path}/original-report`);
    await patient.locator("#text").fill(ORIGINAL_REPORT);
    await patient.locator("#author").fill("Dr. R. Hale");
    await patient.locator("#report_date").fill("2026-09-15");
    await patient.getByRole("button", { name: "Save the first report" }).click();
    await expect(patient.getByText("Right paracentral disc protrusion").first()).toBeAttached();
  });

  await test.step("the coordinator accepts the records and chooses", async () => {
    await patient.goto(`${path}/records`);
    const all = patient.getByRole("button", { name: "Yes, check it" });
    if (await all.isVisible()) await all.click();
    await coordinator.goto(`${path}/records`);
    await picture(coordinator, "coordinator-records-new");
    await coordinator.getByRole("button", { name: "Accept the records" }).click();
    await coordinator.goto(`${path}/reviewers`);
    await expect(coordinator.getByText("Best fit").first()).toBeVisible();
    await expectAccessible(coordinator, "reviewers");
    await picture(coordinator, "reviewers");
    await coordinator.getByRole("button", { name: "Choose Ingrid Solberg" }).click();
  });

  await test.step("the cost is named and accepted", async () => {
    await coordinator.goto(`${path}/cost`);
    await tick(coordinator, "kind", "self_pay");
    await coordinator.locator("#quote").fill("420.00");
    await coordinator.locator("#currency").fill("USD");
    await coordinator.getByRole("button", { name: "Record it" }).click();
    await patient.goto(`${path}/cost`);
    await patient.getByRole("button", { name: /I accept to pay/ }).click();
  });

  await test.step("the reviewer accepts, reads, and locks a first impression", async () => {
    await reviewer.goto(`${path}/offer`);
    await expectAccessible(reviewer, "offer");
    await picture(reviewer, "offer");
    await reviewer.locator("#independent").check();
    await reviewer.locator("#licensed").check();
    await reviewer.getByRole("button", { name: "Accept" }).click();
    await reviewer.goto(`${path}/viewer`);
    const viewer = new ViewerPage(reviewer);
    await viewer.ready();
    expect((await viewer.light(0)).spread).toBeGreaterThan(10);
    await reviewer.goto(`${path}/original-report`);
    await expect(reviewer.getByText("The first report is here, and closed")).toBeVisible();
    await expect(reviewer.getByText("Right paracentral disc protrusion")).toHaveCount(0);
    await reviewer.locator("#impression").fill(FIRST_IMPRESSION);
    await reviewer.getByRole("button", { name: "Lock it" }).click();
    await agree(reviewer);
    await expect(reviewer.getByText("Right paracentral disc protrusion").first()).toBeVisible();
  });

  await test.step("the second report: saved while written, also through a crash, then signed", async () => {
    await reviewer.goto(`${path}/report`);
    for (const [id, text] of Object.entries(SECOND_REPORT)) {
      const field = reviewer.locator(`textarea[name="${id}"]`);
      if ((await field.count()) > 0) await field.fill(text);
    }
    for (const choice of await reviewer.locator("form[data-behaviour~=autosave] select").all()) {
      await choice.selectOption({ index: 1 });
    }
    await expect(reviewer.locator("[data-autosave-status]")).toHaveText(/^Saved /);
    await expectAccessible(reviewer, "report editor");
    await picture(reviewer, "report-editor");

    // The line goes down, the browser dies, and the words are still there.
    await reviewer.route("**/report/draft", (route) => route.abort());
    const more = `${SECOND_REPORT.findings} Written without a line.`;
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
    await picture(reviewer, "report-signed");
  });

  await test.step("both reports compared, statement by statement", async () => {
    await reviewer.goto(`${path}/concordance`);
    await expect(reviewer.locator(".item--critical").first()).toBeVisible();
    await expect(reviewer.locator("mark").first()).toBeVisible();
    await reviewer.keyboard.press("j");
    await expect(reviewer.locator("li.item.is-chosen")).toHaveCount(1);
    await expect(reviewer.locator("mark.is-chosen").first()).toBeVisible();
    await expectAccessible(reviewer, "concordance");
    await picture(reviewer, "concordance-new");
    const sign = reviewer.getByRole("button", { name: "Sign this category" });
    if (await sign.isVisible()) await sign.click();
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
    await picture(coordinator, "act-with-link");
  });

  await test.step("the treating doctor opens, looks, confirms, decides", async () => {
    const doctor = await people.stranger();
    const doctorFaults = faultsOf(doctor);
    await doctor.goto(link);
    await expect(doctor.locator(".item--critical").first()).toBeVisible();
    await expectAccessible(doctor, "link");
    await picture(doctor, "link-open");
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
    await picture(coordinator, "act-decided");
    await patient.goto(path);
    await expect(patient.getByRole("heading", { level: 1 })).toBeVisible();
    await picture(patient, "case-at-the-end");
  });

  expect(faults.flat()).toEqual([]);
  for (const page of [patient, coordinator, reviewer]) await page.context().close();
});

test("the real disc beside the repository is taken in and told about", async ({
  people,
  server,
}) => {
  const folder = join(ROOT, "../shared/dicom/patient-cd-a/CD");
  test.skip(!existsSync(folder), "../shared is not there: the real disc is not tried");
  const page = await people.page("patient");
  await page.goto(`/cases/${server.caseAbout("in review")}/records`);
  const mayAdd = (await page.locator("#files").count()) > 0;
  test.skip(!mayAdd, "this case takes no more records");
  await page.locator("#files").setInputFiles({
    name: "patient-cd-a.zip",
    mimeType: "application/zip",
    buffer: zipOf(discOf(folder)),
  });
  await expect(page.locator(".upload-words")).toContainText("arrived", { timeout: 120_000 });
  await expect(page.locator(".upload-study").first()).toContainText(/morgan/i);
  await picture(page, "upload-real-disc");
  await page.context().close();
});
