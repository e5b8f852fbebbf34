import { defineConfig } from "@playwright/test";
import { browser } from "./e2e/browser";

const port = Number(process.env["DECK_MOCK_PORT"] ?? 9108);

/** The screens, against the mock API in the page: no backend is needed. */
export default defineConfig({
  testDir: "e2e/screens",
  outputDir: "test-results/screens",
  fullyParallel: true,
  workers: 2,
  // Deadlines are for machines that are busy with other work; what passes does not wait for them.
  timeout: 180_000,
  expect: { timeout: 45_000 },
  reporter: [["list"]],
  forbidOnly: Boolean(process.env["CI"]),
  use: {
    ...browser,
    baseURL: `http://127.0.0.1:${port}`,
  },
  webServer: {
    command: `npm run build:mock && npm run preview:mock -- --port ${port} --strictPort`,
    url: `http://127.0.0.1:${port}`,
    timeout: 180_000,
    reuseExistingServer: false,
  },
});
