/** The pipelines that the mock API begins with. */
import type { PipelineConfig } from "@/api/types";
import { READ_ONLY_APPLICATION } from "./scenarios";

function deployment(name: string, image: string) {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels: { app: "shop" } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "shop", image, ports: [{ containerPort: 8080 }] }] },
      },
    },
  };
}

function service(name: string) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  };
}

const kubernetes = { account: "local", cloudProvider: "kubernetes", moniker: { app: "shop" } };

export const release: PipelineConfig = {
  id: "8f2c1b7e-6f6b-4c0c-9a5e-1f7f6c5f0a01",
  application: "shop",
  name: "Release to production",
  description: "Canary, tests, a person's word, then all of production.",
  limitConcurrent: false,
  keepWaitingPipelines: false,
  spelEvaluator: "v4",
  updateTs: "0",
  parameterConfig: [
    {
      name: "version",
      label: "Version",
      description: "The image tag to release.",
      required: true,
      default: "2.14.1",
    },
    {
      name: "region",
      label: "Region",
      hasOptions: true,
      options: [{ value: "eu-west" }, { value: "us-east" }, { value: "ap-south" }],
      default: "eu-west",
    },
    { name: "ticket", label: "Change ticket", description: "Shown in the audit log." },
  ],
  triggers: [
    { type: "jenkins", enabled: true, master: "ci", job: "shop/build" },
    { type: "cron", enabled: true, cronExpression: "0 0 4 ? * MON-FRI" },
  ],
  stages: [
    {
      refId: "1",
      type: "deployManifest",
      name: "Deploy canary",
      requisiteStageRefIds: [],
      ...kubernetes,
      namespaceOverride: "shop",
      manifests: [deployment("shop-canary", "registry.example/shop:2.14.1")],
    },
    {
      refId: "2",
      type: "runJobManifest",
      name: "Smoke tests",
      requisiteStageRefIds: ["1"],
      ...kubernetes,
      namespaceOverride: "shop",
    },
    {
      refId: "3",
      type: "wait",
      name: "Soak",
      requisiteStageRefIds: ["1"],
      waitTime: 90,
      skipWaitText: "The canary has not been watched for long. Skip anyway?",
    },
    {
      refId: "4",
      type: "manualJudgment",
      name: "Promote to production?",
      requisiteStageRefIds: ["2", "3"],
      instructions:
        "Look at the canary's error rate and latency for the last minutes.\nContinue only when both are at or below the level of production.",
      judgmentInputs: [{ value: "all regions" }, { value: "one region first" }],
    },
    {
      refId: "5",
      type: "deployManifest",
      name: "Deploy production",
      requisiteStageRefIds: ["4"],
      ...kubernetes,
      namespaceOverride: "shop",
      manifests: [deployment("shop", "registry.example/shop:2.14.1"), service("shop")],
    },
    {
      refId: "6",
      type: "pipeline",
      name: "Warm caches",
      requisiteStageRefIds: ["5"],
      application: "shop",
      pipeline: "8f2c1b7e-6f6b-4c0c-9a5e-1f7f6c5f0a03",
      waitForCompletion: true,
    },
    {
      refId: "7",
      type: "deleteManifest",
      name: "Remove canary",
      requisiteStageRefIds: ["5"],
      ...kubernetes,
      location: "shop",
      mode: "label",
      kinds: ["deployment"],
    },
  ],
};

export const staging: PipelineConfig = {
  id: "8f2c1b7e-6f6b-4c0c-9a5e-1f7f6c5f0a02",
  application: "shop",
  name: "Deploy to staging",
  updateTs: "0",
  triggers: [{ type: "git", enabled: true, source: "github", project: "example", slug: "shop" }],
  stages: [
    {
      refId: "1",
      type: "deployManifest",
      name: "Deploy staging",
      requisiteStageRefIds: [],
      ...kubernetes,
      namespaceOverride: "staging",
      manifests: [deployment("shop", "registry.example/shop:main"), service("shop")],
      mock: "flaky",
    },
    {
      refId: "2",
      type: "runJobManifest",
      name: "Integration tests",
      requisiteStageRefIds: ["1"],
      ...kubernetes,
    },
  ],
};

export const warm: PipelineConfig = {
  id: "8f2c1b7e-6f6b-4c0c-9a5e-1f7f6c5f0a03",
  application: "shop",
  name: "Warm caches",
  updateTs: "0",
  triggers: [],
  stages: [
    { refId: "1", type: "wait", name: "Settle", waitTime: 4, requisiteStageRefIds: [] },
    {
      refId: "2",
      type: "runJobManifest",
      name: "Warm",
      requisiteStageRefIds: ["1"],
      ...kubernetes,
    },
  ],
};

export const migrate: PipelineConfig = {
  id: "8f2c1b7e-6f6b-4c0c-9a5e-1f7f6c5f0a04",
  application: "shop",
  name: "Migrate database",
  updateTs: "0",
  disabled: true,
  triggers: [],
  stages: [
    {
      refId: "1",
      type: "runJobManifest",
      name: "Migrate",
      requisiteStageRefIds: [],
      ...kubernetes,
    },
  ],
};

export const settle: PipelineConfig = {
  id: "8f2c1b7e-6f6b-4c0c-9a5e-1f7f6c5f0a05",
  application: "payments",
  name: "Nightly settlement",
  description: "One at a time: two would settle the same invoices.",
  limitConcurrent: true,
  keepWaitingPipelines: true,
  updateTs: "0",
  triggers: [{ type: "cron", enabled: true, cronExpression: "0 0 2 ? * *" }],
  stages: [
    {
      refId: "1",
      type: "deployManifest",
      name: "Deploy settler",
      requisiteStageRefIds: [],
      ...kubernetes,
      namespaceOverride: "payments",
    },
    {
      refId: "2",
      type: "runJobManifest",
      name: "Settle invoices",
      requisiteStageRefIds: ["1"],
      ...kubernetes,
    },
    {
      refId: "3",
      type: "pipeline",
      name: "Warm caches",
      requisiteStageRefIds: ["1"],
      application: "shop",
      pipeline: "8f2c1b7e-6f6b-4c0c-9a5e-1f7f6c5f0a03",
      skippable: true,
    },
    {
      refId: "4",
      type: "manualJudgment",
      name: "Books balanced?",
      requisiteStageRefIds: ["2"],
      instructions: "Compare the sums of both ledgers.",
    },
    {
      refId: "5",
      type: "runJobManifest",
      name: "Send statements",
      requisiteStageRefIds: ["4"],
      ...kubernetes,
    },
  ],
};

/** Of an application that may only be read. */
export const recount: PipelineConfig = {
  id: "recount-id",
  application: READ_ONLY_APPLICATION,
  name: "Recount stock",
  description: "Counts every warehouse again.",
  stages: [{ refId: "1", type: "wait", name: "Wait for the night", waitTime: 36_000 }],
};
