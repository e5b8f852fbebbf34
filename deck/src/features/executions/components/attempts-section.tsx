import { Table, Text } from "@mantine/core";
import { IconRefreshAlert } from "@tabler/icons-react";
import { attemptsOf, pendingRetry, type Attempt } from "@/api/stage-facts";
import type { Stage } from "@/api/types";
import { humanize } from "@/lib/names";
import { StageSection } from "@/components/stage-section";
import { formatAbsolute, formatClock, formatDuration } from "@/lib/time";
import { useNow } from "@/ui/use-now";
import classes from "./stage-details.module.css";
import { Notice } from "@/ui/notice";

/** Outside calls that failed and are tried again: the one waited for now, and those before. */
export function AttemptsSection({ stage }: { stage: Stage }) {
  const attempts = attemptsOf(stage);
  const pending = pendingRetry(stage);
  if (attempts.length === 0) return null;
  return (
    <>
      {pending && <PendingRetry attempt={pending} />}
      {(attempts.length > 1 || !pending) && (
        <StageSection title={`Failed attempts (${attempts.length})`}>
          <Table aria-label="Failed attempts" verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={70}>Attempt</Table.Th>
                <Table.Th w={150}>Task</Table.Th>
                <Table.Th>Error</Table.Th>
                <Table.Th w={110}>Time</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {[...attempts].reverse().map((attempt, index) => (
                <Table.Tr key={index}>
                  <Table.Td className="tabular">{attempt.attempt || "–"}</Table.Td>
                  <Table.Td>{attempt.task ? humanize(attempt.task) : "–"}</Table.Td>
                  <Table.Td className={classes["retryError"]}>
                    {attempt.error === newer(attempts, index)?.error ? (
                      <Text component="span" fz="xs" c="dimmed">
                        the same error
                      </Text>
                    ) : (
                      attempt.error
                    )}
                  </Table.Td>
                  <Table.Td
                    className="tabular"
                    title={attempt.time ? formatAbsolute(attempt.time) : undefined}
                  >
                    {attempt.time ? formatClock(attempt.time) : "–"}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </StageSection>
      )}
    </>
  );
}

/** The attempt above this one in the table, which has the newest first. */
function newer(attempts: Attempt[], index: number): Attempt | undefined {
  return index === 0 ? undefined : attempts[attempts.length - index];
}

function PendingRetry({ attempt }: { attempt: Attempt }) {
  const now = useNow();
  const left = (attempt.nextRetryTime ?? now) - now;
  const next = left >= 1_000 ? `next in ${formatDuration(left)}` : "trying again now";
  return (
    <Notice
      tone="warning"
      title={`Retrying: attempt ${attempt.attempt || 1} failed, ${next}`}
      icon={<IconRefreshAlert size={17} />}
    >
      <span className={classes["retryError"]}>{attempt.error}</span>
    </Notice>
  );
}
