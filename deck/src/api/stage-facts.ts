/** Reads what people want to know out of a stage's free-form context and outputs. */
import { asList, asText, dig, isObject, type JsonObject } from "@/lib/records";
import { isComplete } from "@/lib/status";
import { toMillis } from "@/lib/time";
import type { Execution, Stage } from "./types";

/** One try of an outside call that failed and is tried again. */
export interface Attempt {
  task: string;
  attempt: number;
  error: string;
  time?: number;
  nextRetryTime?: number;
}

export function attemptsOf(stage: Stage): Attempt[] {
  return asList(stage.context["attempts"])
    .filter(isObject)
    .map((entry) => ({
      task: asText(entry["task"]) ?? "",
      attempt: Number(entry["attempt"]) || 0,
      error: textOf(entry["error"]) ?? "No reason was given.",
      time: toMillis(entry["time"]),
      nextRetryTime: toMillis(entry["nextRetryTime"]),
    }));
}

/**
 * The failed attempt after which another one is to come. The engine takes the time of the next one
 * away when the task has made it.
 */
export function pendingRetry(stage: Stage): Attempt | undefined {
  if (stage.status !== "RUNNING") return undefined;
  const last = attemptsOf(stage).at(-1);
  return last?.nextRetryTime === undefined ? undefined : last;
}

/** Every reason the stage gives for its failure, most telling first, each once. */
export function errorsOf(stage: Stage): string[] {
  const exception = stage.context["exception"];
  const found = [
    ...asList(dig(exception, "details", "errors")).map(textOf),
    ...asList(stage.context["kato.tasks"]).map((task) => textOf(dig(task, "exception", "message"))),
    ...stage.tasks.flatMap((task) => {
      const details = task.taskExceptionDetails;
      const inner = isObject(details?.["exception"]) ? details["exception"] : details;
      return [
        ...asList(dig(inner, "details", "errors")).map(textOf),
        textOf(dig(inner, "message")),
      ];
    }),
  ].filter((text): text is string => Boolean(text?.trim()));
  if (found.length === 0) {
    const shown =
      textOf(dig(exception, "details", "error")) ??
      textOf(dig(exception, "message")) ??
      textOf(dig(exception, "exceptionType"));
    if (shown) found.push(shown);
  }
  // A reason that another one quotes whole says nothing new.
  return [...new Set(found)].filter(
    (text, _, all) => !all.some((other) => other !== text && other.includes(text)),
  );
}

/** What a stage that waits for objects to become stable says meanwhile. */
export function messagesOf(stage: Stage): string[] {
  return asList(stage.context["messages"])
    .map((entry) => (isObject(entry) ? textOf(entry["message"]) : textOf(entry)))
    .filter((text): text is string => Boolean(text));
}

export interface ManifestRef {
  kind: string;
  name: string;
  namespace?: string;
  manifest?: JsonObject;
}

/** The objects a stage has written or removed: whole where it says so, by name otherwise. */
export function manifestsOf(stage: Stage): ManifestRef[] {
  const whole = [stage.outputs, stage.context]
    .map((source) => asList(source["outputs.manifests"]).filter(isObject))
    .find((list) => list.length > 0);
  if (whole) {
    return whole.map((manifest) => ({
      kind: asText(manifest["kind"]) ?? "Object",
      name: asText(dig(manifest, "metadata", "name")) ?? "(no name)",
      namespace: asText(dig(manifest, "metadata", "namespace")),
      manifest,
    }));
  }
  const byNamespace = [stage.outputs, stage.context]
    .map((source) => source["outputs.manifestNamesByNamespace"])
    .find(isObject);
  if (!byNamespace) return [];
  return Object.entries(byNamespace).flatMap(([namespace, names]) =>
    asList(names)
      .map(asText)
      .filter((text): text is string => Boolean(text))
      .map((fullName) => {
        const [kind = "Object", ...name] = fullName.split(" ");
        return {
          kind,
          name: name.join(" ") || fullName,
          namespace: namespace === "_" ? undefined : namespace,
        };
      }),
  );
}

