import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";
import type { Scenario } from "@mock/scenarios";

/** A page that fails its test when it throws, or when it asks anyone but its own server. */
export const test = base.extend({
  page: async ({ page, baseURL }, run) => {
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(`error in the page: ${error.message}`));
    page.on("request", (request) => {
      const url = request.url();
      const own =
        url.startsWith(baseURL ?? "") || url.startsWith("data:") || url.startsWith("blob:");
      if (!own) faults.push(`request to elsewhere: ${url}`);
    });
    await run(page);
    expect(faults).toEqual([]);
  },
});

export { expect };

/** Chooses how the mock API behaves; before the first visit. */
export async function useScenario(page: Page, scenario: Scenario): Promise<void> {
  await page.addInitScript((name) => sessionStorage.setItem("mock-scenario", name), scenario);
}

/**
 * Fails on what the accessibility rules of WCAG 2.1 A and AA forbid. What fades in or out is
 * looked at again: half transparent text has no contrast, and a menu that closes has no items.
 */
export async function expectAccessible(page: Page): Promise<void> {
  await expect(async () => {
    const { violations } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"])
      .analyze();
    expect(
      violations.map(
        (violation) =>
          `${violation.id}: ${violation.help}\n  ${violation.nodes
            .map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`)
            .join("\n  ")}`,
      ),
    ).toEqual([]);
  }).toPass({ timeout: 60_000 });
}

/** Replaces the text of the JSON editor, as a paste does. */
export async function pasteJson(page: Page, value: unknown): Promise<void> {
  const editor = page.getByRole("textbox", { name: "Pipeline JSON" });
  await editor.click();
  await editor.press("ControlOrMeta+a");
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  await editor.evaluate((element, pasted) => {
    const data = new DataTransfer();
    data.setData("text/plain", pasted);
    element.dispatchEvent(
      new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
    );
  }, text);
}
