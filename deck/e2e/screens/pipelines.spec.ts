import { expect, expectAccessible, pasteJson, test } from "../fixtures";

test("creates a pipeline from pasted JSON and keeps the keys it does not know", async ({
  page,
}) => {
  await page.goto("/applications/fresh/pipelines");
  await page.getByRole("link", { name: "Create pipeline" }).first().click();
  await pasteJson(page, {
    id: "of-elsewhere",
    application: "elsewhere",
    name: "Pasted",
    custom: { kept: true },
    stages: [
      { refId: "1", type: "wait", name: "Hold on", waitTime: 1, requisiteStageRefIds: [] },
      { refId: "2", type: "manualJudgment", name: "Go?", requisiteStageRefIds: ["1"] },
    ],
  });
  await expect(page.getByLabel("Name")).toHaveValue("Pasted");
  const graph = page.getByRole("group", { name: "Stages of this pipeline" });
  await expect(graph.getByRole("button", { name: "Go?, Manual judgment" })).toBeVisible();
  await page.getByLabel("Name").fill("Mine");
  await page.getByRole("button", { name: "Create pipeline" }).click();
  await expect(page).toHaveURL(/\/applications\/fresh\/pipelines\/Mine$/);
  const editor = page.getByRole("textbox", { name: "Pipeline JSON" });
  await expect(editor).toContainText('"kept": true');
  await expect(editor).toContainText('"application": "fresh"');
  await expect(editor).not.toContainText("of-elsewhere");
  await expectAccessible(page);
});

test("names a fault in the JSON, and does not save it", async ({ page }) => {
  await page.goto("/applications/shop/pipelines/Deploy%20to%20staging");
  await pasteJson(page, '{\n  "name": oops\n}');
  await expect(page.getByRole("alert")).toHaveText(
    "Not valid JSON at line 2, column 11: oops needs double quotes.",
  );
  await expect(page.getByRole("button", { name: "Save" })).toBeDisabled();
  await page.getByRole("button", { name: "Discard changes" }).click();
  await expect(page.getByRole("alert")).toBeHidden();
});

test("shows the server's refusal at the form, then saves", async ({ page }) => {
  await page.goto("/applications/fresh/pipelines/-/new");
  await pasteJson(page, {
    name: "Wrong",
    stages: [{ refId: "1", type: "wait", name: "A", requisiteStageRefIds: ["9"] }],
  });
  await page.getByRole("button", { name: "Create pipeline" }).click();
  await expect(page.getByRole("alert")).toContainText(
    'Stage "A" requires the stage "9", which does not exist.',
  );
  await pasteJson(page, {
    name: "Right",
    stages: [{ refId: "1", type: "wait", name: "A", requisiteStageRefIds: [] }],
  });
  await expect(page.getByRole("alert")).toBeHidden();
  await page.getByRole("button", { name: "Create pipeline" }).click();
  await expect(page.getByRole("heading", { name: "Right" })).toBeVisible();
});

test("asks before changes are lost", async ({ page }) => {
  await page.goto("/applications/shop/pipelines/Warm%20caches");
  await expect(page.getByRole("textbox", { name: "Pipeline JSON" })).toContainText("Settle");
  await pasteJson(page, { name: "Warm caches", application: "shop", stages: [] });
  await page.getByRole("link", { name: "← All pipelines" }).click();
  const dialog = page.getByRole("dialog", { name: "Leave without saving?" });
  await dialog.getByRole("button", { name: "Stay" }).click();
  await expect(page.getByRole("heading", { name: "Warm caches" })).toBeVisible();
  await page.getByRole("link", { name: "← All pipelines" }).click();
  await dialog.getByRole("button", { name: "Leave" }).click();
  await expect(page.getByRole("table", { name: "Pipelines" })).toBeVisible();
});

test("renames a pipeline by its JSON", async ({ page }) => {
  await page.goto("/applications/shop/pipelines/Warm%20caches");
  await expect(page.getByRole("textbox", { name: "Pipeline JSON" })).toContainText("Settle");
  const stored = await page.evaluate(async () => {
    const response = await fetch("/gate/applications/shop/pipelineConfigs/Warm%20caches");
    return (await response.json()) as Record<string, unknown>;
  });
  await pasteJson(page, { ...stored, name: "Heat caches" });
  await page.getByRole("textbox", { name: "Pipeline JSON" }).press("ControlOrMeta+s");
  await expect(page).toHaveURL(/\/pipelines\/Heat%20caches$/);
  await expect(page.getByRole("heading", { name: "Heat caches" })).toBeVisible();
});

