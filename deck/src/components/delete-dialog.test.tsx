import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
import { keys } from "@/api/queries";
import { anExecution, renderUi, testClient } from "@/test-utils";
import { DeleteDialog } from "./delete-dialog";

it("deletes, and forgets the execution everywhere", async () => {
  const user = userEvent.setup();
  const remove = vi.spyOn(gate, "deleteExecution").mockResolvedValue(undefined);
  const client = testClient();
  const execution = anExecution({ status: "SUCCEEDED" });
  const list = keys.executionList("shop", { limit: 5 });
  client.setQueryData(list, [execution, anExecution({ id: "other" })]);
  client.setQueryData(keys.execution(execution.id), execution);
  const onDeleted = vi.fn();
  const onClose = vi.fn();
  renderUi(<DeleteDialog execution={execution} onClose={onClose} onDeleted={onDeleted} />, {
    client,
  });
  await user.click(await screen.findByRole("button", { name: "Delete execution" }));
  await waitFor(() => expect(onDeleted).toHaveBeenCalled());
  expect(remove).toHaveBeenCalledWith("01JEXECUTION");
  expect(onClose).toHaveBeenCalled();
  expect(client.getQueryData(list)).toEqual([expect.objectContaining({ id: "other" })]);
  expect(client.getQueryData(keys.execution(execution.id))).toBeUndefined();
});

it("says that one that waits is canceled first, and why it was refused", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "deleteExecution").mockRejectedValue(
    new ApiError(409, "Cannot delete a running PIPELINE, please cancel it first."),
  );
  const onClose = vi.fn();
  renderUi(<DeleteDialog execution={anExecution({ status: "NOT_STARTED" })} onClose={onClose} />);
  expect(await screen.findByText(/It is canceled first/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Delete execution" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("please cancel it first");
  expect(onClose).not.toHaveBeenCalled();
});
