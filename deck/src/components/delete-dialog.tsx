import { Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { errorWords } from "@/api/errors";
import { gate } from "@/api/gate";
import { removeFromLists } from "@/api/live";
import { keys } from "@/api/queries";
import type { Execution } from "@/api/types";
import { executionTitle } from "@/components/execution-words";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface DeleteDialogProps {
  /** The execution to delete; undefined keeps the dialog closed. */
  execution: Execution | undefined;
  onClose: () => void;
  onDeleted?: () => void;
}

/** Removes an execution for good: one that has ended, or one that waits for its turn. */
export function DeleteDialog({ execution, onClose, onDeleted }: DeleteDialogProps) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (gone: Execution) => gate.deleteExecution(gone.id),
    onSuccess: (_, gone) => {
      close();
      onDeleted?.();
      removeFromLists(client, gone.application, gone.id);
      client.removeQueries({ queryKey: keys.execution(gone.id) });
    },
  });
  const close = () => {
    remove.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      opened={execution !== undefined}
      onClose={close}
      title="Delete execution"
      confirmLabel="Delete execution"
      cancelLabel="Keep it"
      busy={remove.isPending}
      error={remove.error ? errorWords(remove.error).message : undefined}
      onConfirm={() => execution && remove.mutate(execution)}
    >
      <Text>
        {execution?.status === "NOT_STARTED" && "It is canceled first. "}
        The record of <strong>{execution && executionTitle(execution)}</strong>{" "}
        <code>{execution?.id}</code> is removed for good, with what its stages left. What they have
        changed elsewhere stays changed.
      </Text>
    </ConfirmDialog>
  );
}
