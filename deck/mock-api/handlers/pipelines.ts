import { http, HttpResponse, type HttpHandler } from "msw";
import type { PipelineConfig, StartRequest } from "@/api/types";
import { nothing, refuse } from "../answers";
import type { Db } from "../db";
import type { Engine } from "../engine";
import { planOf } from "../plan";
import { denied, READ_ONLY_APPLICATION, REFUSED_STAGE_TYPE } from "../scenarios";

export function pipelineHandlers(db: Db, engine: Engine): HttpHandler[] {
  return [
    http.get<{ application: string }>(
      "/gate/applications/:application/pipelineConfigs",
      ({ params }) => HttpResponse.json(db.pipelinesOf(params.application)),
    ),

    http.get<{ application: string; name: string }>(
      "/gate/applications/:application/pipelineConfigs/:name",
      ({ params }) => {
        const found = db.findPipeline(params.application, params.name);
        return found
          ? HttpResponse.json(found)
          : refuse(404, `Pipeline configuration not found (id: ${params.name})`);
      },
    ),

    http.post("/gate/pipelines", async ({ request }) => {
      const pipeline = (await request.json()) as PipelineConfig;
      if (pipeline.application === READ_ONLY_APPLICATION)
        return refuse(403, denied("WRITE", pipeline.application));
      const fault = faultOf(db, pipeline);
      if (fault) return refuse(400, fault);
      const stale = new URL(request.url).searchParams.get("staleCheck") === "true";
      const stored = db.pipelines.find((other) => other.id === pipeline.id);
      if (stale && stored && String(stored.updateTs) !== String(pipeline.updateTs)) {
        return refuse(
          400,
          "The submitted pipeline is stale: it was saved by someone else in between.",
        );
      }
      db.savePipeline(pipeline);
      db.addTask(pipeline.application, `Save pipeline '${pipeline.name}'`, "savePipeline");
      return nothing();
    }),

    http.delete<{ application: string; name: string }>(
      "/gate/pipelines/:application/:name",
      ({ params }) => {
        db.pipelines = db.pipelines.filter(
          (pipeline) =>
            pipeline.application !== params.application || pipeline.name !== params.name,
        );
        return nothing();
      },
    ),

    http.post("/gate/pipelines/start", async ({ request }) => {
      const body = (await request.json()) as PipelineConfig & { trigger?: StartRequest };
      if (!body["plan"]) return refuse(400, "The mock starts pipelines by their names only.");
      return HttpResponse.json({ ...body, planned: planOf(body) });
    }),

    http.post<{ application: string; name: string }>(
      "/gate/pipelines/v2/:application/:name",
      async ({ params, request }) => {
        const pipeline = db.findPipeline(params.application, params.name);
        if (params.application === READ_ONLY_APPLICATION)
          return refuse(403, denied("EXECUTE", params.application));
        if (!pipeline) return refuse(404, `Pipeline not found (id: ${params.name})`);
        if (pipeline.disabled) return refuse(400, `Pipeline ${pipeline.name} is disabled`);
        const trigger = (await request.json()) as StartRequest;
        const execution = engine.start(pipeline, { ...trigger });
        return HttpResponse.json(
          { eventId: crypto.randomUUID(), ref: `/pipelines/${execution.id}` },
          { status: 202 },
        );
      },
    ),
  ];
}

function faultOf(db: Db, pipeline: PipelineConfig): string | undefined {
  if (!pipeline.name) return "A pipeline requires name and application fields";
  const twin = db.pipelines.find(
    (other) =>
      other.application === pipeline.application &&
      other.name === pipeline.name &&
      other.id !== pipeline.id,
  );
  if (twin)
    return `A pipeline with name ${pipeline.name} already exists in application ${pipeline.application}`;
  const known = new Set((pipeline.stages ?? []).map((stage) => stage.refId));
  for (const stage of pipeline.stages ?? []) {
    if (stage.type === REFUSED_STAGE_TYPE) {
      return `Stage "${stage.name ?? stage.refId}" has the unknown type "${stage.type}".`;
    }
    for (const refId of stage.requisiteStageRefIds ?? []) {
      if (!known.has(refId)) {
        return `Stage "${stage.name ?? stage.refId}" requires the stage "${refId}", which does not exist.`;
      }
    }
  }
  return undefined;
}
