import { Badge, Table, Text, Title } from "@mantine/core";
import { stabilityOf, type Explanation, type TroubledPods } from "@/api/rollout-facts";
import type { Stage } from "@/api/types";
import { StageSection } from "@/components/stage-section";
import { formatAbsolute, formatClock } from "@/lib/time";
import { Facts } from "@/ui/facts";
import classes from "./stability-section.module.css";

/** Why the objects of a stage are not stable: counts, conditions, pods in trouble and warnings. */
export function StabilitySection({ stage }: { stage: Stage }) {
  const explanations = stabilityOf(stage);
  if (explanations.length === 0) return null;
  return (
    <StageSection
      title={stage.endTime ? "Why it did not become stable" : "Why it is not stable yet"}
    >
      <div className={classes["objects"]}>
        {explanations.map((explanation) => (
          <ObjectExplanation
            key={`${explanation.namespace ?? ""} ${explanation.object}`}
            explanation={explanation}
          />
        ))}
      </div>
    </StageSection>
  );
}

function ObjectExplanation({ explanation }: { explanation: Explanation }) {
  const { object, namespace, failed, at, counts, conditions, pods, events, missing } = explanation;
  return (
    <article className={classes["object"]} aria-label={object}>
      <header className={classes["head"]}>
        <Title order={4} size="h5">
          {object}
        </Title>
        {namespace && <span className={classes["dim"]}>in {namespace}</span>}
        {failed && (
          <Badge color="red" variant="light" size="sm">
            failed
          </Badge>
        )}
        {at && (
          <span className={classes["asked"]} title={formatAbsolute(at)}>
            asked at {formatClock(at)}
          </span>
        )}
      </header>
      {counts.length > 0 && (
        <Facts items={counts.map(({ name, value }) => [name, String(value)])} />
      )}
      {pods.length > 0 && (
        <Table aria-label={`Pods of ${object}`} verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={60}>Pods</Table.Th>
              <Table.Th w={170}>Reason</Table.Th>
              <Table.Th>One of them</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {pods.map((group) => (
              <Table.Tr key={group.reason}>
                <Table.Td className="tabular">{group.count}</Table.Td>
                <Table.Td className={classes["reason"]}>{group.reason}</Table.Td>
                <Table.Td className={classes["words"]}>
                  {podFacts(group)}
                  {group.message && <div>{group.message}</div>}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {conditions.length > 0 && (
        <ul className={classes["list"]} aria-label={`Conditions of ${object}`}>
          {conditions.map((condition) => (
            <li key={condition.type}>
              <span className={classes["reason"]}>
                {condition.type}={condition.status}
              </span>{" "}
              <span className={classes["words"]}>
                {[condition.reason, condition.message].filter(Boolean).join(": ")}
              </span>
            </li>
          ))}
        </ul>
      )}
      {events.length > 0 && (
        <ul className={classes["list"]} aria-label={`Warnings about ${object}`}>
          {events.map((event, index) => (
            <li key={index}>
              <span className={classes["reason"]}>{event.reason}</span>{" "}
              <span className={classes["dim"]} title={formatAbsolute(event.lastSeen ?? 0)}>
                {event.object}
                {event.count > 1 ? `, ${event.count} times` : ""}
                {event.lastSeen ? `, last at ${formatClock(event.lastSeen)}` : ""}
              </span>
              <div className={classes["words"]}>{event.message}</div>
            </li>
          ))}
        </ul>
      )}
      {missing.map((text) => (
        <Text key={text} fz="xs" c="dimmed">
          Not shown: {text}
        </Text>
      ))}
    </article>
  );
}

/** Which pod, and how its container fares: "web-1, container main, 4 restarts, last exit code 137 (OOMKilled)". */
function podFacts(group: TroubledPods): string {
  const facts = [group.pod];
  if (group.container) facts.push(`container ${group.container}`);
  if (group.restarts > 0) {
    facts.push(`${group.restarts} ${group.restarts === 1 ? "restart" : "restarts"}`);
  }
  if (group.exitCode !== undefined) {
    const why = group.exitReason ? ` (${group.exitReason})` : "";
    facts.push(`last exit code ${group.exitCode}${why}`);
  }
  return facts.join(", ");
}
