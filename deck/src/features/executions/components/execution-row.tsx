import { ActionIcon, Menu } from "@mantine/core";
import { IconBan, IconDots, IconExternalLink, IconRefresh } from "@tabler/icons-react";
import { Link } from "react-router";
import { currentSettings } from "@/api/client";
import { startedBy, topLevelStages } from "@/api/stage-facts";
import type { Execution } from "@/api/types";
import { triggerWords } from "@/components/execution-words";
import { StageBar } from "@/components/stage-bar";
import { paths, temporalWorkflowUrl } from "@/lib/paths";
import { isComplete, statusLook } from "@/lib/status";
import { StatusBadge, toneStyle } from "@/ui/status";
import { Duration, TimeAgo } from "@/ui/times";
import classes from "./execution-group.module.css";

interface ExecutionRowProps {
  execution: Execution;
  onCancel: (execution: Execution) => void;
  /** Undefined when its pipeline cannot be started. */
  onRunAgain: (() => void) | undefined;
}

export function ExecutionRow({ execution, onCancel, onRunAgain }: ExecutionRowProps) {
  const settings = currentSettings();
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
        <StatusBadge status={execution.status} />
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
          <Menu.Item
            leftSection={<IconBan size={14} />}
            color="red"
            disabled={isComplete(execution.status)}
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
