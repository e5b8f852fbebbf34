import { delay, http, HttpResponse, type HttpHandler } from "msw";
import type { Execution, StagePatch } from "@/api/types";
import { isComplete } from "@/lib/status";
import { nothing, refuse } from "../answers";
import { withoutDetails, type Db, type StreamEvent } from "../db";
import type { Engine } from "../engine";
import {
  BROKEN_APPLICATION,
  currentScenario,
  denied,
  FORBIDDEN_APPLICATION,
  READ_ONLY_APPLICATION,
} from "../scenarios";

export function executionHandlers(db: Db, engine: Engine): HttpHandler[] {
  const find = (id: string) => db.executions.find((execution) => execution.id === id);
  return [
    http.get<{ application: string }>(
      "/gate/applications/:application/pipelines",
      async ({ params, request }) => {
        const { application } = params;
        if (application === FORBIDDEN_APPLICATION) return refuse(403, "Access is denied");
        if (application === BROKEN_APPLICATION) {
          return refuse(500, "The read model is not available and its owner does not answer.");
        }
        if (currentScenario() === "slow") await delay(3_000);
        const query = new URL(request.url).searchParams;
        const statuses = (query.get("statuses") ?? "").split(",").filter(Boolean);
        const limit = Number(query.get("limit") ?? 10);
        return HttpResponse.json(
          newestPerPipeline(
            db.executions.filter(
              (execution) =>
                execution.application === application &&
                (statuses.length === 0 || statuses.includes(execution.status)),
            ),
            limit,
          ).map(withoutDetails),
        );
      },
    ),

    http.get<{ application: string }>("/gate/applications/:application/events", ({ params }) =>
      eventStream(db, (event) => {
        if (event.type === "deleted") {
          return event.application === params.application ? event : undefined;
        }
        return event.execution.application === params.application
          ? { ...event, execution: withoutDetails(event.execution) }
          : undefined;
      }),
    ),

    http.get<{ id: string }>("/gate/executions/:id/events", ({ params }) =>
      find(params.id)
        ? eventStream(db, (event) => {
            const id = event.type === "execution" ? event.execution.id : event.id;
            return id === params.id ? event : undefined;
          })
        : refuse(404, `Pipeline not found (id: ${params.id})`),
    ),

    http.get<{ id: string }>("/gate/pipelines/:id", ({ params }) => {
      const execution = find(params.id);
      return execution
        ? HttpResponse.json(execution)
        : refuse(404, `Pipeline not found (id: ${params.id})`);
    }),

    http.put<{ id: string }>("/gate/pipelines/:id/cancel", ({ params, request }) => {
      const execution = find(params.id);
      if (!execution) return refuse(404, `Pipeline not found (id: ${params.id})`);
      if (execution.application === READ_ONLY_APPLICATION)
        return refuse(403, denied("EXECUTE", execution.application));
      if (isComplete(execution.status)) {
        return refuse(400, `Execution ${execution.id} has already ended: ${execution.status}`);
      }
      const reason = new URL(request.url).searchParams.get("reason") ?? undefined;
      engine.cancel(execution, db.user.username ?? "anonymous", reason);
      return nothing();
    }),

    http.put<{ id: string; verb: string }>("/gate/pipelines/:id/:verb", ({ params }) => {
      const execution = find(params.id);
      if (!execution) return refuse(404, `Pipeline not found (id: ${params.id})`);
      if (execution.application === READ_ONLY_APPLICATION)
        return refuse(403, denied("EXECUTE", execution.application));
      const pauses = params.verb === "pause";
      const needed = pauses ? "RUNNING" : "PAUSED";
      if (execution.status !== needed) {
        return refuse(
          409,
          `The execution ${execution.id} is ${execution.status} and cannot be ${pauses ? "paused" : "resumed"}: only one that is ${needed} can.`,
        );
      }
      const user = db.user.username ?? "anonymous";
      if (pauses) engine.pause(execution, user);
      else engine.resume(execution, user);
      return nothing();
    }),

    http.put<{ id: string; stageId: string }>(
      "/gate/pipelines/:id/stages/:stageId/restart",
      ({ params }) => {
        const execution = find(params.id);
        const stage = execution?.stages.find((candidate) => candidate.id === params.stageId);
        if (!execution || !stage) return refuse(404, `Stage not found (id: ${params.stageId})`);
        if (!isComplete(stage.status)) {
          return refuse(
            409,
            `The stage '${stage.name}' is ${stage.status}: only a stage that has ended can be restarted.`,
          );
        }
        engine.restart(execution, stage, db.user.username ?? "anonymous");
        return HttpResponse.json(execution);
      },
    ),

    http.delete<{ id: string }>("/gate/pipelines/:id", ({ params }) => {
      const execution = find(params.id);
      if (!execution) return refuse(404, `Pipeline not found (id: ${params.id})`);
      if (!isComplete(execution.status) && execution.status !== "NOT_STARTED") {
        return refuse(409, "Cannot delete a running PIPELINE, please cancel it first.");
      }
      db.deleteExecution(execution);
      return nothing();
    }),

    http.patch<{ id: string; stageId: string }>(
      "/gate/pipelines/:id/stages/:stageId",
      async ({ params, request }) => {
        const execution = find(params.id);
        const stage = execution?.stages.find((candidate) => candidate.id === params.stageId);
        if (!execution || !stage) return refuse(404, `Stage not found (id: ${params.stageId})`);
        if (stage.status !== "RUNNING") {
          return refuse(400, `Stage "${stage.name}" is not waiting: it is ${stage.status}`);
        }
        const patch = (await request.json()) as StagePatch;
        const user = db.user.username ?? "anonymous";
        if ("manualSkip" in patch) {
          if (stage.context["skippable"] !== true) {
            return refuse(405, `The stage '${stage.name}' cannot be skipped by hand.`);
          }
          engine.skip(execution, stage);
        }
        Object.assign(stage.context, patch, { lastModifiedBy: user });
        stage.lastModified = { user, lastModifiedTime: Date.now() };
        db.publish(execution);
        return HttpResponse.json(execution);
      },
    ),
  ];
}

/** The server's rule: so many of each pipeline, oldest first in the answer. */
export function newestPerPipeline(executions: Execution[], limit: number): Execution[] {
  const counts = new Map<string, number>();
  return [...executions]
    .sort((a, b) => (b.buildTime ?? 0) - (a.buildTime ?? 0))
    .filter((execution) => {
      const key = execution.pipelineConfigId ?? execution.name ?? "";
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count <= limit;
    })
    .reverse();
}

function eventStream(db: Db, select: (event: StreamEvent) => StreamEvent | undefined) {
  if (currentScenario() === "stream-down") return refuse(500, "The event stream is down.");
  const encoder = new TextEncoder();
  let sequence = 0;
  let stop: () => void = () => undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (name: string, data: unknown) => {
        try {
          controller.enqueue(
            encoder.encode(`id: ${++sequence}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`),
          );
        } catch {
          // The reader went away between two events.
          stop();
        }
      };
      const unsubscribe = db.subscribe((event) => {
        const selected = select(event);
        if (!selected) return;
        if (selected.type === "execution") send("execution", selected.execution);
        else send("deleted", { id: selected.id });
      });
      const pings = setInterval(() => send("ping", {}), 15_000);
      stop = () => {
        unsubscribe();
        clearInterval(pings);
      };
      send("ping", {});
    },
    cancel() {
      stop();
    },
  });
  return new HttpResponse(stream, {
    headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" },
  });
}
