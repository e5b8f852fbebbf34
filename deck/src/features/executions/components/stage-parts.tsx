import { Anchor, Text } from "@mantine/core";
import { partsOf } from "@/api/stage-facts";
import type { Execution, Stage } from "@/api/types";
import { StageSection } from "@/components/stage-section";
import { StatusIcon } from "@/ui/status";
import { Duration } from "@/ui/times";
import classes from "./stage-details.module.css";

interface StagePartsProps {
  execution: Execution;
  stage: Stage;
  onSelect: (refId: string) => void;
}

/** The stages that a stage has put before and after its own tasks, and theirs in turn. */
export function StageParts({ execution, stage, onSelect }: StagePartsProps) {
  if (partsOf(execution, stage).length === 0) return null;
  return (
    <StageSection title="Parts of this stage">
      <Parts execution={execution} stage={stage} onSelect={onSelect} label="Parts of this stage" />
    </StageSection>
  );
}

function Parts({ execution, stage, onSelect, label }: StagePartsProps & { label: string }) {
  const parts = partsOf(execution, stage);
  if (parts.length === 0) return null;
  return (
    <ul className={classes["parts"]} aria-label={label}>
      {parts.map((part) => (
        <li key={part.id}>
          <span className={classes["part"]}>
            <StatusIcon status={part.status} />
            <Anchor component="button" fz="sm" ta="left" onClick={() => onSelect(part.refId)}>
              {part.name}
            </Anchor>
            <Text component="span" fz="xs" c="dimmed">
              {part.syntheticStageOwner === "STAGE_AFTER" ? "after" : "before"}
              {part.startTime ? ", " : ""}
              {part.startTime ? (
                <Duration start={part.startTime} end={part.endTime} precise />
              ) : null}
            </Text>
          </span>
          <Parts
            execution={execution}
            stage={part}
            onSelect={onSelect}
            label={`Parts of ${part.name}`}
          />
        </li>
      ))}
    </ul>
  );
}
