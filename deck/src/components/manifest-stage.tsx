import { manifestsOf } from "@/api/stage-facts";
import type { Stage } from "@/api/types";
import { asText, dig } from "@/lib/records";
import { Facts } from "@/ui/facts";
import { ManifestList } from "./manifest-list";
import { StageSection } from "./stage-section";

interface ManifestStageProps {
  stage: Stage;
  /** What has happened to the objects: "Deployed objects". */
  title: string;
}

/** What stages that change objects of a cluster have in common: where they act, and on what. */
export function ManifestStage({ stage, title }: ManifestStageProps) {
  const manifests = manifestsOf(stage);
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
        ]}
      />
      {manifests.length > 0 && (
        <StageSection title={title}>
          <ManifestList label={title} manifests={manifests} />
        </StageSection>
      )}
    </>
  );
}
