import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
import type { Execution } from "@/api/types";
import { anExecution, renderUi } from "@/test-utils";
import { ExecutionHeader } from "./execution-header";

function show(changes: Partial<Execution>, onDelete = vi.fn()) {
  renderUi(
    <ExecutionHeader
      execution={anExecution(changes)}
      live={undefined}
      onCancel={vi.fn()}
      onDelete={onDelete}
      onRunAgain={undefined}
      runAgainFault="none"
    />,
  );
  return onDelete;
}

it("pauses what runs, and says why it could not", async () => {
  const user = userEvent.setup();
  const pause = vi
    .spyOn(gate, "pauseExecution")
    .mockResolvedValueOnce(undefined)
    .mockRejectedValueOnce(new ApiError(409, "It has just ended."));
  show({ status: "RUNNING" });
  await user.click(screen.getByRole("button", { name: "Pause" }));
  await waitFor(() => expect(pause).toHaveBeenCalledWith("01JEXECUTION"));
  await user.click(screen.getByRole("button", { name: "Pause" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("It has just ended.");
});

it("tells who paused, and resumes", async () => {
  const user = userEvent.setup();
  const resume = vi.spyOn(gate, "resumeExecution").mockResolvedValue(undefined);
  show({
    status: "PAUSED",
    paused: { pausedBy: "mira", pauseTime: Date.now() - 60_000, paused: true },
  });
  expect(screen.getByText("Paused by mira")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Resume" }));
  await waitFor(() => expect(resume).toHaveBeenCalledWith("01JEXECUTION"));
});

it("says what one that has not started waits for", () => {
  show({ status: "NOT_STARTED", limitConcurrent: true, keepWaitingPipelines: true });
  expect(screen.getByText("Waiting")).toBeVisible();
  expect(screen.getByText("Waits for another run of this pipeline.")).toBeVisible();
  expect(screen.getByText(/in the order in which they were started/)).toBeVisible();
  expect(screen.queryByRole("button", { name: "Pause" })).not.toBeInTheDocument();
});

it("deletes only what has ended or waits", async () => {
  const user = userEvent.setup();
  const onDelete = show({ status: "SUCCEEDED" });
  expect(screen.queryByRole("button", { name: "Pause" })).not.toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "More actions" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete execution…" }));
  expect(onDelete).toHaveBeenCalled();
});

it("does not delete what runs", async () => {
  const user = userEvent.setup();
  show({ status: "RUNNING" });
  await user.click(screen.getByRole("button", { name: "More actions" }));
  expect(await screen.findByRole("menuitem", { name: "Delete execution…" })).toBeDisabled();
});
