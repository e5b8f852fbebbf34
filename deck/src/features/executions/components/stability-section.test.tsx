import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { aStage, renderUi } from "@/test-utils";
import { StabilitySection } from "./stability-section";

const stability = [
  {
    manifestName: "deployment web",
    location: "shop",
    at: 1_700_000_000_000,
    counts: [
      { name: "desired", value: 3 },
      { name: "ready", value: 1 },
    ],
    conditions: [
      {
        type: "Progressing",
        status: "False",
        reason: "ProgressDeadlineExceeded",
        message: "timed out",
      },
    ],
    pods: [
      {
        reason: "CrashLoopBackOff",
        count: 2,
        pod: "web-1",
        container: "main",
        restarts: 4,
        exitCode: 137,
        exitReason: "OOMKilled",
        message: "back-off",
      },
    ],
    events: [
      {
        reason: "Unhealthy",
        object: "Pod web-1",
        count: 3,
        lastSeen: 1_700_000_000_000,
        message: "probe failed",
      },
    ],
    missing: ["Pods have 2 further reasons."],
  },
];

it("says why an object is not stable yet", () => {
  renderUi(<StabilitySection stage={aStage({ status: "RUNNING", context: { stability } })} />);
  expect(screen.getByText("Why it is not stable yet")).toBeVisible();
  const object = within(screen.getByRole("article", { name: "deployment web" }));
  expect(object.getByText("in shop")).toBeVisible();
  expect(object.getByText("desired").parentElement).toHaveTextContent("desired3");
  const rows = within(object.getByRole("table", { name: "Pods of deployment web" })).getAllByRole(
    "row",
  );
  expect(rows[1]).toHaveTextContent(
    "2CrashLoopBackOffweb-1, container main, 4 restarts, last exit code 137 (OOMKilled)back-off",
  );
  expect(object.getByRole("list", { name: "Conditions of deployment web" })).toHaveTextContent(
    "Progressing=False ProgressDeadlineExceeded: timed out",
  );
  expect(object.getByRole("list", { name: "Warnings about deployment web" })).toHaveTextContent(
    /Unhealthy Pod web-1, 3 times, last at .*probe failed/,
  );
  expect(object.getByText("Not shown: Pods have 2 further reasons.")).toBeVisible();
});

it("keeps the explanation of a stage that failed", () => {
  const failed = stability.map((entry) => ({ ...entry, failed: true }));
  renderUi(
    <StabilitySection
      stage={aStage({
        status: "TERMINAL",
        startTime: 1,
        endTime: 2,
        context: { stability: failed },
      })}
    />,
  );
  expect(screen.getByText("Why it did not become stable")).toBeVisible();
  expect(screen.getByText("failed")).toBeVisible();
});

it("shows nothing where there is nothing to explain, and takes any context", () => {
  const { container } = renderUi(
    <StabilitySection stage={aStage({ context: { stability: [] } })} />,
  );
  expect(container.querySelector("section")).toBeNull();
  renderUi(
    <StabilitySection
      stage={aStage({ context: { stability: [null, "x", { pods: "y", events: [7] }] } })}
    />,
  );
  expect(screen.getByRole("article", { name: "object" })).toBeVisible();
});
