import { expectAccessible, expectFits, picture } from "../lib/look.ts";
import { expect, faultsOf, test } from "../lib/test.ts";

/** Every page that each role sees: its name, and its address with `{finished}` and `{waiting}` cases. */
const PAGES: Record<string, Array<[name: string, address: string]>> = {
  nobody: [
    ["landing", "/"],
    ["sign-in", "/sign-in"],
    ["emergency", "/emergency"],
    ["not-found", "/no-such-page"],
    ["link", "{physician}"],
  ],
  patient: [
    ["patient-cases", "/cases"],
    ["patient-case", "/cases/{waiting}"],
    ["patient-case-finished", "/cases/{finished}"],
    ["patient-consent", "/cases/{waiting}/consent"],
    ["patient-cost", "/cases/{waiting}/cost"],
    ["patient-records", "/cases/{waiting}/records"],
    ["patient-original-report", "/cases/{waiting}/original-report"],
    ["patient-letters", "/cases/{waiting}/letters"],
    ["patient-letter", "/cases/{waiting}/letters/second_opinion_request"],
    ["patient-report", "/cases/{finished}/report"],
    ["patient-concordance", "/cases/{finished}/concordance"],
    ["patient-act", "/cases/{finished}/act"],
    ["account", "/account"],
  ],
  coordinator: [
    ["coordinator-cases", "/cases"],
    ["coordinator-case", "/cases/{waiting}"],
    ["coordinator-records", "/cases/{waiting}/records"],
    ["coordinator-unfiled", "/unfiled"],
    ["coordinator-reviewers", "/cases/{waiting}/reviewers"],
    ["reviewer-directory", "/reviewers"],
    ["coordinator-act", "/cases/{finished}/act"],
  ],
  reviewer: [
    ["reviewer-cases", "/cases"],
    ["reviewer-case", "/cases/{waiting}"],
    ["reviewer-original-report", "/cases/{waiting}/original-report"],
    ["reviewer-report", "/cases/{waiting}/report"],
    ["reviewer-report-signed", "/cases/{finished}/report"],
    ["reviewer-concordance", "/cases/{finished}/concordance"],
  ],
  administrator: [
    ["people", "/people"],
    ["dicom-peers", "/dicom-peers"],
    ["keeping", "/keeping"],
    ["audit", "/audit"],
  ],
};

/** Answers that are right for pages which are to say that something is not there. */
const MAY_BE_MISSING = new Set(["not-found"]);

for (const [role, pages] of Object.entries(PAGES)) {
  for (const size of [
    { width: 390, height: 844 },
    { width: 1440, height: 900 },
  ]) {
    test(`pages of ${role} at ${size.width} px are accessible and fit`, async ({
      people,
      server,
    }) => {
      const page = role === "nobody" ? await people.stranger(size) : await people.page(role, size);
      const faults = faultsOf(page);
      for (const [name, template] of pages) {
        const address = template
          .replace("{finished}", server.caseAbout("finished"))
          .replace("{waiting}", server.caseAbout("in review"))
          .replace("{physician}", server.demo.physician_address);
        await test.step(name, async () => {
          const answer = await page.goto(address);
          const status = answer?.status() ?? 0;
          expect.soft(status, name).toBe(MAY_BE_MISSING.has(name) ? 404 : 200);
          await expect.soft(page.locator("h1"), name).toHaveCount(1);
          await picture(page, name);
          await expectFits(page, name);
          await expectAccessible(page, name);
        });
      }
      expect(faults.filter((fault) => !fault.includes("404"))).toEqual([]);
      await page.context().close();
    });
  }
}

test("every page but the viewer works without script", async ({ browser, server }) => {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    baseURL: server.demo.address,
  });
  const page = await context.newPage();
  const person = server.person("patient");
  await page.goto("/sign-in");
  await page.getByLabel("E-mail address").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/cases/);
  await page.goto(`/cases/${server.caseAbout("finished")}/concordance`);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();

  // A term of the reports opens its explanation over the page, where the reader is, and closes again.
  const term = page.locator("a.term").first();
  await term.click();
  const explanation = page.locator(".explained__word:target");
  await expect(explanation).toBeInViewport({ ratio: 1 });
  await expect(term).toBeInViewport();
  await picture(page, "explained");
  await explanation.getByRole("link", { name: "Close" }).click();
  await expect(page.locator(".explained__word:target")).toHaveCount(0);
  await expect(term).toBeInViewport();
  await context.close();
});
