import { rollbackOf, type Rollback } from "@/api/rollout-facts";
import { manifestsOf } from "@/api/stage-facts";
import type { Stage } from "@/api/types";
import { asText, dig } from "@/lib/records";
import { Facts } from "@/ui/facts";
import { ManifestList } from "./manifest-list";
import classes from "./manifest-stage.module.css";
import { StageSection } from "./stage-section";

interface ManifestStageProps {
  stage: Stage;
  /** What has happened to the objects: "Deployed objects". */
  title: string;
}

/** What stages that change objects of a cluster have in common: where they act, and on what. */
export function ManifestStage({ stage, title }: ManifestStageProps) {
  const manifests = manifestsOf(stage);
  const rollback = rollbackOf(stage);
  const { context } = stage;
  return (
    <>
      <Facts
        items={[
          ["Account", asText(context["account"])],
          ["Namespace", asText(context["namespaceOverride"]) || asText(context["location"])],
          ["Object", asText(context["manifestName"])],
          [
            "Strategy",
            dig(context, "trafficManagement", "enabled") === true
              ? asText(dig(context, "trafficManagement", "options", "strategy"))
              : undefined,
          ],
          ["Rollback", dig(context, "rollback", "onFailure") === true ? "on failure" : undefined],
        ]}
      />
      {rollback.length > 0 && (
        <StageSection title="Rollback">
          <ul className={classes["rollback"]}>
            {rollback.map((entry) => (
              <li key={`${entry.namespace ?? ""} ${entry.object}`}>
                <strong>{entry.object}</strong>
                {entry.namespace ? ` in ${entry.namespace}` : ""}: {rollbackText(entry)}
              </li>
            ))}
          </ul>
        </StageSection>
      )}
      {manifests.length > 0 && (
        <StageSection title={title}>
          <ManifestList label={title} manifests={manifests} />
        </StageSection>
      )}
    </>
  );
}

/** What a rollback did to one object: "rolled back to revision 3, which is stable". */
function rollbackText({ revision, stable, message, reason }: Rollback): string {
  if (revision === undefined) return `not rolled back, because ${reason ?? "it could not be"}`;
  const end = stable ? "which is stable" : "which is not stable yet";
  return `rolled back to revision ${revision}, ${end}${message ? `: ${message}` : ""}`;
}
