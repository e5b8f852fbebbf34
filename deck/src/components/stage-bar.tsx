import { Tooltip } from "@mantine/core";
import { Link } from "react-router";
import { topLevelStages } from "@/api/stage-facts";
import type { Execution, Stage } from "@/api/types";
import { topologicalOrder } from "@/lib/graph";
import { paths } from "@/lib/paths";
import { statusLook, type Tone } from "@/lib/status";
import { elapsed, formatDuration } from "@/lib/time";
import { toneStyle } from "@/ui/status";
import { useNow } from "@/ui/use-now";
import classes from "./stage-bar.module.css";

/** From so many stages on, segments touch and have the browser's own tooltips, which cost nothing. */
const DENSE = 60;

/** One coloured segment per stage, in the order they run; each leads to its stage. */
export function StageBar({ execution }: { execution: Execution }) {
  const stages = topologicalOrder(topLevelStages(execution));
  const dense = stages.length > DENSE;
  return (
    <ol className={classes["bar"]} aria-label="Stages" data-dense={dense}>
      {stages.map((stage) => (
        <li key={stage.id} className={classes["item"]}>
          <Segment execution={execution} stage={stage} dense={dense} />
        </li>
      ))}
    </ol>
  );
}

interface SegmentProps {
  execution: Execution;
  stage: Stage;
  dense: boolean;
}

function Segment({ execution, stage, dense }: SegmentProps) {
  const look = statusLook(stage.status);
  const judgment = stage.type === "manualJudgment" && stage.status === "RUNNING";
  const tone: Tone = judgment ? "warning" : look.tone;
  const word = judgment ? "Awaiting judgment" : look.label;
  const link = (
    <Link
      className={classes["segment"]}
      style={toneStyle(tone)}
      data-status={stage.status}
      to={paths.execution(execution.application, execution.id, stage.refId)}
      aria-label={`${stage.name}: ${word}`}
      title={dense ? `${stage.name}: ${word}` : undefined}
    />
  );
  if (dense) return link;
  return (
    <Tooltip label={<SegmentTip stage={stage} word={word} />} openDelay={80}>
      {link}
    </Tooltip>
  );
}

function SegmentTip({ stage, word }: { stage: Stage; word: string }) {
  const now = useNow(!stage.endTime);
  const millis = elapsed(stage.startTime, stage.endTime, now);
  return (
    <span>
      <strong>{stage.name}</strong>
      <br />
      {word}
      {millis !== undefined && ` · ${formatDuration(millis, { precise: Boolean(stage.endTime) })}`}
    </span>
  );
}
