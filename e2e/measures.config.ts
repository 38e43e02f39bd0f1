import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

// Measures are no tests: they assert nothing, and they run only when somebody asks.
export default defineConfig(tests, {
  testDir: "./measures",
  testMatch: "*.ts",
  use: {
    launchOptions: { ...tests.use?.launchOptions, args: ["--no-sandbox", "--disable-gpu"] },
  },
});
