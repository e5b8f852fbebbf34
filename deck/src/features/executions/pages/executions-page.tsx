import { Button, Group, Menu, MultiSelect, Select, Stack } from "@mantine/core";
import { IconFilterOff, IconPlayerPlayFilled, IconPlus, IconRoute } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link, useParams } from "react-router";
import { isForbidden } from "@/api/errors";
import { useLiveApplication } from "@/api/live";
import { queries } from "@/api/queries";
import type { Execution, PipelineConfig } from "@/api/types";
import { CancelDialog } from "@/components/cancel-dialog";
import { DeleteDialog } from "@/components/delete-dialog";
import { LiveHint } from "@/components/live-hint";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { StartDialog } from "@/components/start-dialog";
import { useParameters } from "@/components/use-parameters";
import { paths } from "@/lib/paths";
import { isStatus, STATUS_LOOKS, STATUSES } from "@/lib/status";
import { Panel } from "@/ui/panel";
import { EmptyState, LoadingRows } from "@/ui/states";
import { ExecutionGroupPanel } from "../components/execution-group";
import { groupExecutions, type ExecutionGroup } from "../groups";

const LIMITS = ["5", "10", "30"];
const DEFAULT_LIMIT = "5";

/** All executions of an application, by pipeline, live. */
export function ExecutionsPage() {
  const { application = "" } = useParams();
  usePageTitle("Executions", application);
  const [parameters, setParameters] = useParameters();
  const statuses = useMemo(
    () => (parameters.get("status") ?? "").split(",").filter(isStatus),
    [parameters],
  );
  const pipelineName = parameters.get("pipeline") ?? "";
  const asked = parameters.get("limit") ?? "";
  const limit = LIMITS.includes(asked) ? asked : DEFAULT_LIMIT;

  const executions = useQuery(
    queries.executionList(application, {
      limit: Number(limit),
      ...(statuses.length > 0 ? { statuses } : {}),
    }),
  );
  const pipelines = useQuery(queries.pipelineConfigs(application));
  const refused = isForbidden(executions.error);
  const live = useLiveApplication(application, { enabled: !refused });
  const [starting, setStarting] = useState<{ pipeline: PipelineConfig; like?: Execution }>();
  const [canceling, setCanceling] = useState<Execution>();
  const [deleting, setDeleting] = useState<Execution>();

  const filtered = statuses.length > 0 || pipelineName !== "";
  const groups = useMemo(
    () => groupExecutions(executions.data ?? [], pipelines.data ?? []),
    [executions.data, pipelines.data],
  );
  const shown = groups.filter(
    (group) =>
      (pipelineName === "" || group.name === pipelineName) &&
      (statuses.length === 0 || group.executions.length > 0),
  );

  return (
    <>
      <Group gap="xs" mb="md" align="center">
        <Select
          aria-label="Filter by pipeline"
          placeholder="All pipelines"
          size="xs"
          w={220}
          data={[...new Set(groups.map((group) => group.name))]}
          value={pipelineName || null}
          onChange={(value) => setParameters({ pipeline: value ?? "" })}
          clearable
          searchable
        />
        <MultiSelect
          aria-label="Filter by status"
          placeholder={statuses.length === 0 ? "All statuses" : undefined}
          size="xs"
          miw={180}
          maw={420}
          data={STATUSES.map((status) => ({ value: status, label: STATUS_LOOKS[status].label }))}
          value={statuses}
          onChange={(value) => setParameters({ status: value.join(",") })}
          clearable
        />
        <Select
          aria-label="Executions per pipeline"
          size="xs"
          w={150}
          data={LIMITS.map((value) => ({ value, label: `Last ${value} of each` }))}
          value={limit}
          onChange={(value) =>
            setParameters({ limit: value === DEFAULT_LIMIT ? "" : (value ?? "") })
          }
          allowDeselect={false}
        />
        <Group gap="md" ml="auto">
          {!refused && <LiveHint state={live} />}
          <StartMenu pipelines={pipelines.data} onStart={(pipeline) => setStarting({ pipeline })} />
        </Group>
      </Group>

      <QueryState
        query={executions}
        loading={
          <Panel padded={false}>
            <LoadingRows rows={7} height={40} />
          </Panel>
        }
      >
        {() => (
          <QueryState
            query={pipelines}
            loading={
              <Panel padded={false}>
                <LoadingRows rows={7} height={40} />
              </Panel>
            }
          >
            {() => (
              <ExecutionGroups
                application={application}
                groups={shown}
                filtered={filtered}
                onClearFilters={() => setParameters({ status: "", pipeline: "" })}
                onStart={(pipeline, like) => setStarting({ pipeline, like })}
                onCancel={setCanceling}
                onDelete={setDeleting}
              />
            )}
          </QueryState>
        )}
      </QueryState>

      <StartDialog
        pipeline={starting?.pipeline}
        like={starting?.like}
        onClose={() => setStarting(undefined)}
      />
      <CancelDialog execution={canceling} onClose={() => setCanceling(undefined)} />
      <DeleteDialog execution={deleting} onClose={() => setDeleting(undefined)} />
    </>
  );
}

interface ExecutionGroupsProps {
  application: string;
  groups: ExecutionGroup[];
  filtered: boolean;
  onClearFilters: () => void;
  onStart: (pipeline: PipelineConfig, like?: Execution) => void;
  onCancel: (execution: Execution) => void;
  onDelete: (execution: Execution) => void;
}

function ExecutionGroups(props: ExecutionGroupsProps) {
  const { application, groups, filtered, onClearFilters, onStart, onCancel, onDelete } = props;
  if (groups.length === 0) {
    return (
      <Panel padded={false}>
        {filtered ? (
          <EmptyState
            icon={IconFilterOff}
            title="No execution matches"
            action={
              <Button variant="default" onClick={onClearFilters}>
                Clear filters
              </Button>
            }
          >
            No recent execution has this status in this pipeline.
          </EmptyState>
        ) : (
          <EmptyState
            icon={IconRoute}
            title="No pipelines yet"
            action={
              <Button
                component={Link}
                to={paths.newPipeline(application)}
                leftSection={<IconPlus size={14} />}
              >
                Create pipeline
              </Button>
            }
          >
            A pipeline is a graph of stages, written as JSON. Paste one you have, or write a new
            one; its executions then appear here.
          </EmptyState>
        )}
      </Panel>
    );
  }
  return (
    <Stack gap="md">
      {groups.map((group) => (
        <ExecutionGroupPanel
          key={group.key}
          application={application}
          group={group}
          onStart={onStart}
          onCancel={onCancel}
          onDelete={onDelete}
        />
      ))}
    </Stack>
  );
}

function StartMenu({
  pipelines,
  onStart,
}: {
  /** Undefined while they are not known. */
  pipelines: PipelineConfig[] | undefined;
  onStart: (pipeline: PipelineConfig) => void;
}) {
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <Button
          leftSection={<IconPlayerPlayFilled size={13} />}
          disabled={!pipelines?.length}
          title={pipelines?.length === 0 ? "This application has no pipelines." : undefined}
        >
          Start pipeline
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: "auto" }}>
        {pipelines?.map((pipeline) => (
          <Menu.Item
            key={pipeline.id ?? pipeline.name}
            disabled={pipeline.disabled}
            onClick={() => onStart(pipeline)}
          >
            {pipeline.name}
            {pipeline.disabled && " (disabled)"}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
