import type { PlaywrightTestOptions, PlaywrightWorkerOptions } from "@playwright/test";

/** The machine's own Chromium, told not to talk to anyone but the page's server. */
export const browser: Partial<PlaywrightTestOptions & PlaywrightWorkerOptions> & {
  trace: "retain-on-failure";
  screenshot: "only-on-failure";
} = {
  browserName: "chromium",
  viewport: { width: 1280, height: 800 },
  trace: "retain-on-failure",
  screenshot: "only-on-failure",
  launchOptions: {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  },
};