export interface Judgment {
  instructions?: string;
  inputs: string[];
  /** Waiting for a person. */
  open: boolean;
  /** "continue" or "stop" once judged. */
  verdict?: "continue" | "stop";
  input?: string;
  judgedBy?: string;
  judgedAt?: number;
}

export function judgmentOf(stage: Stage): Judgment {
  const verdict = asText(stage.context["judgmentStatus"])?.toLowerCase();
  const judged = verdict === "continue" || verdict === "stop" ? verdict : undefined;
  return {
    instructions: asText(stage.context["instructions"])?.trim() || undefined,
    inputs: asList(stage.context["judgmentInputs"])
      .map((input) => asText(isObject(input) ? input["value"] : input))
      .filter((text): text is string => Boolean(text)),
    open: stage.status === "RUNNING" && !judged,
    verdict: judged,
    input: asText(stage.context["judgmentInput"]) || undefined,
    judgedBy: judged
      ? (stage.lastModified?.user ?? asText(stage.context["lastModifiedBy"]) ?? undefined)
      : undefined,
    judgedAt: judged ? toMillis(stage.lastModified?.lastModifiedTime) : undefined,
  };
}

export interface Wait {
  /** Milliseconds the stage was told to wait; undefined when it is an expression not yet known. */
  total?: number;
  endsAt?: number;
  skipText?: string;
  skipped: boolean;
}

export function waitOf(stage: Stage): Wait {
  const seconds = Number(stage.context["waitTime"]);
  const total = Number.isFinite(seconds) ? Math.max(0, seconds) * 1000 : undefined;
  return {
    total,
    endsAt: total !== undefined && stage.startTime ? stage.startTime + total : undefined,
    skipText: asText(stage.context["skipWaitText"])?.trim() || undefined,
    skipped: stage.context["skipRemainingWait"] === true,
  };
}

/** A stage that stands still until a person acts. */
export function awaitsJudgment(stage: Stage): boolean {
  if (stage.type !== "manualJudgment" || stage.status !== "RUNNING") return false;
  return judgmentOf(stage).open;
}

/** The stage of the pipeline itself that a stage is a part of, at any depth. */
export function topOf(execution: Execution, stage: Stage): Stage {
  let top = stage;
  // A stage has fewer ancestors than there are stages.
  for (let depth = 0; top.parentStageId && depth < execution.stages.length; depth++) {
    const parent = execution.stages.find((other) => other.id === top.parentStageId);
    if (!parent) break;
    top = parent;
  }
  return top;
}

/** The stages that a stage has put before and after its own tasks, in the order in which they run. */
export function partsOf(execution: Execution, stage: Stage): Stage[] {
  const parts = execution.stages.filter((other) => other.parentStageId === stage.id);
  const after = (part: Stage) => (part.syntheticStageOwner === "STAGE_AFTER" ? 1 : 0);
  return parts.sort((a, b) => after(a) - after(b));
}

/** All that the pipeline's own stages are made of, at any depth, by the ids of those stages. */
export function partsByTop(execution: Execution): ReadonlyMap<string, Stage[]> {
  const parts = new Map<string, Stage[]>();
  const add = (top: Stage, stage: Stage, depth: number) => {
    if (depth > execution.stages.length) return;
    for (const part of partsOf(execution, stage)) {
      parts.set(top.id, [...(parts.get(top.id) ?? []), part]);
      add(top, part, depth + 1);
    }
  };
  if (execution.stages.some((stage) => stage.parentStageId)) {
    for (const top of topLevelStages(execution)) add(top, top, 0);
  }
  return parts;
}

/** The complete stages behind a stage, at any distance: they run again with it. */
export function completeBehind(execution: Execution, stage: Stage): Stage[] {
  const stages = topLevelStages(execution);
  const reached = new Set([stage.refId]);
  for (let size = 0; size !== reached.size;) {
    size = reached.size;
    for (const other of stages) {
      if (other.requisiteStageRefIds.some((refId) => reached.has(refId))) reached.add(other.refId);
    }
  }
  return stages.filter(
    (other) => other.id !== stage.id && reached.has(other.refId) && isComplete(other.status),
  );
}

