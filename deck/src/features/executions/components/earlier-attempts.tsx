import { Accordion, Text } from "@mantine/core";
import { errorsOf } from "@/api/stage-facts";
import type { PreviousAttempt, Stage } from "@/api/types";
import { StageSection } from "@/components/stage-section";
import { statusLook } from "@/lib/status";
import { StatusIcon } from "@/ui/status";
import { Duration, TimeAgo } from "@/ui/times";
import classes from "./stage-details.module.css";
import { StageTasks } from "./stage-tasks";

/** What a restarted stage did before, the latest first. */
export function EarlierAttempts({ stage }: { stage: Stage }) {
  const attempts = [...(stage.previousAttempts ?? [])].reverse();
  if (attempts.length === 0) return null;
  return (
    <StageSection title={`Earlier attempts (${attempts.length})`}>
      <Accordion chevronPosition="left" styles={{ label: { padding: "6px 0" } }}>
        {attempts.map((attempt) => (
          <Accordion.Item key={attempt.attempt} value={String(attempt.attempt)}>
            <Accordion.Control>
              <span className={classes["attempt"]}>
                <StatusIcon status={attempt.status} />
                <strong>Attempt {attempt.attempt + 1}</strong>
                <span>{statusLook(attempt.status).label}</span>
                <Text component="span" fz="xs" c="dimmed">
                  <TimeAgo time={attempt.startTime} />,{" "}
                  <Duration start={attempt.startTime} end={attempt.endTime} precise />
                  {attempt.restartedBy && `, restarted by ${attempt.restartedBy}`}
                </Text>
              </span>
            </Accordion.Control>
            <Accordion.Panel>
              <Attempt stage={stage} attempt={attempt} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </StageSection>
  );
}

function Attempt({ stage, attempt }: { stage: Stage; attempt: PreviousAttempt }) {
  const past: Stage = {
    ...stage,
    status: attempt.status,
    tasks: attempt.tasks,
    context: attempt.exception ? { exception: attempt.exception } : {},
  };
  const errors = errorsOf(past);
  return (
    <>
      {errors.length > 0 && (
        <ul
          className={classes["error"]}
          aria-label={`Why attempt ${attempt.attempt + 1} failed`}
          style={{ marginBottom: 10 }}
        >
          {errors.map((error) => (
            <li key={error}>{error}</li>
          ))}
        </ul>
      )}
      <StageTasks stage={past} label={`Tasks of attempt ${attempt.attempt + 1}`} />
    </>
  );
}
