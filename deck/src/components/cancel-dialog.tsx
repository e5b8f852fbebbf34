import { Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { errorWords } from "@/api/errors";
import { gate } from "@/api/gate";
import { keys } from "@/api/queries";
import type { Execution } from "@/api/types";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface CancelDialogProps {
  /** The execution to cancel; undefined keeps the dialog closed. */
  execution: Execution | undefined;
  onClose: () => void;
}

/** Asks for a reason and cancels. The page learns of the outcome from its stream. */
export function CancelDialog({ execution, onClose }: CancelDialogProps) {
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const cancel = useMutation({
    mutationFn: (id: string) => gate.cancelExecution(id, reason.trim()),
    onSuccess: (_, id) => {
      close();
      void client.invalidateQueries({ queryKey: keys.execution(id) });
      if (execution) {
        void client.invalidateQueries({ queryKey: keys.executionLists(execution.application) });
      }
    },
  });
  const close = () => {
    setReason("");
    cancel.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      opened={execution !== undefined}
      onClose={close}
      title="Cancel execution"
      confirmLabel="Cancel execution"
      cancelLabel="Keep running"
      busy={cancel.isPending}
      error={cancel.error ? errorWords(cancel.error).message : undefined}
      onConfirm={() => execution && cancel.mutate(execution.id)}
    >
      <Stack gap="sm">
        <Text>
          <strong>{execution?.name}</strong> stops where it is. What its stages have already changed
          stays changed.
        </Text>
        <TextInput
          label="Reason"
          description="Optional; kept with the execution."
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          maxLength={500}
          data-autofocus
        />
      </Stack>
    </ConfirmDialog>
  );
}
