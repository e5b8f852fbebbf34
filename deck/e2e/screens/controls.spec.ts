import type { Page } from "@playwright/test";
import { expect, expectAccessible, test } from "../fixtures";

const SETTLE = "Executions of Nightly settlement";

/** Opens the nightly settlement that runs, waits or failed. */
async function open(page: Page, note: string) {
  await page.goto("/applications/payments/executions");
  const row = page
    .getByRole("list", { name: SETTLE })
    .getByRole("article")
    .filter({ hasText: note });
  await row.getByRole("link", { name: /, details$/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Nightly settlement" })).toBeVisible();
}

test("pauses and resumes, on the page and in the list", async ({ page }) => {
  await open(page, "Awaiting judgment");
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Paused by anonymous")).toBeVisible();
  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await expect(
    graph.getByRole("button", { name: "Books balanced?, Manual judgment, Paused" }),
  ).toBeVisible();
  await expectAccessible(page);
  const id = /\/executions\/(\w+)/.exec(page.url())?.[1] ?? "";
  await page.getByRole("link", { name: "← All executions" }).click();
  const row = page.getByRole("article", { name: `Execution ${id}` });
  await expect(row.getByText("Paused", { exact: true })).toBeVisible();
  await expect(row.getByText("Paused by anonymous at")).toBeVisible();
  await row.getByRole("button", { name: /^Actions for execution/ }).click();
  await page.getByRole("menuitem", { name: "Resume" }).click();
  await expect(row.getByText("Awaiting judgment: Books balanced?")).toBeVisible();
});

test("says what waits for another run, and deletes it", async ({ page }) => {
  await open(page, "Waits for another run of this pipeline");
  await expect(page.getByText("Waiting", { exact: true })).toBeVisible();
  await expect(page.getByText(/in the order in which they were started/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Pause" })).toBeHidden();
  await expectAccessible(page);
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Delete execution…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete execution" });
  await expect(dialog.getByText(/canceled first/)).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Delete execution" }).click();
  await expect(page).toHaveURL(/\/applications\/payments\/executions$/);
  await expect(page.getByRole("list", { name: SETTLE }).getByRole("article")).toHaveCount(2);
});

test("reads earlier attempts and parts, and restarts what failed", async ({ page }) => {
  await open(page, "Failed at Settle invoices");
  const details = page.getByRole("region", { name: "Stage Settle invoices" });
  await expect(details.getByText("attempt 2")).toBeVisible();
  await expect(details.getByRole("alert")).toContainText("the ledger is read-only");
  await details.getByRole("button", { name: /^Attempt 1/ }).click();
  await expect(details.getByText(/the ledger is locked/)).toBeVisible();
  await expect(details.getByRole("table", { name: "Tasks of attempt 1" })).toBeVisible();
  await expectAccessible(page);

  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await expect(graph.getByRole("button")).toHaveCount(5 + 3); // the stages, and the zoom
  await graph.getByRole("button", { name: /^Deploy settler/ }).click();
  const first = page.getByRole("region", { name: "Stage Deploy settler" });
  const inner = first.getByRole("list", { name: "Parts of Retire old settlers" });
  await inner.getByRole("button", { name: "Delete settler v010" }).click();
  const part = page.getByRole("region", { name: "Stage Delete settler v010" });
  await expect(part.getByRole("button", { name: "Restart Deploy settler…" })).toBeVisible();
  await expect(graph.getByRole("button", { name: /^Deploy settler/ })).toHaveAttribute(
    "aria-pressed",
    "true",
  );
  await expectAccessible(page);

  await graph.getByRole("button", { name: /^Settle invoices/ }).click();
  await details.getByRole("button", { name: "Restart from here…" }).click();
  const dialog = page.getByRole("dialog", { name: "Restart from Settle invoices" });
  await expect(
    dialog.getByRole("list", { name: "Stages that run again" }).getByRole("listitem"),
  ).toHaveText([/^Settle invoices/]);
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Restart" }).click();
  await expect(dialog).toBeHidden();
  await expect(details.getByText("attempt 3")).toBeVisible();
  await expect(
    graph.getByRole("button", { name: "Books balanced?, Manual judgment, Awaiting judgment" }),
  ).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
});

test("skips a stage that may be skipped", async ({ page }) => {
  await open(page, "Awaiting judgment");
  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await graph.getByRole("button", { name: /^Warm caches, Pipeline, Running/ }).click();
  await page.getByRole("button", { name: "Skip stage…" }).click();
  const dialog = page.getByRole("dialog", { name: "Skip Warm caches" });
  await dialog.getByRole("button", { name: "Skip stage" }).click();
  await expect(graph.getByRole("button", { name: "Warm caches, Pipeline, Skipped" })).toBeVisible();
});
