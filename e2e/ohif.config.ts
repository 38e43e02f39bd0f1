import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

// Another viewer than ours, as its makers ship it; OVERREAD_OHIF says where it was unpacked.
export default defineConfig(tests, { testDir: "./ohif" });
