import { expect, expectAccessible, test, useScenario } from "../fixtures";

test("makes an API token, shows it once, and revokes it", async ({ page }) => {
  await useScenario(page, "admin");
  await page.goto("/applications");
  await page.getByRole("button", { name: "mira" }).click();
  await page.getByRole("menuitem", { name: "API tokens" }).click();
  await expect(page).toHaveURL(/\/api-tokens$/);
  const table = page.getByRole("table", { name: "API tokens" });
  await expect(table.getByRole("row", { name: /nightly build/ })).toContainText("Read, Execute");
  await expect(table.getByRole("row", { name: /robot@example.com/ })).toContainText("Expired");
  await expectAccessible(page);

  await page.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog", { name: "New API token" });
  await dialog.getByLabel("Name").fill("nightly build");
  await dialog.getByRole("button", { name: "Make token" }).click();
  await expect(dialog.getByRole("alert")).toContainText("There is a token");
  await expectAccessible(page);
  await dialog.getByLabel("Name").fill("release notes");
  await dialog.getByRole("button", { name: "Make token" }).click();
  const made = page.getByRole("dialog", { name: "Copy the token now" });
  await expect(made.getByText(/^spk_/)).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect(made.getByText(/^spk_/)).toBeVisible();
  await made.getByRole("button", { name: "I have copied it" }).click();
  await expect(page.getByText(/spk_/)).toHaveCount(0);
  await expect(table.getByRole("row", { name: /release notes/ })).toContainText("Never");

  await page.getByRole("button", { name: "Revoke release notes" }).click();
  const revoke = page.getByRole("dialog", { name: "Revoke API token" });
  await expectAccessible(page);
  await revoke.getByRole("button", { name: "Revoke token" }).click();
  await expect(table.getByRole("row", { name: /release notes/ })).toBeHidden();
});

test("shows administrators the audit log, and reads on", async ({ page }) => {
  await useScenario(page, "admin");
  await page.goto("/applications");
  await page.getByRole("button", { name: "mira" }).click();
  await page.getByRole("menuitem", { name: "Audit log" }).click();
  await expect(page).toHaveURL(/\/audit$/);
  const rows = page.getByRole("table", { name: "Audit log" }).getByRole("row");
  await expect(rows).toHaveCount(1 + 50);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(rows).toHaveCount(1 + 120);
  await expect(page.getByRole("button", { name: "Show more" })).toBeHidden();
  await page.getByRole("checkbox", { name: "Refused only" }).click();
  await expect(rows).toHaveCount(1 + 12);
  await expect(rows.nth(1)).toContainText("EXECUTE on the application 'inventory'");
  await expect(page).toHaveURL(/denied=true/);
  await page.getByRole("textbox", { name: "Filter by user" }).fill("nobody");
  await expect(page.getByRole("heading", { name: "No event matches" })).toBeVisible();
  await expectAccessible(page);
});

test("offers neither to others", async ({ page }) => {
  await page.goto("/audit");
  await expect(
    page.getByRole("heading", { name: "The audit log is for administrators" }),
  ).toBeVisible();
  await expectAccessible(page);
  await page.goto("/api-tokens");
  await expect(page.getByRole("heading", { name: "You may not make API tokens" })).toBeVisible();
  await expect(page.getByText("anonymous")).toBeVisible();
  await expect(page.getByRole("button", { name: "anonymous" })).toBeHidden();
});

test("says what is missing when an action is refused", async ({ page }) => {
  const missing = /EXECUTE on the application 'inventory' is not allowed/;
  await page.goto("/applications/inventory/executions");
  await page.getByRole("button", { name: /^Actions for execution/ }).click();
  await page.getByRole("menuitem", { name: "Pause" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "could not be paused" })).toContainText(
    missing,
  );
  await expectAccessible(page);

  await page.goto("/applications/inventory/pipelines");
  await page.getByRole("button", { name: "Start Recount stock" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Start", exact: true }).click();
  await expect(dialog.getByRole("alert")).toContainText(missing);
  await expect(dialog.getByRole("alert")).toContainText("one of the roles logistics");
  await expectAccessible(page);
});
