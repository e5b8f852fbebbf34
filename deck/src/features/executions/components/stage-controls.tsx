import { Button, Group, Text } from "@mantine/core";
import { IconPlayerSkipForward, IconRotateClockwise } from "@tabler/icons-react";
import { useState } from "react";
import { errorWords } from "@/api/errors";
import { canSkip, restartOf } from "@/api/stage-facts";
import type { Execution, Stage } from "@/api/types";
import { usePatchStage } from "@/components/use-patch-stage";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { RestartDialog } from "./restart-dialog";

/** What can be done with a stage that has ended, or that may be left out while it runs. */
export function StageControls({ execution, stage }: { execution: Execution; stage: Stage }) {
  const [restarting, setRestarting] = useState<Stage>();
  const choice = execution.type === "PIPELINE" ? restartOf(execution, stage) : undefined;
  const skippable = canSkip(stage);
  if (!choice && !skippable && !restarting) return null;
  return (
    <Group gap="xs">
      {skippable && <SkipStage execution={execution} stage={stage} />}
      {choice && (
        <Button
          variant="default"
          size="compact-sm"
          leftSection={<IconRotateClockwise size={14} />}
          disabled={choice.fault !== undefined}
          title={choice.fault}
          onClick={() => setRestarting(choice.stage)}
        >
          {choice.stage.id === stage.id ? "Restart from here…" : `Restart ${choice.stage.name}…`}
        </Button>
      )}
      <RestartDialog
        execution={execution}
        stage={restarting}
        onClose={() => setRestarting(undefined)}
      />
    </Group>
  );
}

function SkipStage({ execution, stage }: { execution: Execution; stage: Stage }) {
  const patch = usePatchStage(execution, stage);
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button
        variant="default"
        size="compact-sm"
        leftSection={<IconPlayerSkipForward size={14} />}
        onClick={() => setAsking(true)}
      >
        Skip stage…
      </Button>
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title={`Skip ${stage.name}`}
        confirmLabel="Skip stage"
        cancelLabel="Keep running"
        busy={patch.isPending}
        error={patch.error ? errorWords(patch.error).message : undefined}
        onConfirm={() => patch.mutate({ manualSkip: true }, { onSuccess: () => setAsking(false) })}
      >
        <Text>
          The stage ends as skipped, and the stages after it go on.
          {stage.type === "pipeline" && " The pipeline that it started goes on by itself."}
        </Text>
      </ConfirmDialog>
    </>
  );
}
