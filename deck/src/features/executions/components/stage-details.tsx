import { Accordion, Anchor, Text, Title } from "@mantine/core";
import { useState } from "react";
import { errorsOf, messagesOf, partsOf } from "@/api/stage-facts";
import type { Execution, Stage } from "@/api/types";
import { StageSection } from "@/components/stage-section";
import { prettyJson } from "@/lib/json";
import { asText } from "@/lib/records";
import { isFailure } from "@/lib/status";
import { stageKind } from "@/stages/registry";
import { CopyButton } from "@/ui/copy-button";
import { JsonView } from "@/ui/json-view";
import { Panel } from "@/ui/panel";
import { StatusBadge } from "@/ui/status";
import { Duration, TimeAgo } from "@/ui/times";
import { AttemptsSection } from "./attempts-section";
import { EarlierAttempts } from "./earlier-attempts";
import { StabilitySection } from "./stability-section";
import { StageControls } from "./stage-controls";
import classes from "./stage-details.module.css";
import { StageParts } from "./stage-parts";
import { StageTasks } from "./stage-tasks";
import { Notice } from "@/ui/notice";

interface StageDetailsProps {
  execution: Execution;
  stage: Stage;
  onSelect: (refId: string) => void;
}

/** Everything about the selected stage. */
export function StageDetails({ execution, stage, onSelect }: StageDetailsProps) {
  const [open, setOpen] = useState<string[]>([]);
  const kind = stageKind(stage.type);
  const KindIcon = kind.icon;
  const errors = errorsOf(stage);
  const messages = messagesOf(stage);
  const comments = asText(stage.context["comments"]);
  const parent = execution.stages.find((other) => other.id === stage.parentStageId);
  const parts = partsOf(execution, stage).length + (stage.previousAttempts?.length ?? 0);
  const showErrors = errors.length > 0 && (isFailure(stage.status) || stage.status === "CANCELED");
  return (
    <Panel padded={false}>
      <section aria-label={`Stage ${stage.name}`} data-stage-details>
        <header className={classes["header"]}>
          <Title order={2}>{stage.name}</Title>
          <StatusBadge status={stage.status} />
          <span className={classes["kind"]}>
            <KindIcon size={15} aria-hidden="true" />
            {kind.label}
          </span>
          {parent && (
            <span className={classes["kind"]}>
              {stage.syntheticStageOwner === "STAGE_AFTER" ? "after" : "before"}{" "}
              <Anchor component="button" fz="sm" onClick={() => onSelect(parent.refId)}>
                {parent.name}
              </Anchor>
            </span>
          )}
          {stage.attempt ? (
            <span className={classes["kind"]}>attempt {stage.attempt + 1}</span>
          ) : null}
          <span className={classes["timing"]}>
            {stage.startTime ? (
              <>
                started <TimeAgo time={stage.startTime} />, {stage.endTime ? "took" : "for"}{" "}
                <Duration start={stage.startTime} end={stage.endTime} precise />
              </>
            ) : stage.scheduledTime ? (
              <>
                scheduled <TimeAgo time={stage.scheduledTime} />
              </>
            ) : (
              "not started"
            )}
          </span>
          <StageControls execution={execution} stage={stage} />
        </header>

        <div className={classes["columns"]}>
          <div className={classes["main"]}>
            {showErrors && <ErrorList stage={stage} errors={errors} />}
            <AttemptsSection stage={stage} />
            {kind.Details && <kind.Details execution={execution} stage={stage} />}
            {messages.length > 0 && (
              <StageSection title={stage.endTime ? "Messages" : "Waiting for"}>
                <ul className={classes["messages"]}>
                  {messages.map((message, index) => (
                    <li key={index}>{message}</li>
                  ))}
                </ul>
              </StageSection>
            )}
            <StabilitySection stage={stage} />
            <StageParts execution={execution} stage={stage} onSelect={onSelect} />
            <EarlierAttempts stage={stage} />
            {comments && (
              <StageSection title="Comments">
                <Text fz="sm" style={{ whiteSpace: "pre-wrap" }}>
                  {comments}
                </Text>
              </StageSection>
            )}
            {!kind.Details && !showErrors && messages.length === 0 && parts === 0 && !comments && (
              <Text fz="sm" c="dimmed">
                This stage type has no view of its own; its context and outputs are below.
              </Text>
            )}
          </div>
          <div className={classes["side"]}>
            <StageTasks stage={stage} />
          </div>
        </div>

        <Accordion
          multiple
          chevronPosition="left"
          className={classes["data"]}
          value={open}
          onChange={setOpen}
          styles={{ label: { padding: "8px 0" }, control: { padding: "0 12px" } }}
        >
          <JsonItem name="Context" value={stage.context} open={open.includes("Context")} />
          <JsonItem name="Outputs" value={stage.outputs} open={open.includes("Outputs")} />
        </Accordion>
      </section>
    </Panel>
  );
}

function ErrorList({ stage, errors }: { stage: Stage; errors: string[] }) {
  return (
    <Notice
      tone={stage.status === "FAILED_CONTINUE" ? "warning" : "bad"}
      title={errors.length === 1 ? "Why it failed" : `Why it failed (${errors.length} reasons)`}
    >
      <ul className={classes["error"]}>
        {errors.map((error) => (
          <li key={error}>{error}</li>
        ))}
      </ul>
    </Notice>
  );
}

interface JsonItemProps {
  name: string;
  value: Record<string, unknown>;
  open: boolean;
}

/** Closed, it renders nothing of what can be megabytes. */
function JsonItem({ name, value, open }: JsonItemProps) {
  const count = Object.keys(value).length;
  return (
    <Accordion.Item value={name}>
      <Accordion.Control disabled={count === 0}>
        <Text component="span" fz="sm" fw={600}>
          {name}
        </Text>{" "}
        <Text component="span" fz="xs" c="dimmed">
          {count === 0 ? "empty" : `${count} ${count === 1 ? "key" : "keys"}`}
        </Text>
      </Accordion.Control>
      <Accordion.Panel>
        {open && (
          <>
            <CopyButton value={prettyJson(value)} label={`Copy ${name.toLowerCase()} as JSON`} />
            <JsonView value={value} openDepth={2} />
          </>
        )}
      </Accordion.Panel>
    </Accordion.Item>
  );
}
