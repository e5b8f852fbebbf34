/** Reads what people want to know out of a stage's free-form context and outputs. */
import { asList, asText, dig, isObject, type JsonObject } from "@/lib/records";
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
