import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
import { keys } from "@/api/queries";
import { anExecution, aStage, renderUi } from "@/test-utils";
import { ManualJudgmentDetails } from "./details";

const open = aStage({
  type: "manualJudgment",
  status: "RUNNING",
  context: {
    instructions: "<i>Look</i> first.",
    judgmentInputs: [{ value: "all" }, { value: "one" }],
  },
});
const execution = anExecution({ stages: [open] });

it("continues with the chosen input, by keyboard alone", async () => {
  const user = userEvent.setup();
  const judged = { ...execution, stages: [{ ...open, status: "SUCCEEDED" as const }] };
  const patch = vi.spyOn(gate, "patchStage").mockResolvedValue(judged);
  const { client } = renderUi(<ManualJudgmentDetails execution={execution} stage={open} />);
  expect(screen.getByText("<i>Look</i> first.")).toBeVisible();
  screen.getByRole("combobox", { name: "Judgment input" }).focus();
  await user.keyboard("{ArrowDown}{ArrowDown}{Enter}");
  screen.getByRole("button", { name: "Continue" }).focus();
  await user.keyboard("{Enter}");
  await waitFor(() => expect(patch).toHaveBeenCalled());
  expect(patch).toHaveBeenCalledWith("01JEXECUTION", "stage-1", {
    judgmentStatus: "continue",
    judgmentInput: "one",
  });
  await waitFor(() => expect(client.getQueryData(keys.execution("01JEXECUTION"))).toEqual(judged));
});

it("stops without an input", async () => {
  const user = userEvent.setup();
  const patch = vi.spyOn(gate, "patchStage").mockResolvedValue(undefined);
  renderUi(<ManualJudgmentDetails execution={execution} stage={open} />);
  await user.click(screen.getByRole("button", { name: "Stop" }));
  expect(patch).toHaveBeenCalledWith("01JEXECUTION", "stage-1", { judgmentStatus: "stop" });
});

it("shows the server's refusal beside the buttons", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "patchStage").mockRejectedValue(new ApiError(400, "The stage is not waiting."));
  renderUi(<ManualJudgmentDetails execution={execution} stage={open} />);
  await user.click(screen.getByRole("button", { name: "Continue" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The stage is not waiting.");
  expect(screen.getByRole("button", { name: "Continue" })).toBeEnabled();
});

it("tells afterwards who has judged, and how", () => {
  const judged = aStage({
    type: "manualJudgment",
    status: "TERMINAL",
    context: { judgmentStatus: "stop", judgmentInput: "all" },
    lastModified: { user: "mira", lastModifiedTime: Date.now() },
  });
  renderUi(<ManualJudgmentDetails execution={execution} stage={judged} />);
  expect(screen.queryByRole("button")).not.toBeInTheDocument();
  expect(screen.getByText("Stopped")).toBeVisible();
  expect(screen.getByText("mira")).toBeVisible();
  expect(screen.getByText("all")).toBeVisible();
});
