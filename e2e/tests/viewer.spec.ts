import { expectAccessible, expectFits, picture } from "../lib/look.ts";
import { expect, faultsOf, test } from "../lib/test.ts";
import { ViewerPage } from "../lib/viewer.ts";

test("the viewer shows, scrolls, windows, measures, and keeps its state", async ({
  people,
  server,
}) => {
  const page = await people.page("reviewer");
  const faults = faultsOf(page);
  const viewer = new ViewerPage(page);
  await page.goto(`/cases/${server.caseAbout("in review")}/viewer`);
  await viewer.ready();
  await expect(page.locator("#viewer")).toHaveAttribute("data-renderer", "cpu");
  await expect(viewer.shownPanes()).toHaveCount(2);

  await test.step("a picture, not a black square", async () => {
    const light = await viewer.light(0);
    expect(light.mean).toBeGreaterThan(5);
    expect(light.spread).toBeGreaterThan(12);
  });

  await test.step("who and which side is on every pane", async () => {
    for (const idx of [0, 1]) {
      await expect(viewer.pane(idx)).toContainText("Elena Rivera");
      await expect(viewer.pane(idx)).toContainText("June 14, 1979");
      expect(await viewer.letters(idx)).toMatch(/^[LRAPHF]{1,2}( [LRAPHF]{1,2}){3}$/);
      await expect(viewer.stage(idx)).toHaveAttribute(
        "aria-label",
        /Elena Rivera.*image \d+ of \d+/,
      );
    }
    await expect(page.getByText("Not for primary diagnosis")).toBeVisible();
  });

  await test.step("every series has a small picture", async () => {
    await expect(viewer.seriesLines()).toHaveCount(5);
    await expect(page.locator('.series-picture[data-drawn="true"]')).toHaveCount(5);
  });

  await test.step("wheel and keys scroll", async () => {
    const before = await viewer.position(0);
    await viewer.wheel(0, 3);
    await expect.poll(() => viewer.position(0)).toBe(before + 3);
    await page.keyboard.press("ArrowUp");
    await expect.poll(() => viewer.position(0)).toBe(before + 2);
    await page.keyboard.press("Home");
    await expect.poll(() => viewer.position(0)).toBe(1);
    await page.keyboard.press("PageDown");
    await page.keyboard.press("PageUp");
    await expect(viewer.pane(0)).toHaveAttribute("data-state", "shown");
  });

  await test.step("dragging changes the window, presets and invert too", async () => {
    const before = await viewer.window(0);
    const lightBefore = await viewer.light(0);
    await viewer.drag(0, 80, -60);
    await expect.poll(() => viewer.window(0)).not.toBe(before);
    await expect
      .poll(async () => (await viewer.light(0)).mean)
      .not.toBeCloseTo(lightBefore.mean, 1);
    const dragged = await viewer.window(0);
    await page.keyboard.press("1");
    await expect.poll(() => viewer.window(0)).not.toBe(dragged);
    await viewer.command("invert").click();
    await expect.poll(async () => (await viewer.light(0)).mean).toBeGreaterThan(lightBefore.mean);
    await viewer.command("invert").click();
  });

  await test.step("a length is drawn with the mouse and with the keyboard", async () => {
    await viewer.command("tool-length").click();
    await viewer.drag(0, 120, 40, { x: -60, y: -20 });
    await expect(viewer.pane(0).locator(".overlay-words")).toHaveText(/^\d+\.\d mm$/);
    await viewer.stage(0).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    for (let step = 0; step < 3; step += 1) await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("Enter");
    await expect(viewer.pane(0).locator(".overlay-words")).toHaveCount(2);
    await expect(page.locator(".measurements tbody tr")).toHaveCount(2);
    await page.keyboard.press("Backspace");
    await expect(viewer.pane(0).locator(".overlay-words")).toHaveCount(1);
    await page.keyboard.press("Control+z");
    await expect(viewer.pane(0).locator(".overlay-words")).toHaveCount(2);
  });

  await test.step("zoom, turn and mirror move the letters along", async () => {
    const before = await viewer.letters(0);
    const [left, top, right, bottom] = before.split(" ");
    await page.keyboard.press("r");
    await expect.poll(() => viewer.letters(0)).toBe([bottom, left, top, right].join(" "));
    await page.keyboard.press("l");
    await page.keyboard.press("h");
    await expect.poll(() => viewer.letters(0)).toBe([right, top, left, bottom].join(" "));
    await expect(viewer.pane(0)).toContainText("Mirrored");
    await page.keyboard.press("h");
    await expect(viewer.pane(0)).not.toContainText("Mirrored");
    await page.keyboard.press("+");
    await expect(viewer.pane(0)).toContainText("Zoom 125 %");
  });

  await test.step("the state survives a reload", async () => {
    const [position, window] = [await viewer.position(0), await viewer.window(0)];
    await page.waitForTimeout(400);
    await page.reload();
    await viewer.ready();
    expect(await viewer.position(0)).toBe(position);
    expect(await viewer.window(0)).toBe(window);
    await expect(viewer.pane(0)).toContainText("Zoom 125 %");
    await expect(viewer.pane(0).locator(".overlay-words")).toHaveCount(2);
    await page.keyboard.press("Space");
    await expect(viewer.pane(0)).toContainText("Zoom 100 %");
  });

  await expectAccessible(page, "viewer");
  await picture(page, "viewer", false);
  expect(faults).toEqual([]);
  await page.context().close();
});

