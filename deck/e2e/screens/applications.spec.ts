import { expect, expectAccessible, test, useScenario } from "../fixtures";

test("lists, searches and remembers the search in the address", async ({ page }) => {
  await page.goto("/");
  await expect(page).toHaveURL(/\/applications$/);
  const table = page.getByRole("table", { name: "Applications" });
  await expect(table.getByRole("link", { name: "shop" })).toBeVisible();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search applications" })).toBeFocused();
  await page.keyboard.type("stock");
  await expect(table.getByRole("link", { name: "inventory" })).toBeVisible();
  await expect(table.getByRole("link", { name: "shop" })).toBeHidden();
  await expect(page).toHaveURL(/q=stock/);
  await page.keyboard.press("Escape");
  await expect(table.getByRole("link", { name: "shop" })).toBeVisible();
  await page.getByRole("searchbox").fill("no such thing");
  await expect(page.getByRole("heading", { name: "No application matches" })).toBeVisible();
  await expectAccessible(page);
});

test("creates an application and leads on to its pipelines", async ({ page }) => {
  await page.goto("/applications");
  await page.getByRole("button", { name: "Create application" }).click();
  const dialog = page.getByRole("dialog", { name: "Create application" });
  await dialog.getByLabel("Name").fill("2cool");
  await expect(dialog.getByText(/a letter first/).last()).toBeVisible();
  await dialog.getByLabel("Name").fill("shop");
  await expect(dialog.getByText("An application named shop already exists.")).toBeVisible();
  await expectAccessible(page);
  await dialog.getByLabel("Name").fill("checkout");
  await dialog.getByLabel("Owner email").fill("me@example.com");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(page).toHaveURL(/\/applications\/checkout\/pipelines$/);
  await expect(page.getByRole("heading", { name: "No pipelines yet" })).toBeVisible();
  await page.getByRole("link", { name: "Applications", exact: true }).click();
  await expect(page.getByRole("link", { name: "checkout" })).toBeVisible();
});

test("shows the server's refusal in the dialog", async ({ page }) => {
  await page.goto("/applications?create=1");
  const dialog = page.getByRole("dialog", { name: "Create application" });
  await dialog.getByLabel("Name").fill("refused");
  await dialog.getByLabel("Owner email").fill("me@example.com");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("The name 'refused' is reserved.");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

test("deletes an application after its name was typed", async ({ page }) => {
  await page.goto("/applications");
  await page.getByRole("button", { name: "Actions for notifications" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete application" });
  await expect(dialog.getByRole("button", { name: "Delete application" })).toBeDisabled();
  await dialog.getByLabel("Type notifications to confirm").fill("notifications");
  await dialog.getByRole("button", { name: "Delete application" }).click();
  await expect(page.getByRole("link", { name: "notifications" })).toBeHidden();
});

test("changes what people may change of an application", async ({ page }) => {
  await page.goto("/applications/shop/config");
  const save = page.getByRole("button", { name: "Save" });
  await expect(save).toBeDisabled();
  await page.getByLabel("Description").fill("All that is sold");
  await save.click();
  await expect(page.getByText("The application is saved.")).toBeVisible();
  await expect(
    page.getByRole("table", { name: "All attributes" }).getByText("All that is sold"),
  ).toBeVisible();
  await expect(save).toBeDisabled();
  await expectAccessible(page);
});

test("tells what to do when there is nothing", async ({ page }) => {
  await useScenario(page, "empty");
  await page.goto("/applications");
  await expect(page.getByRole("heading", { name: "No applications yet" })).toBeVisible();
  await expect(page.getByText("Create the first one")).toBeVisible();
  await expectAccessible(page);
});

test("tells what failed, and tries again", async ({ page }) => {
  await useScenario(page, "error");
  await page.goto("/applications");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("Front50 does not answer: connection refused");
  await expectAccessible(page);
  await page.evaluate(() => sessionStorage.setItem("mock-scenario", "normal"));
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("link", { name: "shop" })).toBeVisible();
});

test("has a page for addresses that do not exist", async ({ page }) => {
  for (const [address, title] of [
    ["/nothing/here", "Page not found"],
    ["/applications/shop/nothing", "Page not found"],
    ["/applications/nope", "This application does not exist"],
    ["/applications/shop/pipelines/nope", "This pipeline does not exist"],
    ["/applications/shop/executions/nope", "This execution does not exist"],
  ] as const) {
    await page.goto(address);
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
  }
});
