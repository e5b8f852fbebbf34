import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { Plan } from "@/api/types";
import { renderUi } from "@/test-utils";
import { PlanView } from "./plan-view";

const plan: Plan = {
  problems: [
    { severity: "FATAL", refId: "1", message: "It would fail at job once." },
    { severity: "WARN", message: "Something is odd." },
  ],
  unknown: [{ refId: "1", path: "a", expression: "${ b }", why: "c" }],
  stages: [
    { refId: "0", type: "wait", name: "Wait" },
    {
      refId: "1",
      type: "deployManifest",
      name: "Deploy",
      manifests: {
        account: "prod",
        counts: { changed: 1, left: 1, refused: 1 },
        cut: 4,
        objects: [
          {
            kind: "deployment",
            namespace: "shop",
            name: "web",
            action: "changed",
            changes: [
              { path: "spec.replicas", before: "1", after: "2" },
              { path: "spec.paused", before: "true" },
              { path: "data.token", hidden: true },
              { path: "data.empty", after: "" },
            ],
            moreChanges: 3,
          },
          { kind: "service", name: "web", action: "left" },
          { kind: "job", name: "once", action: "refused", message: "Immutable.", details: ["why"] },
          { kind: "odd", name: "new", action: "surprised" as "left" },
        ],
      },
    },
    {
      refId: "2",
      type: "deployManifest",
      name: "Later",
      manifests: { account: "far", counts: {}, objects: [], message: "Nobody serves it." },
    },
  ],
};

it("shows each object with a word for what would happen, and its fields on demand", async () => {
  const user = userEvent.setup();
  renderUi(<PlanView plan={plan} />);
  const region = await screen.findByRole("region", { name: "What would change" });
  expect(screen.getByRole("alert")).toHaveTextContent("It would fail at job once.");
  expect(region).toHaveTextContent("Something is odd.");
  expect(region).toHaveTextContent("Account prod: 1 refused, 1 changed, 1 left as it is");
  expect(region).toHaveTextContent("4 more objects are not shown.");
  expect(region).toHaveTextContent("Nobody serves it.");
  expect(region).toHaveTextContent("surprised");
  expect(within(region).queryByText("Wait")).toBeNull();
  expect(screen.getByText("Immutable.")).toBeVisible();
  const summary = screen.getByText("Changed").closest("summary") as HTMLElement;
  const table = screen.getByRole("table", { name: "Fields of deployment web", hidden: true });
  expect(table).not.toBeVisible();
  await user.click(summary);
  expect(table).toBeVisible();
  expect(screen.getByRole("row", { name: "spec.replicas 1 2" })).toBeVisible();
  expect(screen.getByRole("row", { name: "spec.paused true not there" })).toBeVisible();
  expect(
    screen.getByRole("row", { name: "data.token Changes. The value is secret." }),
  ).toBeVisible();
  expect(screen.getByRole("row", { name: "data.empty not there (empty)" })).toBeVisible();
  expect(screen.getByText("3 more fields are not shown.")).toBeVisible();
});

it("says so when nothing would change in a cluster", async () => {
  renderUi(<PlanView plan={{ stages: [], problems: [], unknown: [] }} />);
  expect(await screen.findByText("No stage of this pipeline changes a cluster.")).toBeVisible();
});
