// A page of another origin asks the archive itself, without a proxy between: what a browser lets it, and what not.
import { expect, type Page, test } from "@playwright/test";
import { OhifServer } from "../lib/ohif.ts";

let ohif: OhifServer;

test.beforeAll(async () => {
  const { OVERREAD_OHIF } = process.env;
  if (!OVERREAD_OHIF) throw new Error("OVERREAD_OHIF must say where OHIF was unpacked");
  ohif = await OhifServer.start(OVERREAD_OHIF);
});

test.afterAll(async () => {
  await ohif.stop();
});

interface How {
  headers: Record<string, string>;
  credentials?: "include";
}

/** Asks from within the page; says what the page gets to know. */
function asks(page: Page, how: How): Promise<{ status: number; id: string | null } | null> {
  const ask = async (given: { url: string; how: How }) => {
    try {
      const answer = await fetch(given.url, given.how);
      return { status: answer.status, id: answer.headers.get("x-request-id") };
    } catch {
      return null;
    }
  };
  return page.evaluate(ask, { url: `${ohif.archive.address}/dicom-web/studies?limit=1`, how });
}

test("a named origin asks with a token, and no other", async ({ page }) => {
  const { authorization } = ohif.archive;
  const headers = { authorization, accept: "application/dicom+json" };
  await page.goto(`${ohif.otherOrigin}/app-config.js`);
  const known = await asks(page, { headers });
  expect([200, 204]).toContain(known?.status);
  expect(known?.id).toMatch(/^[0-9a-f]{16}$/);
  const nobody = await asks(page, { headers: { accept: "application/dicom+json" } });
  expect(nobody?.status).toBe(401);
  // An answer to a request with cookies is kept from the page.
  expect(await asks(page, { headers, credentials: "include" })).toBeNull();

  await page.goto(`${ohif.address}/app-config.js`);
  expect(await asks(page, { headers })).toBeNull();
});
