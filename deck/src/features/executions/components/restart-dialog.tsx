import { Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { errorWords } from "@/api/errors";
import { gate } from "@/api/gate";
import { writeExecution } from "@/api/live";
import { keys } from "@/api/queries";
import { completeBehind } from "@/api/stage-facts";
import type { Execution, Stage } from "@/api/types";
import { stageKind } from "@/stages/registry";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { StatusIcon } from "@/ui/status";
import { statusLook } from "@/lib/status";
import classes from "./stage-details.module.css";

interface RestartDialogProps {
  execution: Execution;
  /** The stage to run again; undefined keeps the dialog closed. */
  stage: Stage | undefined;
  onClose: () => void;
}

/** Says what will run again, and restarts. */
export function RestartDialog({ execution, stage, onClose }: RestartDialogProps) {
  const client = useQueryClient();
  const restart = useMutation({
    mutationFn: (from: Stage) => gate.restartStage(execution.id, from.id),
    onSuccess: (updated) => {
      close();
      if (updated?.id === execution.id) writeExecution(client, updated);
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.execution(execution.id) }),
        client.invalidateQueries({ queryKey: keys.executionLists(execution.application) }),
      ]),
  });
  const close = () => {
    restart.reset();
    onClose();
  };
  const again = stage ? [stage, ...completeBehind(execution, stage)] : [];
  return (
    <ConfirmDialog
      opened={stage !== undefined}
      onClose={close}
      title={stage ? `Restart from ${stage.name}` : "Restart"}
      confirmLabel="Restart"
      cancelLabel="Leave it"
      busy={restart.isPending}
      error={restart.error ? errorWords(restart.error).message : undefined}
      onConfirm={() => stage && restart.mutate(stage)}
    >
      <Stack gap="sm">
        <Text>
          {again.length === 1 ? "This stage runs" : `These ${again.length} stages run`} again, with
          the parameters and artifacts of this execution:
        </Text>
        <ul className={classes["again"]} aria-label="Stages that run again">
          {again.map((one) => (
            <li key={one.id}>
              <StatusIcon status={one.status} />
              <span>{one.name}</span>
              <Text component="span" fz="xs" c="dimmed">
                {stageKind(one.type).label} · {statusLook(one.status).label}
              </Text>
            </li>
          ))}
        </ul>
        <Text fz="sm" c="dimmed">
          Stages before it stay as they are. What has run so far is kept as an earlier attempt.
        </Text>
      </Stack>
    </ConfirmDialog>
  );
}
