import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { Stage } from "@/api/types";
import { anExecution, aStage, aTask, renderUi } from "@/test-utils";
import { StageDetails } from "./stage-details";

function show(stage: Stage, others: Stage[] = [], onSelect = vi.fn()) {
  renderUi(
    <StageDetails
      execution={anExecution({ stages: [stage, ...others] })}
      stage={stage}
      onSelect={onSelect}
    />,
  );
  return onSelect;
}

it("lists the tasks with their statuses and durations", () => {
  show(
    aStage({
      status: "RUNNING",
      startTime: 1_000,
      tasks: [
        aTask({ id: "1", name: "deployManifest", startTime: 1_000, endTime: 1_420 }),
        aTask({ id: "2", name: "monitorDeploy", status: "NOT_STARTED" }),
      ],
    }),
  );
  const rows = within(screen.getByRole("table", { name: "Tasks" })).getAllByRole("row");
  expect(rows[1]).toHaveTextContent("Deploy manifestSucceeded420 ms");
  expect(rows[2]).toHaveTextContent("Monitor deployNot started–");
});

it("says why it failed, in the words of the cluster", () => {
  show(
    aStage({
      status: "TERMINAL",
      context: { exception: { details: { errors: ['Deployment.apps "shop" is invalid'] } } },
    }),
  );
  const alert = screen.getByRole("alert");
  expect(alert).toHaveTextContent("Why it failed");
  expect(alert).toHaveTextContent('Deployment.apps "shop" is invalid');
});

it("says which attempt failed, why, and when the next one comes", () => {
  const attempt = (number: number) => ({
    task: "deployManifest",
    attempt: number,
    error: "connection refused",
    time: Date.now() - 1_000,
    nextRetryTime: Date.now() + 8_500,
  });
  show(aStage({ status: "RUNNING", context: { attempts: [attempt(3), attempt(4)] } }));
  expect(screen.getByText(/^Retrying: attempt 4 failed, next in \d s$/)).toBeVisible();
  const table = screen.getByRole("table", { name: "Failed attempts" });
  const rows = within(table).getAllByRole("row");
  expect(rows[1]).toHaveTextContent("connection refused");
  expect(rows[2]).toHaveTextContent("the same error");
});

it("keeps the failed attempts of a stage that made it", () => {
  show(
    aStage({
      status: "SUCCEEDED",
      context: { attempts: [{ task: "deployManifest", attempt: 1, error: "refused" }] },
    }),
  );
  expect(screen.queryByText(/^Retrying/)).not.toBeInTheDocument();
  expect(screen.getByText("Failed attempts (1)")).toBeVisible();
});

it("says what it waits for", () => {
  show(aStage({ status: "RUNNING", context: { messages: ["2 of 3 replicas are ready"] } }));
  expect(screen.getByText("2 of 3 replicas are ready")).toBeVisible();
});

it("shows what was deployed, each with its manifest", async () => {
  const user = userEvent.setup();
  show(
    aStage({
      status: "SUCCEEDED",
      context: { account: "local" },
      outputs: {
        "outputs.manifests": [
          {
            kind: "Deployment",
            metadata: { name: "shop", namespace: "prod" },
            spec: { replicas: 3 },
          },
        ],
      },
    }),
  );
  const table = screen.getByRole("table", { name: "Deployed objects" });
  expect(within(table).getByText("shop")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Show manifest of Deployment shop" }));
  expect(within(table).getByText("replicas:")).toBeVisible();
});

it("opens context and outputs; nothing is nothing to open", async () => {
  const user = userEvent.setup();
  show(aStage({ type: "evaluateVariables", context: { custom: "value" } }));
  expect(screen.getByText(/has no view of its own/)).toBeVisible();
  expect(screen.getByRole("button", { name: "Outputs empty" })).toBeDisabled();
  await user.click(screen.getByRole("button", { name: "Context 1 key" }));
  // The panel unfolds.
  await waitFor(() => expect(screen.getByText("custom:")).toBeVisible());
  expect(screen.getByRole("button", { name: "Copy context as JSON" })).toBeVisible();
});

it("leads to the stages it consists of, and back", async () => {
  const user = userEvent.setup();
  const parent = aStage({ refId: "1", name: "Deploy" });
  const child = aStage({
    refId: "1>1",
    name: "Disable old",
    parentStageId: parent.id,
    syntheticStageOwner: "STAGE_AFTER",
  });
  const onSelect = show(parent, [child]);
  await user.click(screen.getByRole("button", { name: "Disable old" }));
  expect(onSelect).toHaveBeenCalledWith("1>1");
});

it("leads to the child execution of a pipeline stage", () => {
  show(
    aStage({
      type: "pipeline",
      status: "RUNNING",
      context: { application: "other", executionId: "01JCHILD", executionName: "Child" },
    }),
  );
  expect(screen.getByRole("link", { name: "Child" })).toHaveAttribute(
    "href",
    "/applications/other/executions/01JCHILD",
  );
});
