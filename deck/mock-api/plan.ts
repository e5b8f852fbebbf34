import type { PipelineConfig, Plan, PlannedStage, StartRequest } from "@/api/types";
import { asText } from "@/lib/records";

/** A plan in which everything happens that can: of each stage that deploys, the same. */
export function planOf(pipeline: PipelineConfig & { trigger?: StartRequest }): Plan {
  const version = asText(pipeline.trigger?.parameters["version"]) ?? "1.0";
  const stages = (pipeline.stages ?? []).map((stage): PlannedStage => {
    const planned = {
      refId: stage.refId ?? "",
      type: stage.type,
      name: stage.name ?? stage.type,
    };
    if (stage.type !== "deployManifest") return planned;
    return {
      ...planned,
      manifests: {
        account: asText(stage["account"]) ?? "prod",
        counts: { created: 1, changed: 2, left: 1, orphaned: 1, refused: 1 },
        objects: [
          {
            kind: "configMap",
            namespace: "shop",
            name: "settings-v002",
            action: "created",
            comparedWith: "settings-v001",
            changes: [{ path: "data.color", before: "red", after: "blue" }],
          },
          {
            kind: "deployment",
            namespace: "shop",
            name: "web",
            action: "changed",
            changes: [
              {
                path: "spec.template.spec.containers[name=web].image",
                before: "web:2.14.0",
                after: `web:${version}`,
              },
              { path: "spec.paused", before: "true" },
            ],
            moreChanges: 2,
          },
          {
            kind: "secret",
            namespace: "shop",
            name: "token",
            action: "changed",
            changes: [{ path: "data.password", hidden: true }],
          },
          { kind: "service", namespace: "shop", name: "web", action: "left" },
          {
            kind: "ingress",
            namespace: "shop",
            name: "web",
            action: "refused",
            message: "Account could not apply ingress web in namespace shop.",
            details: ["spec.rules[0].host: Invalid value"],
          },
          {
            kind: "configMap",
            namespace: "shop",
            name: "former",
            action: "orphaned",
            message:
              "The stage deployed it before, and it is not among the manifests any more. It stays as it is.",
          },
        ],
      },
    };
  });
  return {
    stages,
    problems: stages
      .filter((stage) => stage.manifests)
      .map((stage) => ({
        severity: "FATAL",
        refId: stage.refId,
        message: `The stage '${stage.name}' would fail at ingress web in shop.`,
      })),
    unknown: [],
  };
}