test("two series of one plane scroll together by position, crossing planes show a line", async ({
  people,
  server,
}) => {
  const page = await people.page("reviewer");
  const viewer = new ViewerPage(page);
  await page.goto(`/cases/${server.caseAbout("in review")}/viewer`);
  await viewer.ready();
  const open = async (pane: number, name: RegExp) => {
    await viewer.stage(pane).click({ button: "middle" });
    await page.getByRole("button", { name }).click();
    await expect(viewer.pane(pane).locator(".pane-corner-tr")).toContainText(name);
    await expect(viewer.pane(pane)).toHaveAttribute("data-state", "shown");
  };
  await open(0, /sag.*T1|T1.*sag/i);
  await open(1, /sag.*T2|T2.*sag/i);
  await expect(page.locator("#viewer")).toHaveAttribute("data-link", "position");
  await viewer.wheel(0, 2);
  await expect
    .poll(async () => (await viewer.position(0)) === (await viewer.position(1)))
    .toBe(true);
  await viewer.command("link").click();
  const still = await viewer.position(1);
  await viewer.wheel(0, 1);
  await page.waitForTimeout(300);
  expect(await viewer.position(1)).toBe(still);
  await viewer.command("link").click();

  await open(1, /ax.*T2|T2.*ax/i);
  await expect(page.locator("#viewer")).toHaveAttribute("data-link", "none");
  await expect(viewer.pane(0).locator(".overlay-reference")).toHaveCount(1);
  await picture(page, "viewer-planes", false);
  await page.context().close();
});

test("the decoder's worker may run WebAssembly and fetch it, and no more than that", async ({
  people,
  server,
}) => {
  const page = await people.page("reviewer");
  const policies: string[] = [];
  page.on("response", (response) => {
    if (!/Worker-[^/]*\.js$/.test(new URL(response.url()).pathname)) return;
    policies.push(response.headers()["content-security-policy"] ?? "");
  });
  await page.goto(`/cases/${server.caseAbout("in review")}/viewer`);
  await new ViewerPage(page).ready();
  // A worker lives under the policy of its own file: without these, compressed images stay dark.
  await expect.poll(() => policies.length).toBeGreaterThan(0);
  for (const policy of policies) {
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toContain("sandbox");
    expect(policy).not.toContain("'unsafe-eval'");
  }
  await page.context().close();
});

test("an image that cannot be had is said so, the others go on", async ({ people, server }) => {
  const page = await people.page("reviewer");
  const viewer = new ViewerPage(page);
  await page.route("**/frames/1", (route) => {
    route.request().url().includes(broken) ? route.fulfill({ status: 500 }) : route.fallback();
  });
  let broken = "no image yet";
  await page.goto(`/cases/${server.caseAbout("in review")}/viewer`);
  await viewer.ready();
  broken = "/instances/";
  await page.evaluate(() => sessionStorage.clear());
  await viewer.seriesLines().nth(3).click();
  await expect(viewer.pane(0)).toContainText("cannot be shown");
  await expect(viewer.pane(1)).toHaveAttribute("data-state", "shown");
  broken = "no image any more";
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(viewer.pane(0)).toHaveAttribute("data-state", "shown");
  await page.context().close();
});

test("the viewer works on a telephone and on two monitors", async ({ people, server }) => {
  for (const size of [
    { width: 390, height: 844 },
    { width: 3840, height: 1080 },
  ]) {
    const page = await people.page("reviewer", size);
    const viewer = new ViewerPage(page);
    await page.goto(`/cases/${server.caseAbout("in review")}/viewer`);
    await viewer.ready();
    await expect(viewer.shownPanes()).toHaveCount(size.width < 1000 ? 1 : 2);
    expect((await viewer.light(0)).spread).toBeGreaterThan(8);
    await expectFits(page, `viewer at ${size.width}`);
    await expectAccessible(page, `viewer at ${size.width}`);
    await picture(page, "viewer", false);
    await page.context().close();
  }
});

test("the viewer draws on the GPU when told to, the same picture", async ({ people, server }) => {
  const page = await people.page("reviewer");
  const viewer = new ViewerPage(page);
  const address = `/cases/${server.caseAbout("in review")}/viewer`;
  await page.goto(address);
  await viewer.ready();
  const [onCpu, letters] = [await viewer.light(0), await viewer.letters(0)];
  await page.goto("/cases");
  await page.goto(`${address}#gpu`);
  await viewer.ready();
  await expect(page.locator("#viewer")).toHaveAttribute("data-renderer", "gpu");
  await expect
    .poll(async () => Math.abs((await viewer.light(0)).mean - onCpu.mean))
    .toBeLessThan(3);
  expect(await viewer.letters(0)).toBe(letters);
  await page.context().close();
});
