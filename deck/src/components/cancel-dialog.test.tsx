import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
import { anExecution, renderUi } from "@/test-utils";
import { CancelDialog } from "./cancel-dialog";

it("cancels with the reason, and closes", async () => {
  const user = userEvent.setup();
  const cancel = vi.spyOn(gate, "cancelExecution").mockResolvedValue(undefined);
  const onClose = vi.fn();
  renderUi(<CancelDialog execution={anExecution()} onClose={onClose} />);
  await user.type(await screen.findByLabelText("Reason"), " wrong version ");
  await user.click(screen.getByRole("button", { name: "Cancel execution" }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(cancel).toHaveBeenCalledWith("01JEXECUTION", "wrong version");
});

it("stays open with the server's words when it is refused", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "cancelExecution").mockRejectedValue(new ApiError(400, "It has already ended."));
  const onClose = vi.fn();
  renderUi(<CancelDialog execution={anExecution()} onClose={onClose} />);
  await user.click(await screen.findByRole("button", { name: "Cancel execution" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("It has already ended.");
  expect(onClose).not.toHaveBeenCalled();
});
