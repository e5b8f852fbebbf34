import { expect, expectAccessible, test } from "../fixtures";

test("has help on every page, closed by Escape", async ({ page }) => {
  await page.goto("/applications/shop/executions");
  await expect(page.getByRole("list", { name: "Executions of Warm caches" })).toBeVisible();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Help" });
  await expect(help.getByText("Go from stage to stage in the graph")).toBeVisible();
  await expect(help.getByText("Gennaker 0.1.0-mock")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
});

test("is dark when the system is, or when told, and remembers", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/applications");
  const root = page.locator("html");
  await expect(root).toHaveAttribute("data-mantine-color-scheme", "dark");
  await expect(page.getByRole("link", { name: "shop" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Colour scheme" }).click();
  await page.getByRole("menuitemradio", { name: "Light" }).click();
  await expect(root).toHaveAttribute("data-mantine-color-scheme", "light");
  await page.reload();
  await expect(root).toHaveAttribute("data-mantine-color-scheme", "light");
});

test("is accessible in the dark where it matters most", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/applications/shop/executions");
  await expect(page.getByRole("list", { name: "Executions of Warm caches" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Promote to production?: Awaiting judgment" }).click();
  await expect(page.getByRole("button", { name: "Continue" })).toBeVisible();
  await expectAccessible(page);
});

test("can be used in a narrow window", async ({ page }) => {
  await page.setViewportSize({ width: 800, height: 900 });
  for (const address of [
    "/applications",
    "/applications/shop/executions",
    "/applications/shop/pipelines",
    "/applications/shop/config",
  ]) {
    await page.goto(address);
    await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, address).toBeLessThanOrEqual(0);
  }
});
