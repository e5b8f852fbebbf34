import { useMutation, useQueryClient } from "@tanstack/react-query";
import { gate } from "@/api/gate";
import { keys } from "@/api/queries";
import type { Execution } from "@/api/types";

/** Pauses and resumes. The page learns of the outcome from its stream, and asks for it too. */
export function useHold() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (execution: Execution) =>
      execution.status === "PAUSED"
        ? gate.resumeExecution(execution.id)
        : gate.pauseExecution(execution.id),
    onSettled: (_, __, execution) =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.execution(execution.id) }),
        client.invalidateQueries({ queryKey: keys.executionLists(execution.application) }),
      ]),
  });
}
