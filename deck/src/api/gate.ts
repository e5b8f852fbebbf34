/** Gate's endpoints, one function each: the only place that knows their paths. */
import { call } from "./client";
import { ApiError } from "./errors";
import type {
  Account,
  ApiToken,
  Application,
  ApplicationSummary,
  AuditEvent,
  Execution,
  NewApiToken,
  PipelineConfig,
  Plan,
  Reference,
  StagePatch,
  StartRequest,
  Task,
  TaskRequest,
  TokenRequest,
  User,
  Version,
} from "./types";

const e = encodeURIComponent;

export interface ExecutionsQuery {
  /** Newest executions per pipeline. */
  limit: number;
  statuses?: string[];
}

export interface AuditFilter {
  user?: string;
  application?: string;
  /** Only what was refused. */
  denied?: boolean;
}

export const gate = {
  applications: (signal?: AbortSignal) => call<ApplicationSummary[]>("/applications", { signal }),

  application: (application: string, signal?: AbortSignal) =>
    call<Application>(`/applications/${e(application)}`, { query: { expand: false }, signal }),

  pipelineConfigs: (application: string, signal?: AbortSignal) =>
    call<PipelineConfig[]>(`/applications/${e(application)}/pipelineConfigs`, { signal }),

  pipelineConfig: (application: string, nameOrId: string, signal?: AbortSignal) =>
    call<PipelineConfig>(`/applications/${e(application)}/pipelineConfigs/${e(nameOrId)}`, {
      signal,
    }),

  /** Creates or replaces. With `staleCheck` the server refuses to overwrite a newer version. */
  savePipeline: (pipeline: PipelineConfig, options: { staleCheck: boolean }) =>
    call<void>("/pipelines", {
      method: "POST",
      query: options.staleCheck ? { staleCheck: true } : {},
      body: pipeline,
    }),

  deletePipeline: (application: string, name: string) =>
    call<void>(`/pipelines/${e(application)}/${e(name)}`, { method: "DELETE" }),

  startPipeline: (application: string, nameOrId: string, request: StartRequest) =>
    call<Reference>(`/pipelines/v2/${e(application)}/${e(nameOrId)}`, {
      method: "POST",
      body: request,
    }),

  /** Says what a start would do, and what would change in clusters; starts nothing. */
  planPipeline: (pipeline: PipelineConfig, request: StartRequest, signal?: AbortSignal) =>
    call<{ planned: Plan }>("/pipelines/start", {
      method: "POST",
      body: { ...pipeline, plan: true, planManifests: true, trigger: request },
      signal,
    }).then((answer) => answer.planned),

  executions: (application: string, query: ExecutionsQuery, signal?: AbortSignal) =>
    call<Execution[]>(`/applications/${e(application)}/pipelines`, {
      query: { limit: query.limit, expand: false, statuses: query.statuses },
      signal,
    }),

  execution: (id: string, signal?: AbortSignal) =>
    call<Execution>(`/pipelines/${e(id)}`, { signal }),

  cancelExecution: (id: string, reason: string) =>
    call<void>(`/pipelines/${e(id)}/cancel`, {
      method: "PUT",
      query: { reason: reason || undefined },
    }),

  pauseExecution: (id: string) => call<void>(`/pipelines/${e(id)}/pause`, { method: "PUT" }),

  resumeExecution: (id: string) => call<void>(`/pipelines/${e(id)}/resume`, { method: "PUT" }),

  /** Runs a stage, and what is complete behind it, again. */
  restartStage: (executionId: string, stageId: string) =>
    call<Execution | undefined>(`/pipelines/${e(executionId)}/stages/${e(stageId)}/restart`, {
      method: "PUT",
      body: { skip: false },
    }),

  deleteExecution: (id: string) => call<void>(`/pipelines/${e(id)}`, { method: "DELETE" }),

  patchStage: (executionId: string, stageId: string, patch: StagePatch) =>
    call<Execution | undefined>(`/pipelines/${e(executionId)}/stages/${e(stageId)}`, {
      method: "PATCH",
      body: patch,
    }),

  tasks: (application: string, signal?: AbortSignal) =>
    call<Task[]>(`/applications/${e(application)}/tasks`, { query: { limit: 50 }, signal }),

  task: (id: string, signal?: AbortSignal) => call<Task>(`/tasks/${e(id)}`, { signal }),

  createTask: (request: TaskRequest) =>
    call<Reference>("/tasks", { method: "POST", body: request }),

  credentials: (signal?: AbortSignal) => call<Account[]>("/credentials", { signal }),

  user: (signal?: AbortSignal) => call<User | undefined>("/auth/user", { signal }),

  apiTokens: (signal?: AbortSignal) => call<ApiToken[]>("/auth/apiTokens", { signal }),

  createApiToken: (request: TokenRequest) =>
    call<NewApiToken>("/auth/apiTokens", { method: "POST", body: request }),

  revokeApiToken: (id: string) => call<void>(`/auth/apiTokens/${e(id)}`, { method: "DELETE" }),

  /** The newest events before a moment, without it the newest of all. */
  audit: (filter: AuditFilter, page: { to?: number; limit: number }, signal?: AbortSignal) =>
    call<AuditEvent[]>("/audit", {
      query: {
        user: filter.user || undefined,
        application: filter.application || undefined,
        denied: filter.denied || undefined,
        to: page.to,
        limit: page.limit,
      },
      signal,
    }),

  version: (signal?: AbortSignal) => call<Version>("/version", { signal }),

  executionEvents: (id: string) => `/executions/${e(id)}/events`,

  applicationEvents: (application: string) => `/applications/${e(application)}/events`,
};

/** The id at the end of a reference such as `/pipelines/01J…`. */
export function idOfReference(reference: Reference): string {
  const id = reference.ref?.split("/").pop();
  if (!id) throw new ApiError(200, "The server's answer names no id.");
  return id;
}