export interface RestartChoice {
  /** The stage that would run again: that of the pipeline, when a part of one is looked at. */
  stage: Stage;
  /** Why it cannot, as things are. */
  fault?: string;
}

/** Whether there is a restart to offer for a stage, and what stands in its way. */
export function restartOf(execution: Execution, part: Stage): RestartChoice | undefined {
  const stage = topOf(execution, part);
  if (!isComplete(stage.status)) return undefined;
  if (execution.status === "PAUSED") {
    return { stage, fault: "The execution is paused: resume it first." };
  }
  const halted = topLevelStages(execution).find(
    (other) => stage.requisiteStageRefIds.includes(other.refId) && HALTED.has(other.status),
  );
  if (halted) {
    return { stage, fault: `${halted.name} comes before it and has not succeeded: restart that.` };
  }
  return { stage };
}

const HALTED = new Set<string>(["TERMINAL", "CANCELED", "STOPPED"]);

/** Whether a person may skip the stage while it runs. */
export function canSkip(stage: Stage): boolean {
  if (stage.status !== "RUNNING") return false;
  return (
    stage.context["canManuallySkip"] === true ||
    (stage.type === "pipeline" && stage.context["skippable"] === true)
  );
}

/** Why an execution that has not started waits. */
export function waitingReason(execution: Execution): string | undefined {
  if (execution.status !== "NOT_STARTED") return undefined;
  if (execution.limitConcurrent) return "Waits for another run of this pipeline";
  const most = execution.maxConcurrentExecutions ?? 0;
  if (most > 0) {
    return most === 1
      ? "Waits for another run of this pipeline"
      : `Waits for one of ${most} other runs of this pipeline`;
  }
  return undefined;
}

/** The stages of the pipeline itself, without those that stages have put before and after themselves. */
export function topLevelStages(execution: Execution): Stage[] {
  return execution.stages.filter((stage) => !stage.parentStageId && !stage.syntheticStageOwner);
}

/**
 * The stage a person most likely wants to see: one that waits for a judgment, one that failed, one
 * that runs, else the last one that has begun. The one they see now stays while it runs, lest the view
 * jump from branch to branch.
 */
export function stageToShow(execution: Execution, shownRefId?: string): Stage | undefined {
  const stages = topLevelStages(execution);
  const shown = stages.find((stage) => stage.refId === shownRefId && stage.status === "RUNNING");
  const begun = [...stages].sort((a, b) => (b.startTime ?? 0) - (a.startTime ?? 0));
  return (
    stages.find(awaitsJudgment) ??
    shown ??
    begun.find((stage) => pendingRetry(stage) !== undefined) ??
    begun.find((stage) => stage.status === "RUNNING") ??
    stages.find((stage) => stage.status === "TERMINAL" || stage.status === "STOPPED") ??
    begun.find((stage) => stage.startTime) ??
    stages[0]
  );
}

export interface ParentRef {
  id: string;
  application?: string;
  name?: string;
}

/** The execution whose pipeline stage or completion started this one. */
export function parentOf(execution: Execution): ParentRef | undefined {
  const { trigger } = execution;
  const id = asText(trigger.parentPipelineId) ?? asText(trigger.parentExecution?.id);
  if (!id) return undefined;
  return {
    id,
    application:
      asText(trigger.parentExecution?.application) ?? asText(trigger.parentPipelineApplication),
    name: asText(trigger.parentExecution?.name) ?? asText(trigger.parentPipelineName),
  };
}

export function startedBy(execution: Execution): string {
  return asText(execution.authentication?.user) || asText(execution.trigger.user) || "anonymous";
}

function textOf(value: unknown): string | undefined {
  if (isObject(value)) return asText(value["message"]) ?? JSON.stringify(value);
  return asText(value);
}
