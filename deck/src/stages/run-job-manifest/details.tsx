import { Code } from "@mantine/core";
import { ManifestStage } from "@/components/manifest-stage";
import { StageSection } from "@/components/stage-section";
import { prettyJson } from "@/lib/json";
import { asText, isObject } from "@/lib/records";
import { Facts } from "@/ui/facts";
import type { StageDetailsProps } from "../details-props";

/** The Job, how it ended, and the properties it has handed back. */
export function RunJobManifestDetails({ stage }: StageDetailsProps) {
  const status = stage.outputs["jobStatus"] ?? stage.context["jobStatus"];
  const completion = stage.outputs["completionDetails"] ?? stage.context["completionDetails"];
  const properties = stage.outputs["propertyFileContents"];
  return (
    <>
      {isObject(status) && (
        <Facts
          items={[
            ["Job", asText(status["name"])],
            ["Job state", asText(status["jobState"])],
            ["Reason", asText(status["reason"])],
            ["Message", asText(status["message"])],
            ["Exit code", isObject(completion) ? asText(completion["exitCode"]) : undefined],
          ]}
        />
      )}
      <ManifestStage stage={stage} title="Job objects" />
      {isObject(properties) && (
        <StageSection title="Properties">
          <Code block>{prettyJson(properties)}</Code>
        </StageSection>
      )}
    </>
  );
}
