import type { PipelineConfig, Stage } from "@/api/types";
import { humanize } from "@/lib/names";
import { asList, asText, isObject, type JsonObject } from "@/lib/records";

/** What a new pipeline starts from. */
export function emptyPipeline(application: string): JsonObject {
  return {
    application,
    name: "",
    limitConcurrent: true,
    keepWaitingPipelines: false,
    spelEvaluator: "v4",
    parameterConfig: [],
    triggers: [],
    stages: [],
  };
}

/** A small pipeline that shows how stages are joined. */
export function examplePipeline(application: string): JsonObject {
  return {
    ...emptyPipeline(application),
    name: "deploy-example",
    stages: [
      {
        refId: "1",
        type: "wait",
        name: "Wait a moment",
        waitTime: 10,
        requisiteStageRefIds: [],
      },
      {
        refId: "2",
        type: "manualJudgment",
        name: "Deploy?",
        instructions: "Continue to deploy the example to the namespace default.",
        judgmentInputs: [],
        requisiteStageRefIds: ["1"],
      },
      {
        refId: "3",
        type: "deployManifest",
        name: "Deploy",
        account: "local",
        cloudProvider: "kubernetes",
        source: "text",
        moniker: { app: application },
        requisiteStageRefIds: ["2"],
        manifests: [
          {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name: `${application}-example`, namespace: "default" },
            data: { greeting: "hello" },
          },
        ],
      },
    ],
  };
}

/**
 * A pasted pipeline made ready to be created: it belongs to this application, under this name, and
 * what the server had noted about the original is left behind. Everything else stays as it came.
 */
export function asNewPipeline(
  value: JsonObject,
  options: { application: string; name: string; keepId: boolean },
): PipelineConfig {
  const { id, index, updateTs, lastModifiedBy, lastModified, createTs, ...rest } = value;
  void [index, updateTs, lastModifiedBy, lastModified, createTs];
  return {
    ...rest,
    ...(options.keepId && id !== undefined ? { id: asText(id) } : {}),
    application: options.application,
    name: options.name,
  };
}

/** What is wrong with a pipeline's name, or undefined. The server has the last word. */
export function pipelineNameFault(name: string, taken: string[]): string | undefined {
  const trimmed = name.trim();
  if (trimmed === "") return "Enter a name.";
  if (/[/\\?%#]/.test(trimmed)) return "A name has none of / \\ ? % #.";
  if (taken.some((other) => other.toLowerCase() === trimmed.toLowerCase())) {
    return `A pipeline named ${trimmed} already exists in this application.`;
  }
  return undefined;
}

/** The stages of a configuration as the graph takes them; what cannot be drawn is left out. */
export function previewStages(pipeline: JsonObject): Stage[] {
  const configured = asList(pipeline["stages"]).filter(isObject);
  const anyRef = configured.some((stage) => asText(stage["refId"]));
  return configured.map((stage, index) => {
    const type = asText(stage["type"]) ?? "unknown";
    // Stages without any refId run one after the other.
    const refId = asText(stage["refId"]) ?? String(index);
    const requisites = asText(stage["requisiteStageRefIds"])
      ? [asText(stage["requisiteStageRefIds"]) as string]
      : asList(stage["requisiteStageRefIds"])
          .map(asText)
          .filter((text): text is string => text !== undefined);
    return {
      id: refId,
      refId,
      type,
      name: asText(stage["name"]) || humanize(type),
      status: "NOT_STARTED",
      context: stage,
      outputs: {},
      tasks: [],
      requisiteStageRefIds: anyRef || index === 0 ? requisites : [String(index - 1)],
    };
  });
}

/** The kinds of a pipeline's triggers that are switched on, for a list: "git, cron". */
export function triggerSummary(pipeline: PipelineConfig): string {
  const enabled = asList(pipeline.triggers)
    .filter(isObject)
    .filter((trigger) => trigger["enabled"] !== false)
    .map((trigger) => asText(trigger["type"]) ?? "unknown");
  return [...new Set(enabled)].join(", ");
}
