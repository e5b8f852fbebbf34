import { ActionIcon, Menu } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import {
  IconBan,
  IconDots,
  IconExternalLink,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconTrash,
} from "@tabler/icons-react";
import { Link } from "react-router";
import { currentSettings } from "@/api/client";
import { errorWords } from "@/api/errors";
import { startedBy, topLevelStages, waitingReason } from "@/api/stage-facts";
import type { Execution } from "@/api/types";
import { triggerWords } from "@/components/execution-words";
import { StageBar } from "@/components/stage-bar";
import { useHold } from "@/components/use-hold";
import { paths, temporalWorkflowUrl } from "@/lib/paths";
import { isComplete, statusLook } from "@/lib/status";
import { StatusBadge, toneStyle } from "@/ui/status";
import { Duration, TimeAgo } from "@/ui/times";
import classes from "./execution-group.module.css";

interface ExecutionRowProps {
  execution: Execution;
  onCancel: (execution: Execution) => void;
  onDelete: (execution: Execution) => void;
  /** Undefined when its pipeline cannot be started. */
  onRunAgain: (() => void) | undefined;
}

export function ExecutionRow({ execution, onCancel, onDelete, onRunAgain }: ExecutionRowProps) {
  const settings = currentSettings();
  const hold = useHold();
  const paused = execution.status === "PAUSED";
  const complete = isComplete(execution.status);
  const waits = waitingReason(execution);
  const note = noteOf(execution);
  const judgment = note?.tone === "warning";
  return (
    <article className={classes["row"]} aria-label={`Execution ${execution.id}`}>
      <span
        className={classes["rail"]}
        style={toneStyle(judgment ? "warning" : statusLook(execution.status).tone)}
        aria-hidden="true"
      />
      <div>
        <StatusBadge
          status={execution.status}
          label={waits ? "Waiting" : undefined}
          meaning={waits && `${waits}.`}
        />
      </div>
      <div className={classes["what"]}>
        <Link
          className={classes["link"]}
          to={paths.execution(execution.application, execution.id)}
          aria-label={`${triggerWords(execution)}, details`}
        >
          {triggerWords(execution)}
        </Link>
        <div className={classes["small"]}>by {startedBy(execution)}</div>
      </div>
      <div className={classes["number"]}>
        <TimeAgo time={execution.startTime ?? execution.buildTime} />
      </div>
      <div className={classes["number"]}>
        <Duration start={execution.startTime} end={execution.endTime} />
      </div>
      <div className={classes["stages"]}>
        <StageBar execution={execution} />
        {note && (
          <div className={classes["small"]} data-tone={note.tone}>
            {note.text}
          </div>
        )}
      </div>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Actions for execution ${execution.id}`}
          >
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconRefresh size={14} />}
            disabled={!onRunAgain}
            onClick={onRunAgain}
          >
            Run again…
          </Menu.Item>
          {!complete && (
            <Menu.Item
              leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
              disabled={!paused && execution.status !== "RUNNING"}
              onClick={() =>
                hold.mutate(execution, {
                  onError: (error) =>
                    notifications.show({
                      color: "red",
                      title: `The execution could not be ${paused ? "resumed" : "paused"}`,
                      message: errorWords(error).message,
                      autoClose: false,
                    }),
                })
              }
            >
              {paused ? "Resume" : "Pause"}
            </Menu.Item>
          )}
          <Menu.Item
            leftSection={<IconBan size={14} />}
            color="red"
            disabled={complete}
            onClick={() => onCancel(execution)}
          >
            Cancel…
          </Menu.Item>
          {settings.temporalUiUrl && (
            <Menu.Item
              component="a"
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
            </Menu.Item>
          )}
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={14} />}
            disabled={!complete && execution.status !== "NOT_STARTED"}
            onClick={() => onDelete(execution)}
          >
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </article>
  );
}

interface Note {
  text: string;
  tone: "plain" | "warning" | "bad";
}

/** The one thing to know of an execution at a glance: what it does, waits for, or failed at. */
export function noteOf(execution: Execution): Note | undefined {
  const stages = topLevelStages(execution);
  const names = (status: string) =>
    stages
      .filter((stage) => stage.status === status)
      .map((stage) => stage.name)
      .join(", ");
  const waits = waitingReason(execution);
  if (waits) return { text: waits, tone: "plain" };
  if (execution.status === "PAUSED") {
    const by = execution.paused?.pausedBy;
    const held = names("PAUSED");
    return {
      text: `Paused${by ? ` by ${by}` : ""}${held ? ` at ${held}` : ""}`,
      tone: "warning",
    };
  }
  if (!isComplete(execution.status)) {
    const judgment = stages.find(
      (stage) => stage.type === "manualJudgment" && stage.status === "RUNNING",
    );
    if (judgment) return { text: `Awaiting judgment: ${judgment.name}`, tone: "warning" };
    const running = names("RUNNING");
    return running ? { text: running, tone: "plain" } : undefined;
  }
  if (execution.status === "TERMINAL" || execution.status === "STOPPED") {
    const failed = names("TERMINAL") || names("STOPPED");
    return failed ? { text: `Failed at ${failed}`, tone: "bad" } : undefined;
  }
  if (execution.status === "CANCELED") {
    const by = execution.canceledBy ? ` by ${execution.canceledBy}` : "";
    const why = execution.cancellationReason ? `: ${execution.cancellationReason}` : "";
    return { text: `Canceled${by}${why}`, tone: "plain" };
  }
  return undefined;
}
