import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
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

it("shows parts of parts under the part they belong to", () => {
  const top = aStage({ refId: "1" });
  const part = (refId: string, name: string, parent: string) =>
    aStage({ refId, name, parentStageId: parent, syntheticStageOwner: "STAGE_BEFORE" });
  const outer = part("1<1", "Retire", top.id);
  show(top, [outer, part("1<1<1", "Disable", outer.id)]);
  const parts = screen.getByRole("list", { name: "Parts of this stage" });
  const inner = within(parts).getByRole("list", { name: "Parts of Retire" });
  expect(within(inner).getByRole("button", { name: "Disable" })).toBeVisible();
  expect(within(inner).queryByRole("button", { name: "Retire" })).not.toBeInTheDocument();
});

it("keeps what earlier attempts did, the latest first", async () => {
  const user = userEvent.setup();
  const earlier = (attempt: number, error: string) => ({
    attempt,
    status: "TERMINAL" as const,
    startTime: 1_000,
    endTime: 4_200,
    exception: { details: { errors: [error] } },
    tasks: [aTask({ name: "runJob", status: "TERMINAL", startTime: 1_000, endTime: 4_000 })],
    restartedBy: "mira",
  });
  show(
    aStage({
      status: "RUNNING",
      attempt: 2,
      previousAttempts: [earlier(0, "disk full"), earlier(1, "out of memory")],
    }),
  );
  expect(screen.getByText("attempt 3")).toBeVisible();
  const buttons = screen.getAllByRole("button", { name: /^Attempt \d/ });
  expect(buttons.map((button) => button.textContent)).toEqual([
    expect.stringMatching(/^Attempt 2Failed.*3 s, restarted by mira$/),
    expect.stringMatching(/^Attempt 1Failed/),
  ]);
  expect(screen.queryByText("disk full")).not.toBeVisible();
  if (buttons[1]) await user.click(buttons[1]);
  await waitFor(() => expect(screen.getByText("disk full")).toBeVisible());
  const tasks = screen.getByRole("table", { name: "Tasks of attempt 1" });
  expect(within(tasks).getByText("Run job")).toBeVisible();
});

it("restarts after saying what runs again", async () => {
  const user = userEvent.setup();
  const stage = aStage({ refId: "1", name: "Deploy", status: "SUCCEEDED" });
  const behind = aStage({
    refId: "2",
    name: "Test",
    status: "TERMINAL",
    requisiteStageRefIds: ["1"],
  });
  const restart = vi.spyOn(gate, "restartStage").mockResolvedValue(undefined);
  show(stage, [behind]);
  await user.click(screen.getByRole("button", { name: "Restart from here…" }));
  const dialog = await screen.findByRole("dialog", { name: "Restart from Deploy" });
  const list = within(dialog).getByRole("list", { name: "Stages that run again" });
  expect(
    within(list)
      .getAllByRole("listitem")
      .map((item) => item.textContent),
  ).toEqual(["DeployDeploy manifest · Succeeded", "TestDeploy manifest · Failed"]);
  await user.click(within(dialog).getByRole("button", { name: "Restart" }));
  expect(restart).toHaveBeenCalledWith("01JEXECUTION", "stage-1");
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
});

it("says why a restart was refused", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "restartStage").mockRejectedValue(new ApiError(409, "It is still archived."));
  show(aStage({ status: "SUCCEEDED" }));
  await user.click(screen.getByRole("button", { name: "Restart from here…" }));
  await user.click(await screen.findByRole("button", { name: "Restart" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("It is still archived.");
});

it("disables a restart that cannot be, with the reason", () => {
  const before = aStage({ refId: "0", name: "Bake", status: "TERMINAL" });
  show(aStage({ refId: "1", status: "SUCCEEDED", requisiteStageRefIds: ["0"] }), [before]);
  const button = screen.getByRole("button", { name: "Restart from here…" });
  expect(button).toBeDisabled();
  expect(button).toHaveAttribute("title", expect.stringContaining("Bake comes before it"));
});

it("skips a stage that may be skipped, after asking", async () => {
  const user = userEvent.setup();
  const patch = vi.spyOn(gate, "patchStage").mockResolvedValue(undefined);
  show(
    aStage({ type: "pipeline", name: "Child", status: "RUNNING", context: { skippable: true } }),
  );
  await user.click(screen.getByRole("button", { name: "Skip stage…" }));
  const dialog = await screen.findByRole("dialog", { name: "Skip Child" });
  await user.click(within(dialog).getByRole("button", { name: "Skip stage" }));
  expect(patch).toHaveBeenCalledWith("01JEXECUTION", "stage-1", { manualSkip: true });
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
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
