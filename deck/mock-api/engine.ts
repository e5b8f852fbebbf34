import type { Execution, PipelineConfig, Stage, StageTask, Trigger } from "@/api/types";
import { asList, asText, dig, isObject } from "@/lib/records";
import { isComplete, type Status } from "@/lib/status";
import { completeBehind } from "@/api/stage-facts";
import type { Db } from "./db";
import { nextId } from "./ids";

const TASKS: Record<string, string[]> = {
  deployManifest: [
    "resolveDeploySourceManifest",
    "deployManifest",
    "monitorDeploy",
    "promoteManifestKatoOutputs",
    "waitForManifestToStabilize",
    "cleanupArtifacts",
    "bindProducedArtifacts",
  ],
  deleteManifest: [
    "resolveTargetManifest",
    "deleteManifest",
    "monitorDelete",
    "promoteManifestKatoOutputs",
  ],
  runJobManifest: ["runJob", "monitorDeploy", "waitOnJobCompletion"],
  wait: ["wait"],
  manualJudgment: ["waitForJudgment"],
  pipeline: ["startPipeline", "monitorPipeline"],
};

const TASK_MS = 700;
const RETRIES = 5;
const RETRY_MS = 3_000;

/** Plays the engine: moves running executions on, a little with every tick. */
export class Engine {
  private readonly db: Db;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(db: Db) {
    this.db = db;
  }

