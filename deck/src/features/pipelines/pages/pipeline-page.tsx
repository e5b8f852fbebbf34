import { Anchor, Badge, Button, Group, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDots, IconMapOff, IconPlayerPlayFilled } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { gate } from "@/api/gate";
import { keys, queries } from "@/api/queries";
import type { PipelineConfig } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { StartDialog } from "@/components/start-dialog";
import { prettyJson } from "@/lib/json";
import { paths } from "@/lib/paths";
import type { JsonObject } from "@/lib/records";
import { toMillis } from "@/lib/time";
import { Panel } from "@/ui/panel";
import { EmptyState } from "@/ui/states";
import { TimeAgo } from "@/ui/times";
import { LeaveGuard } from "../components/leave-guard";
import { PipelineEditor, type Draft } from "../components/pipeline-editor";
import { PipelineMenu } from "../components/pipeline-menu";
import { Notice } from "@/ui/notice";

/** One pipeline: its graph and its JSON, to read and to change. */
export function PipelinePage() {
  const { application = "", pipeline: nameOrId = "" } = useParams();
  const pipelines = useQuery(queries.pipelineConfigs(application));
  const found = pipelines.data?.find(
    (pipeline) => pipeline.name === nameOrId || pipeline.id === nameOrId,
  );
  usePageTitle(found?.name ?? nameOrId, application);
  return (
    <>
      <Anchor component={Link} to={paths.pipelines(application)} fz="sm">
        ← All pipelines
      </Anchor>
      <div style={{ height: 6 }} />
      <QueryState query={pipelines}>
        {() =>
          found ? (
            <PipelineView key={found.id ?? found.name} application={application} pipeline={found} />
          ) : (
            <Panel padded={false}>
              <EmptyState
                icon={IconMapOff}
                title="This pipeline does not exist"
                action={
                  <Button component={Link} to={paths.pipelines(application)} variant="default">
                    All pipelines of {application}
                  </Button>
                }
              >
                {application} has no pipeline named {nameOrId}. It may have been renamed or deleted.
              </EmptyState>
            </Panel>
          )
        }
      </QueryState>
    </>
  );
}

function PipelineView({
  application,
  pipeline,
}: {
  application: string;
  pipeline: PipelineConfig;
}) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [starting, setStarting] = useState(false);
  const stored = prettyJson(pipeline);
  // What the draft began from; undefined while nothing is being edited.
  const [base, setBase] = useState<string>();
  const [draft, setDraft] = useState<Draft>({ text: stored });
  const editing = base !== undefined && draft.text !== base;
  const overtaken = editing && base !== stored;

  const save = useMutation({
    mutationFn: async (value: JsonObject) => {
      const changed = { application, ...value } as PipelineConfig;
      await gate.savePipeline(changed, { staleCheck: true });
      return changed;
    },
    onSuccess: async (changed) => {
      // Put in place at once, so that a new name has its page before the list is read again.
      client.setQueryData<PipelineConfig[]>(keys.pipelineConfigs(application), (list) =>
        list?.map((other) => (other.name === pipeline.name ? changed : other)),
      );
      setBase(undefined);
      notifications.show({ message: `${changed.name} is saved.` });
      if (changed.name !== pipeline.name) {
        await navigate(paths.pipeline(application, changed.name), { replace: true });
      }
      await client.invalidateQueries({ queryKey: keys.pipelineConfigs(application) });
    },
  });
  const discard = () => {
    setBase(undefined);
    setDraft({ text: stored });
    save.reset();
  };

  const locked = pipeline.locked?.ui === true;
  return (
    <>
      <Group justify="space-between" mb="md">
        <Group gap="sm">
          <Title order={1}>{pipeline.name}</Title>
          {pipeline.disabled && (
            <Badge variant="light" color="gray" tt="none" radius="sm" size="lg">
              Disabled
            </Badge>
          )}
          <Text fz="sm" c="dimmed">
            {toMillis(pipeline.updateTs) && (
              <>
                saved <TimeAgo time={toMillis(pipeline.updateTs)} />
              </>
            )}
            {pipeline.lastModifiedBy ? ` by ${pipeline.lastModifiedBy}` : ""}
          </Text>
        </Group>
        <Group gap="xs">
          <Button
            component={Link}
            to={paths.executions(application, { pipeline: pipeline.name })}
            variant="default"
          >
            Executions
          </Button>
          <Button
            leftSection={<IconPlayerPlayFilled size={13} />}
            disabled={pipeline.disabled}
            title={pipeline.disabled ? "This pipeline is disabled." : undefined}
            onClick={() => setStarting(true)}
          >
            Start
          </Button>
          <PipelineMenu
            application={application}
            pipeline={pipeline}
            onDeleted={() => void navigate(paths.pipelines(application))}
            target={
              <Button variant="default" px={8} aria-label={`Actions for ${pipeline.name}`}>
                <IconDots size={16} />
              </Button>
            }
          />
        </Group>
      </Group>
      {locked && (
        <Notice tone="warning">
          {pipeline.locked?.description || "This pipeline is locked: it is managed elsewhere."}
        </Notice>
      )}
      {overtaken && (
        <Notice tone="warning" role="status">
          This pipeline was saved by someone else while you were editing; the server will refuse to
          overwrite it.{" "}
          <Anchor component="button" fz="sm" onClick={discard}>
            Discard my changes and load theirs
          </Anchor>
        </Notice>
      )}
      <PipelineEditor
        isNew={false}
        draft={editing || base !== undefined ? draft : { text: stored }}
        onChange={(changed) => {
          if (changed.text === stored && base === undefined) return;
          if (base === undefined) setBase(stored);
          setDraft(changed);
          if (save.isError) save.reset();
        }}
        nameFault={undefined}
        changed={editing}
        saving={save.isPending}
        error={save.error}
        onSave={(value) => save.mutate(value)}
        actions={
          editing && (
            <Button variant="default" onClick={discard}>
              Discard changes
            </Button>
          )
        }
      />
      <LeaveGuard when={editing && !save.isPending} />
      <StartDialog pipeline={starting ? pipeline : undefined} onClose={() => setStarting(false)} />
    </>
  );
}
