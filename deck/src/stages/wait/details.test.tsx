import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { gate } from "@/api/gate";
import { anExecution, aStage, renderUi } from "@/test-utils";
import { WaitDetails } from "./details";

function waiting(context: Record<string, unknown>) {
  return aStage({ type: "wait", status: "RUNNING", startTime: Date.now(), context });
}

it("skips at once when the pipeline has nothing to say about it", async () => {
  const user = userEvent.setup();
  const patch = vi.spyOn(gate, "patchStage").mockResolvedValue(undefined);
  renderUi(<WaitDetails execution={anExecution()} stage={waiting({ waitTime: 120 })} />);
  expect(screen.getByText("2 min")).toBeVisible();
  expect(screen.getByRole("progressbar", { name: "Time waited" })).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Skip remaining wait" }));
  expect(patch).toHaveBeenCalledWith("01JEXECUTION", "stage-1", { skipRemainingWait: true });
});

it("asks first when the pipeline has a warning", async () => {
  const user = userEvent.setup();
  const patch = vi.spyOn(gate, "patchStage").mockResolvedValue(undefined);
  renderUi(
    <WaitDetails
      execution={anExecution()}
      stage={waiting({ waitTime: 120, skipWaitText: "Too early." })}
    />,
  );
  await user.click(screen.getByRole("button", { name: "Skip remaining wait" }));
  expect(await screen.findByText("Too early.")).toBeVisible();
  expect(patch).not.toHaveBeenCalled();
  await user.click(screen.getByRole("button", { name: "Skip" }));
  await waitFor(() => expect(patch).toHaveBeenCalled());
});

it("has nothing to skip once it has ended", () => {
  renderUi(
    <WaitDetails
      execution={anExecution()}
      stage={aStage({ type: "wait", status: "SUCCEEDED", context: { waitTime: 5 } })}
    />,
  );
  expect(screen.queryByRole("button")).not.toBeInTheDocument();
});
