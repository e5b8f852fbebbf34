import type { Page } from "@playwright/test";
import { expect, pasteJson, test } from "../fixtures";

/** What the cluster is to hold in the end. */
const account = process.env["DECK_ACCOUNT"] ?? "local";
const namespace = process.env["DECK_NAMESPACE"] ?? "default";

test("creates an application, pastes a pipeline, judges it, and sees it succeed", async ({
  page,
}) => {
  // One visit; everything after it must appear by itself.
  await page.goto("/");
  await page.evaluate(() => {
    (window as unknown as { visit: number }).visit = 1;
  });
  const name = `deck${Date.now().toString(36)}`;

  await page.getByRole("button", { name: "Create application" }).first().click();
  const create = page.getByRole("dialog", { name: "Create application" });
  await create.getByLabel("Name").fill(name);
  await create.getByLabel("Owner email").fill("deck@example.com");
  await create.getByRole("button", { name: "Create" }).click();
  await expect(page).toHaveURL(new RegExp(`/applications/${name}/pipelines$`));

  await page.getByRole("link", { name: "Create pipeline" }).first().click();
  await pasteJson(page, {
    application: "elsewhere",
    name: "Deploy",
    custom: { kept: true },
    stages: [
      { refId: "1", type: "wait", name: "Wait", waitTime: 1, requisiteStageRefIds: [] },
      {
        refId: "2",
        type: "manualJudgment",
        name: "Go on?",
        instructions: "Deploy the greeting.",
        judgmentInputs: [{ value: "yes" }],
        requisiteStageRefIds: ["1"],
      },
      {
        refId: "3",
        type: "deployManifest",
        name: "Deploy greeting",
        account,
        cloudProvider: "kubernetes",
        source: "text",
        moniker: { app: name },
        requisiteStageRefIds: ["2"],
        manifests: [
          {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name: `${name}-greeting`, namespace },
            data: { greeting: "hello" },
          },
        ],
      },
    ],
  });
  await page.getByRole("button", { name: "Create pipeline" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Deploy" })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Pipeline JSON" })).toContainText('"kept": true');

  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  await expect(page).toHaveURL(new RegExp(`/applications/${name}/executions/[0-9A-Z]{26}$`));

  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await expect(graph.getByRole("button", { name: "Wait, Wait, Succeeded" })).toBeVisible();
  await expect(page.getByText("Deploy the greeting.")).toBeVisible();
  await page.getByRole("combobox", { name: "Judgment input" }).click();
  await page.getByRole("option", { name: "yes" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(
    graph.getByRole("button", { name: "Go on?, Manual judgment, Succeeded" }),
  ).toBeVisible();
  await expect(
    graph.getByRole("button", { name: "Deploy greeting, Deploy manifest, Succeeded" }),
  ).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 }).locator("..")).toContainText("Succeeded");

  await graph.getByRole("button", { name: /^Deploy greeting/ }).click();
  const objects = page.getByRole("table", { name: "Deployed objects" });
  await expect(objects.getByText(`${name}-greeting`)).toBeVisible();
  await graph.getByRole("button", { name: /^Go on/ }).click();
  await expect(page.getByText("Continued")).toBeVisible();

  await page.getByRole("link", { name: "← All executions" }).click();
  const executions = page.getByRole("list", { name: "Executions of Deploy" });
  await expect(executions.getByText("Succeeded", { exact: true })).toBeVisible();
  expect(await page.evaluate(() => (window as unknown as { visit?: number }).visit)).toBe(1);

  await deleteApplication(page, name);
});

test("cancels a waiting execution and shows why", async ({ page }) => {
  await page.goto("/");
  const name = `deck${Date.now().toString(36)}c`;
  await page.goto("/applications?create=1");
  const create = page.getByRole("dialog", { name: "Create application" });
  await create.getByLabel("Name").fill(name);
  await create.getByLabel("Owner email").fill("deck@example.com");
  await create.getByRole("button", { name: "Create" }).click();
  await page.getByRole("link", { name: "Create pipeline" }).first().click();
  await pasteJson(page, {
    name: "Long",
    stages: [{ refId: "1", type: "wait", name: "Long wait", waitTime: 600 }],
  });
  await page.getByRole("button", { name: "Create pipeline" }).click();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  const graph = page.getByRole("group", { name: "Stages of this execution" });
  await expect(graph.getByRole("button", { name: "Long wait, Wait, Running" })).toBeVisible();
  await page.getByRole("button", { name: "Cancel…" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel execution" });
  await dialog.getByLabel("Reason").fill("only a test");
  await dialog.getByRole("button", { name: "Cancel execution" }).click();
  await expect(page.getByText(/^Canceled by .*: only a test$/)).toBeVisible();
  await expect(graph.getByRole("button", { name: "Long wait, Wait, Canceled" })).toBeVisible();
  await deleteApplication(page, name);
});

/** Leaves nothing behind in the list of applications. */
async function deleteApplication(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: "Config", exact: true }).click();
  await page.getByRole("button", { name: "Delete application…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete application" });
  await dialog.getByLabel(`Type ${name} to confirm`).fill(name);
  await dialog.getByRole("button", { name: "Delete application" }).click();
  await expect(page).toHaveURL(/\/applications$/);
  await expect(page.getByRole("link", { name, exact: true })).toBeHidden();
}
