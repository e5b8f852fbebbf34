/** Reads what a stage tells of its rollout: why objects are not stable, and what was taken back. */
import { asList, asText, isObject, type JsonObject } from "@/lib/records";
import { toMillis } from "@/lib/time";
import type { Stage } from "./types";

/** What keeps an object of a cluster from being stable, as the cluster tells it. */
export interface Explanation {
  object: string;
  namespace?: string;
  failed: boolean;
  /** When the cluster was asked. */
  at?: number;
  counts: { name: string; value: number }[];
  conditions: { type: string; status: string; reason?: string; message?: string }[];
  pods: TroubledPods[];
  events: { reason: string; object: string; count: number; lastSeen?: number; message: string }[];
  missing: string[];
}

/** Pods that have a reason in common; all but the count is of one of them. */
export interface TroubledPods {
  reason: string;
  count: number;
  pod: string;
  container?: string;
  restarts: number;
  exitCode?: number;
  exitReason?: string;
  message?: string;
}

/** Why the objects that a stage waits for, or failed on, are not stable. */
export function stabilityOf(stage: Stage): Explanation[] {
  return asList(stage.context["stability"])
    .filter(isObject)
    .map((entry) => ({
      object: asText(entry["manifestName"]) ?? "object",
      namespace: asText(entry["location"]) || undefined,
      failed: entry["failed"] === true,
      at: toMillis(entry["at"]),
      counts: objectsOf(entry["counts"]).map((count) => ({
        name: asText(count["name"]) ?? "",
        value: Number(count["value"]) || 0,
      })),
      conditions: objectsOf(entry["conditions"]).map((condition) => ({
        type: asText(condition["type"]) ?? "",
        status: asText(condition["status"]) ?? "",
        reason: asText(condition["reason"]),
        message: asText(condition["message"]),
      })),
      pods: objectsOf(entry["pods"]).map((pods) => ({
        reason: asText(pods["reason"]) ?? "",
        count: Number(pods["count"]) || 0,
        pod: asText(pods["pod"]) ?? "",
        container: asText(pods["container"]),
        restarts: Number(pods["restarts"]) || 0,
        exitCode: typeof pods["exitCode"] === "number" ? pods["exitCode"] : undefined,
        exitReason: asText(pods["exitReason"]),
        message: asText(pods["message"]),
      })),
      events: objectsOf(entry["events"]).map((event) => ({
        reason: asText(event["reason"]) ?? "",
        object: asText(event["object"]) ?? "",
        count: Number(event["count"]) || 1,
        lastSeen: toMillis(event["lastSeen"]),
        message: asText(event["message"]) ?? "",
      })),
      missing: asList(entry["missing"])
        .map(asText)
        .filter((text): text is string => Boolean(text)),
    }));
}

/** What a failed deployment's rollback did to one object; without a revision it left it alone. */
export interface Rollback {
  object: string;
  namespace?: string;
  revision?: number;
  stable: boolean;
  message?: string;
  reason?: string;
}

export function rollbackOf(stage: Stage): Rollback[] {
  return ["rolledBack", "notRolledBack"].flatMap((key) =>
    objectsOf(stage.context[key]).map((entry) => ({
      object: asText(entry["manifestName"]) ?? "object",
      namespace: asText(entry["location"]) || undefined,
      revision: typeof entry["revision"] === "number" ? entry["revision"] : undefined,
      stable: entry["stable"] === true,
      message: asText(entry["message"]),
      reason: asText(entry["reason"]),
    })),
  );
}

function objectsOf(value: unknown): JsonObject[] {
  return asList(value).filter(isObject);
}