  run(everyMs = 250): void {
    this.timer = setInterval(() => this.tick(Date.now()), everyMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  start(pipeline: PipelineConfig, trigger: Trigger, user = "anonymous"): Execution {
    const execution = planExecution(pipeline, trigger, user);
    this.db.executions.push(execution);
    this.db.publish(execution);
    return execution;
  }

  pause(execution: Execution, user: string): void {
    execution.status = "PAUSED";
    execution.paused = { pausedBy: user, pauseTime: Date.now(), paused: true };
    mark(execution, "RUNNING", "PAUSED");
    this.db.publish(execution);
  }

  resume(execution: Execution, user: string): void {
    const now = Date.now();
    execution.status = "RUNNING";
    execution.paused = {
      ...execution.paused,
      paused: false,
      resumedBy: user,
      resumeTime: now,
      pausedMs: now - (execution.paused?.pauseTime ?? now),
    };
    mark(execution, "PAUSED", "RUNNING");
    this.db.publish(execution);
  }

  /** Takes a stage, and what is complete behind it, back to its beginning. */
  restart(execution: Execution, stage: Stage, user: string): void {
    for (const again of [stage, ...completeBehind(execution, stage)]) {
      resetStage(execution, again, user);
    }
    execution.status = "RUNNING";
    execution.canceled = false;
    execution.startTime = Date.now();
    execution.endTime = null;
    this.db.publish(execution);
  }

  skip(execution: Execution, stage: Stage): void {
    endStage(stage, "SKIPPED", Date.now());
    this.db.publish(execution);
  }

  cancel(execution: Execution, user: string, reason: string | undefined): void {
    const now = Date.now();
    execution.canceled = true;
    execution.canceledBy = user;
    execution.cancellationReason = reason;
    for (const stage of execution.stages) {
      if (stage.status === "RUNNING") endStage(stage, "CANCELED", now);
    }
    execution.status = "CANCELED";
    execution.endTime = now;
    this.db.publish(execution);
  }

  /** One step of everything that runs. */
  tick(now: number): void {
    for (const execution of this.db.executions) {
      if (isComplete(execution.status) || execution.status === "PAUSED") continue;
      if (execution.status === "NOT_STARTED" && this.mustWait(execution)) continue;
      const before = JSON.stringify(execution);
      this.step(execution, now);
      if (JSON.stringify(execution) !== before) this.db.publish(execution);
    }
  }

  /** Whether the pipeline's limit lets the execution start. */
  private mustWait(execution: Execution): boolean {
    return (
      execution.limitConcurrent === true &&
      this.db.executions.some(
        (other) =>
          other.pipelineConfigId === execution.pipelineConfigId && other.status === "RUNNING",
      )
    );
  }

  private step(execution: Execution, now: number): void {
    if (execution.status === "NOT_STARTED") {
      execution.status = "RUNNING";
      execution.startTime = now;
    }
    for (const stage of execution.stages) {
      if (stage.status === "NOT_STARTED" && ready(execution, stage)) beginStage(stage, now);
      if (stage.status === "RUNNING") this.stepStage(execution, stage, now);
    }
    const running = execution.stages.some((stage) => stage.status === "RUNNING");
    const failed = execution.stages.some((stage) => stage.status === "TERMINAL");
    const startable = execution.stages.some(
      (stage) => stage.status === "NOT_STARTED" && ready(execution, stage),
    );
    if (!running && !startable) {
      execution.status = failed ? "TERMINAL" : "SUCCEEDED";
      execution.endTime = now;
    }
  }

  private stepStage(execution: Execution, stage: Stage, now: number): void {
    switch (stage.type) {
      case "wait": {
        const until = (stage.startTime ?? now) + Number(stage.context["waitTime"] ?? 0) * 1000;
        if (stage.context["skipRemainingWait"] === true || now >= until) {
          endStage(stage, "SUCCEEDED", now);
        }
        return;
      }
      case "manualJudgment": {
        const verdict = asText(stage.context["judgmentStatus"]);
        if (verdict === "continue") endStage(stage, "SUCCEEDED", now);
        if (verdict === "stop") endStage(stage, "TERMINAL", now);
        return;
      }
      case "pipeline":
        this.stepPipelineStage(execution, stage, now);
        return;
      default:
        stepTasks(stage, now);
    }
  }

  private stepPipelineStage(execution: Execution, stage: Stage, now: number): void {
    const childId = asText(stage.context["executionId"]);
    if (!childId) {
      const config = this.db.pipelines.find(
        (pipeline) => pipeline.id === asText(stage.context["pipeline"]),
      );
      if (!config) {
        failStage(
          stage,
          `The referenced pipeline cannot be located (${asText(stage.context["pipeline"])})`,
          now,
        );
        return;
      }
      const child = this.start(config, {
        type: "pipeline",
        parentPipelineId: execution.id,
        parentPipelineName: execution.name,
        parentPipelineApplication: execution.application,
        parameters: {},
      });
      stage.context["executionId"] = child.id;
      stage.context["executionName"] = child.name;
      return;
    }
    const child = this.db.executions.find((other) => other.id === childId);
    if (child && isComplete(child.status)) {
      stage.context["status"] = child.status;
      if (child.status === "SUCCEEDED") endStage(stage, "SUCCEEDED", now);
      else failStage(stage, `Exception in child pipeline stage (${child.name})`, now);
    }
  }
}

export function planExecution(
  pipeline: PipelineConfig,
  trigger: Trigger,
  user: string,
  time = Date.now(),
): Execution {
  return {
    type: "PIPELINE",
    id: nextId(time),
    application: pipeline.application,
    name: pipeline.name,
    pipelineConfigId: pipeline.id,
    status: "NOT_STARTED",
    buildTime: time,
    canceled: false,
    limitConcurrent: pipeline["limitConcurrent"] === true,
    maxConcurrentExecutions: 0,
    keepWaitingPipelines: pipeline["keepWaitingPipelines"] === true,
    authentication: { user, allowedAccounts: ["local"] },
    trigger: { user, artifacts: [], ...trigger },
    stages: (pipeline.stages ?? []).map((config, index) => {
      const { refId, type, name, requisiteStageRefIds, ...context } = config;
      return {
        id: nextId(time),
        refId: refId ?? String(index),
        type,
        name: name ?? type,
        status: "NOT_STARTED",
        context: structuredClone(context),
        outputs: {},
        tasks: [],
        requisiteStageRefIds: requisiteStageRefIds ?? [],
      };
    }),
  };
}

function mark(execution: Execution, from: Status, to: Status): void {
  for (const stage of execution.stages.filter((one) => one.status === from)) {
    stage.status = to;
    for (const task of stage.tasks) if (task.status === from) task.status = to;
  }
}

/** What the engine forgets of a stage that runs again, and what it keeps. */
export function resetStage(execution: Execution, stage: Stage, user: string): void {
  const attempt = stage.attempt ?? 0;
  const exception = stage.context["exception"];
  stage.previousAttempts = [
    ...(stage.previousAttempts ?? []),
    {
      attempt,
      status: stage.status,
      startTime: stage.startTime,
      endTime: stage.endTime,
      tasks: stage.tasks,
      restartedBy: user,
      ...(isObject(exception) ? { exception } : {}),
    },
  ];
  stage.attempt = attempt + 1;
  stage.status = "NOT_STARTED";
  stage.startTime = null;
  stage.endTime = null;
  stage.tasks = [];
  for (const key of ["exception", "attempts", "judgmentStatus", "judgmentInput"]) {
    delete stage.context[key];
  }
  execution.stages = execution.stages.filter((other) => other.parentStageId !== stage.id);
}

function ready(execution: Execution, stage: Stage): boolean {
  return stage.requisiteStageRefIds.every((refId) =>
    execution.stages.some(
      (other) =>
        other.refId === refId && ["SUCCEEDED", "FAILED_CONTINUE", "SKIPPED"].includes(other.status),
    ),
  );
}

export function beginStage(stage: Stage, now: number): void {
  stage.status = "RUNNING";
  stage.startTime = now;
  stage.tasks = (TASKS[stage.type] ?? [stage.type]).map((name, index): StageTask => ({
    id: String(index + 1),
    name,
    implementingClass: name,
    status: index === 0 ? "RUNNING" : "NOT_STARTED",
    startTime: index === 0 ? now : null,
  }));
}

export function endStage(stage: Stage, status: Status, now: number): void {
  stage.status = status;
  stage.endTime = now;
  delete stage.context["messages"];
  for (const task of stage.tasks) {
    if (task.status === "RUNNING") {
      task.status = status;
      task.endTime = now;
    }
  }
  if (status !== "SUCCEEDED") return;
  const manifests = asList(stage.context["manifests"]).filter(isObject);
  if (stage.type === "deployManifest" && manifests.length > 0) {
    const deployed = manifests.map((manifest) => ({
      ...manifest,
      metadata: {
        namespace: asText(stage.context["namespaceOverride"]) ?? "default",
        ...(isObject(manifest["metadata"]) ? manifest["metadata"] : {}),
        labels: { "app.kubernetes.io/managed-by": "spinnaker" },
      },
    }));
    stage.outputs["outputs.manifests"] = deployed;
    stage.outputs["outputs.manifestNamesByNamespace"] = {
      [asText(stage.context["namespaceOverride"]) ?? "default"]: deployed.map(
        (manifest) =>
          `${(asText(dig(manifest, "kind")) ?? "").toLowerCase()} ${asText(dig(manifest, "metadata", "name"))}`,
      ),
    };
  }
  if (stage.type === "deleteManifest") {
    stage.outputs["outputs.manifestNamesByNamespace"] = {
      [asText(stage.context["location"]) ?? "default"]: ["deployment shop-canary"],
    };
  }
}

export function failStage(stage: Stage, error: string, now: number): void {
  stage.context["exception"] = {
    exceptionType: "ClouddriverException",
    operation: stage.type,
    shouldRetry: false,
    details: { error: "Unexpected Task Failure", errors: [error] },
  };
  endStage(stage, "TERMINAL", now);
}

function stepTasks(stage: Stage, now: number): void {
  const current = stage.tasks.find((task) => task.status === "RUNNING");
  if (!current) return;
  const mock = stage.context["mock"];
  if (mock === "flaky" && current.name === "deployManifest" && stillRetrying(stage, current, now)) {
    return;
  }
  if (current.name === "waitForManifestToStabilize") {
    stage.context["messages"] = [
      "Deployment shop: waiting for 2 of 3 replicas to become available",
    ];
  }
  if (now - (current.startTime ?? now) < TASK_MS) return;
  if (mock === "fail" && current.name === "deployManifest") {
    failStage(
      stage,
      'Deployment.apps "shop" is invalid: spec.template.spec.containers[0].image: Required value',
      now,
    );
    return;
  }
  current.status = "SUCCEEDED";
  current.endTime = now;
  const next = stage.tasks.find((task) => task.status === "NOT_STARTED");
  if (next) {
    next.status = "RUNNING";
    next.startTime = now;
  } else {
    endStage(stage, "SUCCEEDED", now);
  }
}

/** A call that fails a few times, each try published on the stage, and then works. */
function stillRetrying(stage: Stage, task: StageTask, now: number): boolean {
  const attempts = asList(stage.context["attempts"]);
  const last = attempts.at(-1);
  const next = Number(dig(last, "nextRetryTime") ?? 0);
  if (now < next) return true;
  if (attempts.length >= RETRIES) {
    // As the engine does once the task has made it.
    if (isObject(last)) delete last["nextRetryTime"];
    return false;
  }
  stage.context["attempts"] = [
    ...attempts,
    {
      task: task.name,
      attempt: attempts.length + 1,
      error:
        'Patch "https://127.0.0.1:6443/apis/apps/v1/namespaces/shop": dial tcp 127.0.0.1:6443: connect: connection refused',
      time: now,
      nextRetryTime: now + RETRY_MS,
    },
  ];
  return true;
}
