import { useMutation, useQueryClient } from "@tanstack/react-query";
import { gate } from "@/api/gate";
import { writeExecution } from "@/api/live";
import { keys } from "@/api/queries";
import type { Execution, Stage, StagePatch } from "@/api/types";

/** Changes a running stage: a judgment, a wait cut short. The answer is the execution as it then is. */
export function usePatchStage(execution: Execution, stage: Stage) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (patch: StagePatch) => gate.patchStage(execution.id, stage.id, patch),
    onSuccess: (updated) => {
      if (updated?.id === execution.id) writeExecution(client, updated);
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.execution(execution.id) }),
  });
}
