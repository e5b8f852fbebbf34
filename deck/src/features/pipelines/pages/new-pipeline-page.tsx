import { Anchor, Button, Group, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { gate } from "@/api/gate";
import { keys, queries } from "@/api/queries";
import type { PipelineConfig } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { parseJsonObject, prettyJson } from "@/lib/json";
import { paths } from "@/lib/paths";
import { asText, type JsonObject } from "@/lib/records";
import { LeaveGuard } from "../components/leave-guard";
import { PipelineEditor, type Draft } from "../components/pipeline-editor";
import { asNewPipeline, emptyPipeline, examplePipeline, pipelineNameFault } from "../config";

/** Creates a pipeline from pasted or written JSON. */
export function NewPipelinePage() {
  const { application = "" } = useParams();
  usePageTitle("New pipeline", application);
  const navigate = useNavigate();
  const client = useQueryClient();
  const pipelines = useQuery(queries.pipelineConfigs(application));
  const [initial] = useState(() => prettyJson(emptyPipeline(application)));
  const [draft, setDraft] = useState<Draft>({ text: initial });
  const [tried, setTried] = useState(false);

  const taken = (pipelines.data ?? []).map((pipeline) => pipeline.name);
  const parsed = parseJsonObject(draft.text);
  const name = (draft.name ?? (parsed.ok ? asText(parsed.value["name"]) : "") ?? "").trim();
  const nameFault = pipelineNameFault(name, taken);

  const create = useMutation({
    mutationFn: async (pipeline: PipelineConfig) => {
      await gate.savePipeline(pipeline, { staleCheck: false });
      return pipeline.name;
    },
    onSuccess: async (created) => {
      await client.invalidateQueries({ queryKey: keys.pipelineConfigs(application) });
      await navigate(paths.pipeline(application, created));
    },
  });

  const save = (value: JsonObject) => {
    setTried(true);
    if (nameFault) return;
    create.mutate(asNewPipeline(value, { application, name, keepId: draft.keepId ?? false }));
  };

  return (
    <>
      <Anchor component={Link} to={paths.pipelines(application)} fz="sm">
        ← All pipelines
      </Anchor>
      <Group justify="space-between" mt={6} mb="md">
        <Title order={1}>New pipeline</Title>
        <Button
          variant="default"
          onClick={() => setDraft({ text: prettyJson(examplePipeline(application)) })}
        >
          Use the example
        </Button>
      </Group>
      <PipelineEditor
        isNew
        draft={draft}
        onChange={(changed) => {
          setDraft(changed);
          if (create.isError) create.reset();
        }}
        nameFault={tried ? nameFault : undefined}
        changed
        saving={create.isPending}
        error={create.error}
        onSave={save}
        actions={
          <Button component={Link} to={paths.pipelines(application)} variant="default">
            Cancel
          </Button>
        }
      />
      <LeaveGuard when={draft.text !== initial && !create.isSuccess && !create.isPending} />
    </>
  );
}