test("disables, enables and deletes", async ({ page }) => {
  await page.goto("/applications/shop/pipelines");
  const row = page.getByRole("row", { name: /Warm caches/ });
  await row.getByRole("button", { name: "Actions for Warm caches" }).click();
  await page.getByRole("menuitem", { name: "Disable" }).click();
  await expect(row.getByText("Disabled")).toBeVisible();
  await expect(row.getByRole("button", { name: "Start Warm caches" })).toBeDisabled();
  await row.getByRole("button", { name: "Actions for Warm caches" }).click();
  await page.getByRole("menuitem", { name: "Enable" }).click();
  await expect(row.getByText("Disabled")).toBeHidden();
  await row.getByRole("button", { name: "Actions for Warm caches" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete pipeline" });
  await dialog.getByRole("button", { name: "Delete pipeline" }).click();
  await expect(row).toBeHidden();
});

test("starts a pipeline with parameters and goes to the execution", async ({ page }) => {
  await page.goto("/applications/shop/pipelines");
  await expect(page.getByRole("table", { name: "Pipelines" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Start Release to production" }).click();
  const dialog = page.getByRole("dialog", { name: "Start: Release to production" });
  await expect(dialog.getByLabel("Version")).toHaveValue("2.14.1");
  await dialog.getByLabel("Version").fill("");
  await dialog.getByRole("button", { name: "Start" }).click();
  await expect(dialog.getByText("Version is required.")).toBeVisible();
  await dialog.getByLabel("Version").fill("3.0.0");
  await dialog.getByRole("combobox", { name: "Region" }).click();
  await page.getByRole("option", { name: "us-east" }).click();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Start" }).click();
  await expect(page).toHaveURL(/\/applications\/shop\/executions\/[0-9A-Z]{26}$/);
  await expect(page.getByText("version=3.0.0, region=us-east")).toBeVisible();
});

test("shows what a start would change in clusters, and starts nothing", async ({ page }) => {
  await page.goto("/applications/shop/pipelines");
  await page.getByRole("button", { name: "Start Release to production" }).click();
  const dialog = page.getByRole("dialog", { name: "Start: Release to production" });
  await dialog.getByLabel("Version").fill("3.0.0");
  await dialog.getByRole("button", { name: "Show changes" }).click();
  const changes = dialog.getByRole("region", { name: "What would change" });
  await expect(changes.getByRole("alert").first()).toContainText("would fail at ingress web");
  const created = changes.getByText("settings-v002").first();
  await expect(created).toBeVisible();
  await expect(changes.getByText("Left as it is").first()).toBeVisible();
  await expect(changes.getByText("Orphaned").first()).toBeVisible();
  await expect(changes.getByText("spec.rules[0].host: Invalid value").first()).toBeVisible();
  const fields = changes.getByRole("table", { name: "Fields of deployment web" }).first();
  await expect(fields).toBeHidden();
  await changes.locator("summary", { hasText: "deployment" }).first().click();
  await expect(fields).toBeVisible();
  await expect(fields).toContainText("web:3.0.0");
  await changes.locator("summary", { hasText: "secret" }).first().click();
  await expect(
    changes.getByRole("table", { name: "Fields of secret token" }).first(),
  ).toContainText("The value is secret.");
  await expectAccessible(page);
  await dialog.getByLabel("Version").fill("3.0.1");
  await expect(changes).toBeHidden();
  await expect(page).toHaveURL(/\/applications\/shop\/pipelines$/);
});

test("lists the application's tasks", async ({ page }) => {
  await page.goto("/applications/shop/tasks");
  const table = page.getByRole("table", { name: "Tasks" });
  await expect(table.getByText("Save pipeline 'Release to production'")).toBeVisible();
  await expect(table.getByText(/is referenced by/)).toBeVisible();
  await table
    .getByRole("button", { name: "Steps of Save pipeline 'Release to production'" })
    .click();
  await expect(page.getByRole("table", { name: "Steps" }).getByText("Save pipeline")).toBeVisible();
  await expectAccessible(page);
});
