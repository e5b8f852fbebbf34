import { Anchor, Button, Skeleton, Stack, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconMapOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { Link, useLocation, useNavigate, useParams } from "react-router";
import { errorWords, isNotFound } from "@/api/errors";
import { useLiveExecution } from "@/api/live";
import { queries } from "@/api/queries";
import { awaitsJudgment, partsByTop, stageToShow, topLevelStages, topOf } from "@/api/stage-facts";
import type { Execution } from "@/api/types";
import { CancelDialog } from "@/components/cancel-dialog";
import { DeleteDialog } from "@/components/delete-dialog";
import { executionTitle } from "@/components/execution-words";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { StartDialog } from "@/components/start-dialog";
import { useParameters } from "@/components/use-parameters";
import { paths } from "@/lib/paths";
import { isComplete, statusLook } from "@/lib/status";
import { StageGraph } from "@/stages/stage-graph";
import { Panel } from "@/ui/panel";
import { EmptyState, LoadingRows } from "@/ui/states";
import { ExecutionHeader } from "../components/execution-header";
import { StageDetails } from "../components/stage-details";

/** How often an execution that has ended is read again while it is on screen. */
const ENDED_REFRESH_MS = 15_000;

/** One execution, live. */
export function ExecutionPage() {
  const { application = "", execution: id = "" } = useParams();
  const location = useLocation();
  const justStarted = (location.state as { justStarted?: boolean } | null)?.justStarted === true;
  const query = useQuery({
    ...queries.execution(id, { justStarted }),
    // The stream of an execution that has ended is closed; somebody may restart it all the same.
    refetchInterval: ({ state }) =>
      state.data && isComplete(state.data.status) ? ENDED_REFRESH_MS : false,
  });
  const complete = query.data !== undefined && isComplete(query.data.status);
  const live = useLiveExecution(id, { enabled: !complete });
  usePageTitle(
    query.data && `${statusLook(query.data.status).label}: ${executionTitle(query.data)}`,
    application,
  );
  if (query.isError && isNotFound(query.error)) {
    return <NotThere application={application} message={errorWords(query.error).message} />;
  }
  return (
    <>
      <Anchor component={Link} to={paths.executions(application)} fz="sm">
        ← All executions
      </Anchor>
      <div style={{ height: 6 }} />
      <QueryState query={query} loading={<Loading justStarted={justStarted} />}>
        {(execution) => <ExecutionView execution={execution} live={complete ? undefined : live} />}
      </QueryState>
    </>
  );
}

function ExecutionView({
  execution,
  live,
}: {
  execution: Execution;
  live: Parameters<typeof ExecutionHeader>[0]["live"];
}) {
  const [parameters, setParameters] = useParameters();
  const pipelines = useQuery(queries.pipelineConfigs(execution.application));
  const navigate = useNavigate();
  const [canceling, setCanceling] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [runningAgain, setRunningAgain] = useState(false);

  const stages = useMemo(() => topLevelStages(execution), [execution]);
  const parts = useMemo(() => partsByTop(execution), [execution]);
  // Without a choice in the address the view follows the execution as it goes.
  const chosen = parameters.get("stage");
  const [followed, setFollowed] = useState<string>();
  const next = stageToShow(execution, followed);
  if (next?.refId !== followed) setFollowed(next?.refId);
  const selected = execution.stages.find((stage) => stage.refId === chosen) ?? next;
  const select = useCallback((refId: string) => setParameters({ stage: refId }), [setParameters]);

  useHotkeys([
    [
      "j",
      () => {
        const judgment = topLevelStages(execution).find(awaitsJudgment);
        if (!judgment) return;
        select(judgment.refId);
        requestAnimationFrame(() =>
          document.querySelector<HTMLElement>("[data-judgment]")?.focus(),
        );
      },
    ],
  ]);

  const pipeline = pipelines.data?.find(
    (candidate) =>
      (execution.pipelineConfigId != null && candidate.id === execution.pipelineConfigId) ||
      candidate.name === execution.name,
  );
  const runAgainFault = !pipelines.data
    ? "The pipeline is being looked up."
    : !pipeline
      ? "The pipeline is no longer configured."
      : pipeline.disabled
        ? "The pipeline is disabled."
        : undefined;
  // A stage a stage has put before or after itself is shown in the graph by the stage it belongs to.
  const inGraph = selected && topOf(execution, selected);

  return (
    <>
      <ExecutionHeader
        execution={execution}
        live={live}
        onCancel={() => setCanceling(true)}
        onDelete={() => setDeleting(true)}
        onRunAgain={runAgainFault ? undefined : () => setRunningAgain(true)}
        runAgainFault={runAgainFault}
      />
      <Stack gap="md">
        {execution.stages.length === 0 ? (
          <Panel padded={false}>
            <EmptyState icon={IconMapOff} title="No stages">
              This pipeline has no stages
              {execution.status === "TERMINAL" ? " that could be planned" : ""}.
            </EmptyState>
          </Panel>
        ) : (
          <Panel padded={false}>
            <StageGraph
              stages={stages}
              parts={parts}
              label="Stages of this execution"
              selected={inGraph?.refId}
              onSelect={select}
            />
          </Panel>
        )}
        {selected && (
          <StageDetails
            key={selected.id}
            execution={execution}
            stage={selected}
            onSelect={select}
          />
        )}
      </Stack>
      <CancelDialog
        execution={canceling ? execution : undefined}
        onClose={() => setCanceling(false)}
      />
      <DeleteDialog
        execution={deleting ? execution : undefined}
        onClose={() => setDeleting(false)}
        onDeleted={() => void navigate(paths.executions(execution.application))}
      />
      <StartDialog
        pipeline={runningAgain ? pipeline : undefined}
        like={execution}
        onClose={() => setRunningAgain(false)}
      />
    </>
  );
}

function Loading({ justStarted }: { justStarted: boolean }) {
  return (
    <Stack gap="md">
      <Skeleton height={28} width={280} />
      {justStarted && (
        <Text c="dimmed" fz="sm">
          The execution is being started…
        </Text>
      )}
      <Panel padded={false}>
        <Skeleton height={180} />
      </Panel>
      <Panel padded={false}>
        <LoadingRows rows={5} />
      </Panel>
    </Stack>
  );
}

function NotThere({ application, message }: { application: string; message: string }) {
  return (
    <Panel padded={false}>
      <EmptyState
        icon={IconMapOff}
        title="This execution does not exist"
        action={
          <Button component={Link} to={paths.executions(application)} variant="default">
            All executions of {application}
          </Button>
        }
      >
        {message} It may have been deleted, or the address is wrong.
      </EmptyState>
    </Panel>
  );
}
