import { ActionIcon, Anchor, Badge, Button, Group, Table, Text } from "@mantine/core";
import {
  IconDots,
  IconPlayerPlayFilled,
  IconPlus,
  IconRoute,
  IconSearchOff,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { isForbidden } from "@/api/errors";
import { useLiveApplication } from "@/api/live";
import { queries } from "@/api/queries";
import type { Execution, PipelineConfig } from "@/api/types";
import { LiveHint } from "@/components/live-hint";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { SearchField } from "@/components/search-field";
import { StartDialog } from "@/components/start-dialog";
import { paths } from "@/lib/paths";
import { Panel } from "@/ui/panel";
import { EmptyState } from "@/ui/states";
import { StatusBadge } from "@/ui/status";
import { TimeAgo } from "@/ui/times";
import { PipelineMenu } from "../components/pipeline-menu";
import { triggerSummary } from "../config";

/** The pipelines of an application, as they are configured. */
export function PipelinesPage() {
  const { application = "" } = useParams();
  usePageTitle("Pipelines", application);
  const [parameters, setParameters] = useSearchParams();
  const search = parameters.get("q") ?? "";
  const pipelines = useQuery(queries.pipelineConfigs(application));
  const executions = useQuery(queries.executionList(application, { limit: 1 }));
  const refused = isForbidden(executions.error);
  const live = useLiveApplication(application, { enabled: !refused });
  const [starting, setStarting] = useState<PipelineConfig>();
  const createButton = (
    <Button
      component={Link}
      to={paths.newPipeline(application)}
      leftSection={<IconPlus size={14} />}
    >
      Create pipeline
    </Button>
  );
  return (
    <>
      <Group gap="xs" mb="md">
        <SearchField
          label="Search pipelines"
          value={search}
          onChange={(value) => setParameters(value ? { q: value } : {}, { replace: true })}
        />
        <Group gap="md" ml="auto">
          {!refused && <LiveHint state={live} />}
          {createButton}
        </Group>
      </Group>
      <Panel padded={false}>
        <QueryState query={pipelines}>
          {(all) => {
            const shown = all.filter((pipeline) =>
              pipeline.name.toLowerCase().includes(search.trim().toLowerCase()),
            );
            if (all.length === 0) {
              return (
                <EmptyState icon={IconRoute} title="No pipelines yet" action={createButton}>
                  A pipeline is a graph of stages, written as JSON. Paste one from Spinnaker, or
                  begin with the example.
                </EmptyState>
              );
            }
            if (shown.length === 0) {
              return (
                <EmptyState icon={IconSearchOff} title="No pipeline matches">
                  Nothing has “{search}” in its name.
                </EmptyState>
              );
            }
            return (
              <PipelineTable
                application={application}
                pipelines={shown}
                executions={executions.data ?? []}
                onStart={setStarting}
              />
            );
          }}
        </QueryState>
      </Panel>
      <StartDialog pipeline={starting} onClose={() => setStarting(undefined)} />
    </>
  );
}

interface PipelineTableProps {
  application: string;
  pipelines: PipelineConfig[];
  executions: Execution[];
  onStart: (pipeline: PipelineConfig) => void;
}

function PipelineTable({ application, pipelines, executions, onStart }: PipelineTableProps) {
  return (
    <Table.ScrollContainer minWidth={700} type="native">
      <Table highlightOnHover aria-label="Pipelines">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Stages</Table.Th>
            <Table.Th>Triggers</Table.Th>
            <Table.Th>Last execution</Table.Th>
            <Table.Th w={150}>
              <span hidden>Actions</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {pipelines.map((pipeline) => (
            <Table.Tr key={pipeline.id ?? pipeline.name}>
              <Table.Td maw={420}>
                <Group gap={8} wrap="nowrap">
                  <Anchor
                    component={Link}
                    to={paths.pipeline(application, pipeline.name)}
                    fz="sm"
                    fw={600}
                  >
                    {pipeline.name}
                  </Anchor>
                  {pipeline.disabled && (
                    <Badge variant="light" color="gray" tt="none" radius="sm">
                      Disabled
                    </Badge>
                  )}
                  {pipeline.locked?.ui && (
                    <Badge variant="light" color="gray" tt="none" radius="sm">
                      Locked
                    </Badge>
                  )}
                </Group>
                {pipeline.description && (
                  <Text fz="xs" c="dimmed" lineClamp={1}>
                    {pipeline.description}
                  </Text>
                )}
              </Table.Td>
              <Table.Td className="tabular">{pipeline.stages?.length ?? 0}</Table.Td>
              <Table.Td>{triggerSummary(pipeline) || "–"}</Table.Td>
              <Table.Td>
                <LastExecution
                  application={application}
                  execution={newestOf(executions, pipeline)}
                />
              </Table.Td>
              <Table.Td>
                <Group gap={4} justify="flex-end" wrap="nowrap">
                  <Button
                    size="compact-xs"
                    variant="light"
                    leftSection={<IconPlayerPlayFilled size={11} />}
                    disabled={pipeline.disabled}
                    title={pipeline.disabled ? "This pipeline is disabled." : undefined}
                    aria-label={`Start ${pipeline.name}`}
                    onClick={() => onStart(pipeline)}
                  >
                    Start
                  </Button>
                  <PipelineMenu
                    application={application}
                    pipeline={pipeline}
                    withEdit
                    target={
                      <ActionIcon
                        variant="subtle"
                        color="gray"
                        aria-label={`Actions for ${pipeline.name}`}
                      >
                        <IconDots size={16} />
                      </ActionIcon>
                    }
                  />
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function newestOf(executions: Execution[], pipeline: PipelineConfig): Execution | undefined {
  return executions
    .filter((execution) =>
      execution.pipelineConfigId
        ? execution.pipelineConfigId === pipeline.id
        : execution.name === pipeline.name,
    )
    .sort((a, b) => (b.buildTime ?? 0) - (a.buildTime ?? 0))[0];
}

function LastExecution({
  application,
  execution,
}: {
  application: string;
  execution: Execution | undefined;
}) {
  if (!execution) return <Text c="dimmed">never</Text>;
  return (
    <Anchor
      component={Link}
      to={paths.execution(application, execution.id)}
      underline="never"
      c="inherit"
      fz="sm"
    >
      <Group gap={8} wrap="nowrap">
        <StatusBadge status={execution.status} />
        <TimeAgo time={execution.startTime ?? execution.buildTime} />
      </Group>
    </Anchor>
  );
}
