import { Stack, Text } from "@mantine/core";
import type { FieldChange, Plan, PlanAction, PlannedManifests, PlannedObject } from "@/api/types";
import type { Tone } from "@/lib/status";
import { Notice } from "@/ui/notice";
import { toneStyle } from "@/ui/status";
import classes from "./plan-view.module.css";
import { StageSection } from "./stage-section";

/** How what would happen to an object looks: always a word, never a colour alone. */
const ACTIONS: Record<PlanAction, { label: string; tone: Tone }> = {
  refused: { label: "Refused", tone: "bad" },
  created: { label: "Created", tone: "good" },
  changed: { label: "Changed", tone: "running" },
  recreated: { label: "Recreated", tone: "warning" },
  deleted: { label: "Deleted", tone: "bad" },
  disabled: { label: "Disabled", tone: "warning" },
  orphaned: { label: "Orphaned", tone: "warning" },
  untried: { label: "Not tried", tone: "waiting" },
  left: { label: "Left as it is", tone: "muted" },
};

function lookOf(action: string): { label: string; tone: Tone } {
  return ACTIONS[action as PlanAction] ?? { label: action, tone: "waiting" };
}

/** What a start would change in clusters, and what is wrong with it. */
export function PlanView({ plan }: { plan: Plan }) {
  const stages = plan.stages.filter((stage) => stage.manifests);
  const fatal = plan.problems.filter((problem) => problem.severity === "FATAL");
  const odd = plan.problems.filter((problem) => problem.severity !== "FATAL");
  return (
    <Stack gap="md" role="region" aria-label="What would change">
      {fatal.length > 0 && (
        <Notice tone="bad" title="It would not succeed">
          <Messages messages={fatal.map((problem) => problem.message)} />
        </Notice>
      )}
      {odd.length > 0 && (
        <Notice tone="warning" title="To look at">
          <Messages messages={odd.map((problem) => problem.message)} />
        </Notice>
      )}
      {stages.length === 0 && <Text>No stage of this pipeline changes a cluster.</Text>}
      {stages.map((stage) => (
        <StageSection key={stage.refId} title={stage.name}>
          <Manifests manifests={stage.manifests as PlannedManifests} />
        </StageSection>
      ))}
      {plan.unknown.length > 0 && (
        <Text size="sm" c="dimmed">
          {plan.unknown.length === 1
            ? "The value of one expression is known only when the pipeline runs."
            : `The values of ${plan.unknown.length} expressions are known only when the pipeline runs.`}
        </Text>
      )}
    </Stack>
  );
}

function Messages({ messages }: { messages: string[] }) {
  return (
    <ul className={classes["messages"]}>
      {messages.map((message, index) => (
        <li key={index}>{message}</li>
      ))}
    </ul>
  );
}

function Manifests({ manifests }: { manifests: PlannedManifests }) {
  const counts = (Object.keys(ACTIONS) as PlanAction[])
    .filter((action) => (manifests.counts[action] ?? 0) > 0)
    .map((action) => `${manifests.counts[action]} ${lookOf(action).label.toLowerCase()}`);
  return (
    <>
      <Text size="sm" c="dimmed" mb={6}>
        Account {manifests.account}
        {counts.length > 0 && `: ${counts.join(", ")}`}
      </Text>
      {manifests.message && <Text size="sm">{manifests.message}</Text>}
      {manifests.objects.length > 0 && (
        <ul className={classes["objects"]}>
          {manifests.objects.map((object, index) => (
            <li key={index}>
              <PlanObject object={object} />
            </li>
          ))}
        </ul>
      )}
      {manifests.cut ? (
        <Text size="sm" c="dimmed" mt={4}>
          {manifests.cut} more objects are not shown.
        </Text>
      ) : null}
    </>
  );
}

function PlanObject({ object }: { object: PlannedObject }) {
  const look = lookOf(object.action);
  const head = (
    <>
      <span className={classes["action"]} style={toneStyle(look.tone)}>
        {look.label}
      </span>
      <span className={classes["kind"]}>{object.kind}</span>
      <span className={classes["name"]}>{object.name}</span>
      {object.namespace && <span className={classes["where"]}>in {object.namespace}</span>}
    </>
  );
  const changes = object.changes ?? [];
  const details = object.details ?? [];
  if (!object.message && changes.length === 0 && details.length === 0) {
    return <div className={classes["plain"]}>{head}</div>;
  }
  return (
    <details open={object.action === "refused"}>
      <summary className={classes["summary"]}>{head}</summary>
      <div className={classes["body"]}>
        {object.message && <p>{object.message}</p>}
        {details.length > 0 && <Messages messages={details} />}
        {changes.length > 0 && (
          <Changes
            changes={changes}
            label={`Fields of ${object.kind} ${object.name}`}
            against={object.comparedWith}
          />
        )}
        {object.moreChanges ? <p>{object.moreChanges} more fields are not shown.</p> : null}
      </div>
    </details>
  );
}

function Changes({
  changes,
  label,
  against,
}: {
  changes: FieldChange[];
  label: string;
  against: string | undefined;
}) {
  return (
    <div className={classes["scroll"]}>
      <table className={classes["changes"]} aria-label={label}>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">{against ? `In ${against}` : "Before"}</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change, index) => (
            <tr key={index}>
              <th scope="row">{change.path}</th>
              {change.hidden ? (
                <td colSpan={2}>Changes. The value is secret.</td>
              ) : (
                <>
                  <td>
                    <Value value={change.before} tone="bad" />
                  </td>
                  <td>
                    <Value value={change.after} tone="good" />
                  </td>
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ value, tone }: { value: string | undefined; tone: Tone }) {
  if (value === undefined) return <span className={classes["absent"]}>not there</span>;
  return (
    <pre className={classes["value"]} style={toneStyle(tone)}>
      {value === "" ? "(empty)" : value}
    </pre>
  );
}
