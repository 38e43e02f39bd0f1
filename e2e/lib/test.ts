import {
  type Browser,
  type BrowserContext,
  test as base,
  expect,
  type Page,
} from "@playwright/test";
import { DemoServer } from "./server.ts";

export { expect };

/** Signs people in, once each; later pages reuse the session. */
export class People {
  private readonly sessions = new Map<
    string,
    Awaited<ReturnType<BrowserContext["storageState"]>>
  >();

  constructor(
    private readonly browser: Browser,
    readonly server: DemoServer,
  ) {}

  /** A page of somebody with this role, in a browser of their own. */
  async page(role: string, size = { width: 1440, height: 900 }): Promise<Page> {
    const { address } = this.server.demo;
    const known = this.sessions.get(role);
    const context = await this.browser.newContext({
      baseURL: address,
      viewport: size,
      locale: "en-US",
      timezoneId: "UTC",
      hasTouch: size.width < 500,
      ...(known ? { storageState: known } : {}),
    });
    const page = await context.newPage();
    if (!known) {
      await this.signIn(page, role);
      this.sessions.set(role, await context.storageState());
    }
    return page;
  }

  /** A page of somebody who is not signed in. */
  async stranger(size = { width: 1440, height: 900 }): Promise<Page> {
    const context = await this.browser.newContext({
      baseURL: this.server.demo.address,
      viewport: size,
      locale: "en-US",
      timezoneId: "UTC",
    });
    return context.newPage();
  }

  private async signIn(page: Page, role: string): Promise<void> {
    const person = this.server.person(role);
    await page.goto("/sign-in");
    await page.getByLabel("E-mail address").fill(person.email);
    await page.getByLabel("Password").fill(person.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("button", { name: "Sign out" })).toBeAttached();
  }
}

/** What goes wrong in a page without anybody seeing it: script faults, policy violations, lost requests. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" || message.location().url.endsWith("/favicon.ico")) return;
    faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    const isOwn = hostname === "127.0.0.1" || protocol === "blob:" || protocol === "data:";
    if (!isOwn) faults.push(`left the machine: ${hostname}`);
  });
  return faults;
}

export const test = base.extend<object, { server: DemoServer; people: People }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are used from the pattern
    async ({}, use) => {
      const server = await DemoServer.start();
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 240_000 },
  ],
  people: [
    async ({ browser, server }, use) => {
      await use(new People(browser, server));
    },
    { scope: "worker" },
  ],
});
