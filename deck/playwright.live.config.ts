import { defineConfig } from "@playwright/test";
import { browser } from "./e2e/browser";

const url = process.env["DECK_URL"];
if (!url) {
  throw new Error("Set DECK_URL to the address of a running Deck, such as http://127.0.0.1:9000.");
}

/** The product, against a running stack: where nobody has to sign in, or where these two people do. */
export default defineConfig({
  testDir: "e2e/live",
  testMatch: process.env["DECK_OWNER"] ? "sign-in.spec.ts" : "deploy.spec.ts",
  outputDir: "test-results/live",
  workers: 1,
  timeout: 180_000,
  expect: { timeout: 60_000 },
  reporter: [["list"]],
  use: { ...browser, baseURL: url },
});
