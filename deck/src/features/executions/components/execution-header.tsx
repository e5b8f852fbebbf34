import { Anchor, Button, Group, Menu, Stack, Title } from "@mantine/core";
import {
  IconBan,
  IconBraces,
  IconDots,
  IconExternalLink,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconTrash,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { currentSettings, gateUrl } from "@/api/client";
import type { StreamState } from "@/api/live-stream";
import { errorWords } from "@/api/errors";
import { parentOf, startedBy, waitingReason } from "@/api/stage-facts";
import type { Execution } from "@/api/types";
import { executionTitle, triggerWords } from "@/components/execution-words";
import { LiveHint } from "@/components/live-hint";
import { useHold } from "@/components/use-hold";
import { paths, temporalWorkflowUrl } from "@/lib/paths";
import { asText } from "@/lib/records";
import { isComplete } from "@/lib/status";
import { formatDuration } from "@/lib/time";
import { CopyButton } from "@/ui/copy-button";
import { Facts } from "@/ui/facts";
import { StatusBadge } from "@/ui/status";
import { Duration, TimeAgo } from "@/ui/times";
import { Notice } from "@/ui/notice";

interface ExecutionHeaderProps {
  execution: Execution;
  live: StreamState | undefined;
  onCancel: () => void;
  onDelete: () => void;
  /** Undefined, with the reason, when it cannot be run again. */
  onRunAgain: (() => void) | undefined;
  runAgainFault: string | undefined;
}

/** What ran, how it stands, and what can be done about it. */
export function ExecutionHeader(props: ExecutionHeaderProps) {
  const { execution, live, onCancel, onDelete, onRunAgain, runAgainFault } = props;
  const hold = useHold();
  const waits = waitingReason(execution);
  const paused = execution.status === "PAUSED";
  const settings = currentSettings();
  const complete = isComplete(execution.status);
  return (
    <Stack gap={10} mb="md">
      <Group justify="space-between" gap="sm" wrap="wrap">
        <Group gap="sm">
          <Title order={1}>{executionTitle(execution)}</Title>
          <StatusBadge
            status={execution.status}
            size="lg"
            label={waits ? "Waiting" : undefined}
            meaning={waits && `${waits}.`}
          />
          {live && <LiveHint state={live} />}
        </Group>
        <Group gap="xs">
          {settings.temporalUiUrl && (
            <Button
              component="a"
              variant="default"
              href={temporalWorkflowUrl(
                settings.temporalUiUrl,
                settings.temporalNamespace,
                execution.id,
              )}
              target="_blank"
              rel="noreferrer"
              leftSection={<IconExternalLink size={14} />}
            >
              Open in Temporal UI
            </Button>
          )}
          <Button
            variant="default"
            leftSection={<IconRefresh size={14} />}
            onClick={onRunAgain}
            disabled={!onRunAgain}
            title={runAgainFault}
          >
            Run again…
          </Button>
          {(paused || execution.status === "RUNNING") && (
            <Button
              variant={paused ? "filled" : "default"}
              leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
              loading={hold.isPending}
              onClick={() => hold.mutate(execution)}
            >
              {paused ? "Resume" : "Pause"}
            </Button>
          )}
          {!complete && (
            <Button
              color="red"
              variant="light"
              leftSection={<IconBan size={14} />}
              onClick={onCancel}
            >
              Cancel…
            </Button>
          )}
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" px={8} aria-label="More actions">
                <IconDots size={16} />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                component="a"
                href={gateUrl(`/pipelines/${encodeURIComponent(execution.id)}`)}
                target="_blank"
                rel="noreferrer"
                leftSection={<IconBraces size={14} />}
              >
                Execution as JSON
              </Menu.Item>
              {execution.name && (
                <Menu.Item
                  component={Link}
                  to={paths.pipeline(execution.application, execution.name)}
                >
                  Configure pipeline
                </Menu.Item>
              )}
              <Menu.Divider />
              <Menu.Item
                color="red"
                leftSection={<IconTrash size={14} />}
                disabled={!complete && execution.status !== "NOT_STARTED"}
                title={complete ? undefined : "Cancel it first."}
                onClick={onDelete}
              >
                Delete execution…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>
      <Facts items={factsOf(execution)} />
      {hold.error && <Notice tone="bad">{errorWords(hold.error).message}</Notice>}
      {paused && <PauseNotice execution={execution} />}
      {waits && (
        <Notice tone="muted" title={`${waits}.`}>
          {waitingWords(execution)}
        </Notice>
      )}
      {execution.canceled && (execution.cancellationReason || execution.canceledBy) && (
        <Notice tone="muted">
          Canceled{execution.canceledBy ? ` by ${execution.canceledBy}` : ""}
          {execution.cancellationReason ? `: ${execution.cancellationReason}` : "."}
        </Notice>
      )}
    </Stack>
  );
}

function PauseNotice({ execution }: { execution: Execution }) {
  const { pausedBy, pauseTime } = execution.paused ?? {};
  return (
    <Notice tone="warning" title={`Paused${pausedBy ? ` by ${pausedBy}` : ""}`}>
      {pauseTime ? (
        <>
          It was paused <TimeAgo time={pauseTime} />.{" "}
        </>
      ) : null}
      What is under way elsewhere goes on; nothing else starts until someone resumes.
    </Notice>
  );
}

function waitingWords(execution: Execution): string {
  return execution.keepWaitingPipelines
    ? "Those that wait run in the order in which they were started."
    : "When that run ends, the newest that waits runs, and older ones are canceled.";
}

function factsOf(execution: Execution): [string, ReactNode][] {
  const parent = parentOf(execution);
  const parameters = Object.entries(execution.trigger.parameters ?? {});
  return [
    ["Trigger", triggerWords(execution)],
    ["Started by", startedBy(execution)],
    ["Started", <TimeAgo key="s" time={execution.startTime ?? execution.buildTime} />],
    ["Duration", <Duration key="d" start={execution.startTime} end={execution.endTime} precise />],
    [
      "Paused for",
      execution.paused?.pausedMs ? formatDuration(execution.paused.pausedMs) : undefined,
    ],
    [
      "Parent execution",
      parent && (
        <Anchor
          component={Link}
          fz="sm"
          to={paths.execution(parent.application ?? execution.application, parent.id)}
        >
          {parent.name ?? parent.id}
        </Anchor>
      ),
    ],
    [
      "Parameters",
      parameters.length > 0
        ? parameters
            .map(([key, value]) => `${key}=${asText(value) ?? JSON.stringify(value)}`)
            .join(", ")
        : undefined,
    ],
    [
      "Execution id",
      <span key="i" style={{ display: "inline-flex", alignItems: "center", gap: 2 }}>
        <code style={{ fontSize: 12 }}>{execution.id}</code>
        <CopyButton value={execution.id} label="Copy execution id" />
      </span>,
    ],
  ];
}
