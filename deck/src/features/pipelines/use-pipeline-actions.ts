import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { errorWords } from "@/api/errors";
import { gate } from "@/api/gate";
import { keys } from "@/api/queries";
import type { PipelineConfig } from "@/api/types";

/** Disabling, enabling and deleting a pipeline. */
export function usePipelineActions(application: string) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: keys.pipelineConfigs(application) });

  const setDisabled = useMutation({
    mutationFn: async ({ pipeline, disabled }: { pipeline: PipelineConfig; disabled: boolean }) => {
      // Read anew: the list may be seconds old, and saving replaces the whole pipeline.
      const current = await gate.pipelineConfig(application, pipeline.name);
      await gate.savePipeline({ ...current, disabled }, { staleCheck: true });
    },
    onSuccess: (_, { pipeline, disabled }) =>
      notifications.show({
        message: `${pipeline.name} is ${disabled ? "disabled: nothing starts it." : "enabled."}`,
      }),
    onError: (error, { pipeline, disabled }) =>
      notifications.show({
        color: "red",
        title: `${pipeline.name} could not be ${disabled ? "disabled" : "enabled"}`,
        message: errorWords(error).message,
        autoClose: false,
      }),
    onSettled: refresh,
  });

  const remove = useMutation({
    mutationFn: (pipeline: PipelineConfig) => gate.deletePipeline(application, pipeline.name),
    onSuccess: (_, pipeline) => notifications.show({ message: `${pipeline.name} is deleted.` }),
    onSettled: refresh,
  });

  return { setDisabled, remove };
}
