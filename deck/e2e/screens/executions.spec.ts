import { expect, expectAccessible, test, useScenario } from "../fixtures";

const RELEASE = "Executions of Release to production";

test("groups executions by pipeline and filters by status, pipeline and number", async ({
  page,
}) => {
  await page.goto("/applications/shop");
  await expect(page).toHaveURL(/\/applications\/shop\/executions$/);
  const release = page.getByRole("list", { name: RELEASE });
  await expect(release.getByRole("article")).toHaveCount(4);
  await expect(release.getByText("Awaiting judgment: Promote to production?")).toBeVisible();
  await expect(release.getByText("Failed at Smoke tests")).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("combobox", { name: "Filter by status" }).click();
  await page.getByRole("option", { name: "Failed", exact: true }).click();
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/status=TERMINAL/);
  await expect(release.getByRole("article")).toHaveCount(1);

  await page.reload();
  await expect(release.getByRole("article")).toHaveCount(1);
  await page.goto("/applications/shop/executions?pipeline=Warm%20caches&status=CANCELED");
  await expect(page.getByRole("heading", { name: "No execution matches" })).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(release.getByRole("article")).toHaveCount(4);
});

test("shows an execution that starts and moves on, without a reload", async ({ page }) => {
  await page.goto("/applications/shop/executions");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const warm = page.getByRole("list", { name: "Executions of Warm caches" });
  await expect(warm.getByRole("article")).toHaveCount(1);
  // Started from elsewhere: this page learns of it by its stream alone.
  await page.evaluate(() =>
    fetch("/gate/pipelines/v2/shop/Warm%20caches", {
      method: "POST",
      body: JSON.stringify({ type: "manual", parameters: {} }),
    }),
  );
  await expect(warm.getByRole("article")).toHaveCount(2);
  const newest = warm.getByRole("article").first();
  await expect(newest.getByText("Running", { exact: true })).toBeVisible();
  await expect(newest.getByRole("link", { name: "Settle: Succeeded" })).toBeVisible();
  await expect(newest.getByText("Succeeded", { exact: true })).toBeVisible();
});

test("judges by keyboard and follows to the end", async ({ page }) => {
  await page.goto("/applications/shop/executions");
  await page.getByRole("link", { name: "Promote to production?: Awaiting judgment" }).click();
  const details = page.getByRole("region", { name: "Stage Promote to production?" });
  await expect(details.getByText("This pipeline waits for your judgment")).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("j");
  await page.keyboard.press("Tab");
  await expect(details.getByRole("combobox", { name: "Judgment input" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(details.getByRole("button", { name: "Continue" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(details.getByText("Continued")).toBeVisible();
  await expect(details.getByText("anonymous")).toBeVisible();
  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await expect(
    graph.getByRole("button", { name: "Deploy production, Deploy manifest, Running" }),
  ).toBeVisible();
  await graph.getByRole("button", { name: /^Warm caches/ }).click();
  await expect(page.getByRole("link", { name: "Warm caches", exact: true })).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 }).locator("..")).toContainText("Succeeded", {
    timeout: 40_000,
  });
});

test("goes through the graph by arrows, and keeps the stage in the address", async ({ page }) => {
  await page.goto("/applications/shop/executions");
  await page.getByRole("link", { name: "Smoke tests: Failed" }).click();
  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await graph.getByRole("button", { name: /^Smoke tests/ }).focus();
  await expect(page.getByRole("alert")).toContainText("BackoffLimitExceeded");
  await page.keyboard.press("ArrowLeft");
  await expect(graph.getByRole("button", { name: /^Deploy canary/ })).toBeFocused();
  await expect(page.getByRole("region", { name: "Stage Deploy canary" })).toBeVisible();
  await expect(page).toHaveURL(/stage=1/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("region", { name: "Stage Soak" })).toBeVisible();
  await expectAccessible(page);
});

test("shows retries while the cluster is away, and their end", async ({ page }) => {
  await page.goto("/applications/shop/executions");
  await page.getByRole("link", { name: "Deploy staging: Running" }).click();
  await expect(
    page.getByText(/^Retrying: attempt \d failed, (next in \d s|trying again now)$/),
  ).toBeVisible();
  await expect(page.getByText(/connection refused/).first()).toBeVisible();
  await expect(page.getByText("Failed attempts (5)")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText(/^Retrying:/)).toBeHidden({ timeout: 30_000 });
});

test("skips a wait after its warning", async ({ page }) => {
  await page.goto("/applications/shop/pipelines");
  await page.getByRole("button", { name: "Start Release to production" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await graph.getByRole("button", { name: /^Soak, Wait, Running/ }).click({ timeout: 30_000 });
  await page.getByRole("button", { name: "Skip remaining wait" }).click();
  const dialog = page.getByRole("dialog", { name: "Skip remaining wait" });
  await expect(dialog.getByText("Skip anyway?")).toBeVisible();
  await dialog.getByRole("button", { name: "Skip" }).click();
  await expect(graph.getByRole("button", { name: /^Soak, Wait, Succeeded/ })).toBeVisible();
});

test("cancels with a reason", async ({ page }) => {
  await page.goto("/applications/shop/executions");
  await page.getByRole("link", { name: "Promote to production?: Awaiting judgment" }).click();
  await page.getByRole("button", { name: "Cancel…" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel execution" });
  await dialog.getByLabel("Reason").fill("wrong day");
  await dialog.getByRole("button", { name: "Cancel execution" }).click();
  await expect(page.getByText("Canceled by anonymous: wrong day")).toBeVisible();
  await expect(page.getByRole("button", { name: "Cancel…" })).toBeHidden();
});

test("runs again with the same parameters", async ({ page }) => {
  await page.goto("/applications/shop/executions");
  await page.getByRole("link", { name: "Soak: Canceled" }).click();
  await page.getByRole("button", { name: "Run again…" }).click();
  const dialog = page.getByRole("dialog", { name: "Run again: Release to production" });
  await expect(dialog.getByLabel("Version")).toHaveValue("2.14.0");
  await dialog.getByRole("button", { name: "Run again" }).click();
  await expect(page.getByText("version=2.14.0, region=eu-west")).toBeVisible();
  await expect(page.getByRole("link", { name: "Open in Temporal UI" })).toHaveAttribute(
    "href",
    /^http:\/\/127\.0\.0\.1:8233\/namespaces\/default\/workflows\/[0-9A-Z]{26}$/,
  );
});

test("goes on by asking when the stream is down, and says so", async ({ page }) => {
  await useScenario(page, "stream-down");
  await page.goto("/applications/shop/executions");
  await expect(page.getByText("Reconnecting…")).toBeVisible();
  await page.getByRole("link", { name: "Promote to production?: Awaiting judgment" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await expect(graph.getByRole("button", { name: /^Remove canary, .*, Succeeded/ })).toBeVisible({
    timeout: 45_000,
  });
});

test("shows loading, empty, forbidden and failed states", async ({ page }) => {
  await useScenario(page, "slow");
  await page.goto("/applications/shop/executions");
  await expect(page.getByRole("status", { name: "Loading" })).toBeVisible();
  await expect(page.getByRole("list", { name: RELEASE })).toBeVisible();
  await page.goto("/applications/fresh/executions");
  await expect(page.getByRole("heading", { name: "No pipelines yet" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Create pipeline" })).toBeVisible();
  await page.goto("/applications/restricted/executions");
  await expect(page.getByRole("alert")).toContainText("No permission");
  await expect(page.getByRole("alert")).toContainText("Access is denied");
  await page.goto("/applications/broken/executions");
  await expect(page.getByRole("alert")).toContainText("The read model is not available");
});
