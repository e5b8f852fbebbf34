import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures";

/**
 * Against a stack with sign-in by name and password (docs/sign-in.md): two people, of whom the
 * first makes what the second may or may not see. Both are NAME:PASSWORD; DECK_ROLE is a role of
 * the first that the second does not hold, DECK_READ_ROLE one of the second's.
 */
const owner = person("DECK_OWNER");
const reader = person("DECK_READER");
const role = process.env["DECK_ROLE"] ?? "sre";
const readRole = process.env["DECK_READ_ROLE"] ?? "readers";

function person(variable: string): { name: string; password: string } {
  const text = process.env[variable] ?? "";
  const at = text.indexOf(":");
  if (at < 1) throw new Error(`Set ${variable} to NAME:PASSWORD of somebody who may sign in.`);
  return { name: text.slice(0, at), password: text.slice(at + 1) };
}

test("signs in, sees what may be seen, is told what is missing, and signs out", async ({
  page,
  request,
}) => {
  const open = `deck${Date.now().toString(36)}open`;
  const closed = `deck${Date.now().toString(36)}closed`;
  const headers = {
    Authorization: `Basic ${Buffer.from(`${owner.name}:${owner.password}`).toString("base64")}`,
  };
  const done = async (description: string, application: string, job: object) => {
    const answer = await request.post("/gate/tasks", {
      headers,
      data: { application, description, job: [job] },
    });
    expect(answer.ok(), await answer.text()).toBe(true);
    const { ref } = (await answer.json()) as { ref: string };
    await expect(async () => {
      const task = await request.get(`/gate${ref}`, { headers });
      expect((await task.json()) as object).toMatchObject({ status: "SUCCEEDED" });
    }).toPass({ timeout: 60_000 });
  };
  for (const [name, readers] of [
    [open, [role, readRole]],
    [closed, [role]],
  ] as const) {
    await done(`Create application: ${name}`, name, {
      type: "createApplication",
      application: {
        name,
        email: "deck@example.com",
        permissions: { READ: readers, WRITE: [role], EXECUTE: [role] },
      },
    });
  }
  const saved = await request.post("/gate/pipelines", {
    headers,
    data: {
      application: open,
      name: "Wait",
      stages: [{ refId: "1", type: "wait", name: "Wait", waitTime: 1 }],
    },
  });
  expect(saved.ok(), await saved.text()).toBe(true);

  // Nobody is signed in: the page asked for leads to the form, and the form back to it.
  await page.goto(`/applications/${open}/pipelines`);
  await expect(page).toHaveURL(/\/login\?/);
  await signIn(page, reader.name, "not the password");
  await expect(page.getByRole("alert")).toContainText("wrong");
  await signIn(page, reader.name, reader.password);
  await expect(page).toHaveURL(new RegExp(`/applications/${open}/pipelines$`));
  await expect(page.getByRole("button", { name: reader.name })).toBeVisible();

  await page.getByRole("button", { name: "Start Wait" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Start", exact: true }).click();
  await expect(dialog.getByRole("alert")).toContainText(
    `EXECUTE on the application '${open}' is not allowed to the user '${reader.name}'`,
  );
  await dialog.getByRole("button", { name: "Cancel" }).click();

  await page.getByRole("link", { name: "Applications", exact: true }).click();
  await expect(page.getByRole("link", { name: open, exact: true })).toBeVisible();
  await expect(page.getByRole("link", { name: closed, exact: true })).toHaveCount(0);
  await page.goto(`/applications/${closed}/executions`);
  await expect(page.getByRole("alert").first()).toContainText(
    `READ on the application '${closed}' is not allowed`,
  );

  await page.getByRole("button", { name: reader.name }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/auth\/loggedOut$/);
  expect((await page.request.get("/gate/applications")).status()).toBe(401);
  await page.goto("/applications");
  await expect(page).toHaveURL(/\/login\?/);

  for (const name of [open, closed]) {
    await done(`Delete application: ${name}`, name, {
      type: "deleteApplication",
      application: { name },
    });
  }
});

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}
