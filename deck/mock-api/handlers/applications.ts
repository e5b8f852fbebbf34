import { http, HttpResponse, type HttpHandler } from "msw";
import type { Application, ApplicationSummary, TaskRequest } from "@/api/types";
import { asText, isObject } from "@/lib/records";
import { refuse } from "../answers";
import type { Db } from "../db";
import { currentScenario } from "../scenarios";

export function applicationHandlers(db: Db): HttpHandler[] {
  return [
    http.get("/gate/applications", () => {
      const scenario = currentScenario();
      if (scenario === "error") return refuse(500, "Front50 does not answer: connection refused");
      if (scenario === "empty") return HttpResponse.json([]);
      return HttpResponse.json([...db.applications.values()]);
    }),

    http.get<{ application: string }>("/gate/applications/:application", ({ params }) => {
      const found = db.applications.get(params.application.toLowerCase());
      if (!found) return refuse(404, `Application not found (id: ${params.application})`);
      const body: Application = {
        name: found.name,
        attributes: { ...found, instancePort: 80, dataSources: { enabled: [], disabled: [] } },
        clusters: {},
      };
      return HttpResponse.json(body);
    }),

    http.get<{ application: string }>("/gate/applications/:application/tasks", ({ params }) =>
      HttpResponse.json(db.tasks.filter((task) => task.application === params.application)),
    ),

    http.post("/gate/tasks", async ({ request }) => {
      const { application, description, job } = (await request.json()) as TaskRequest;
      const first = job[0];
      const given = first && isObject(first["application"]) ? first["application"] : {};
      const name = asText(given["name"])?.toLowerCase() ?? "";
      const error = applyJob(db, first?.type ?? "", name, given);
      const task = db.addTask(application, description, first?.type ?? "unknown", error);
      return HttpResponse.json({ ref: `/tasks/${task.id}` });
    }),

    http.get<{ id: string }>("/gate/tasks/:id", ({ params }) => {
      const task = db.tasks.find((candidate) => candidate.id === params.id);
      return task ? HttpResponse.json(task) : refuse(404, `Task not found (id: ${params.id})`);
    }),
  ];
}

function applyJob(
  db: Db,
  type: string,
  name: string,
  given: Record<string, unknown>,
): string | undefined {
  switch (type) {
    case "createApplication":
    case "updateApplication": {
      if (name === "refused") return "The name 'refused' is reserved.";
      const before = db.applications.get(name);
      const now = String(Date.now());
      db.applications.set(name, {
        createTs: now,
        ...before,
        ...(given as Partial<ApplicationSummary>),
        name,
        updateTs: now,
      });
      return undefined;
    }
    case "deleteApplication":
      db.applications.delete(name);
      return undefined;
    default:
      return `No job type '${type}'.`;
  }
}
