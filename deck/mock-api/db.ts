import type {
  Account,
  ApiToken,
  ApplicationSummary,
  AuditEvent,
  Execution,
  PipelineConfig,
  Task,
  User,
} from "@/api/types";
import { nextId } from "./ids";

export type StreamEvent =
  | { type: "execution"; execution: Execution }
  | { type: "deleted"; application: string; id: string };

/** The whole state behind the mock API, in memory; a reload begins anew. */
export class Db {
  applications = new Map<string, ApplicationSummary>();
  pipelines: PipelineConfig[] = [];
  executions: Execution[] = [];
  tasks: Task[] = [];
  accounts: Account[] = [{ name: "local", type: "kubernetes", cloudProvider: "kubernetes" }];
  user: User = { username: "anonymous", email: "anonymous" };
  /** Who is signed in with the scenario "admin". */
  admin: User = {
    username: "mira",
    email: "mira@example.com",
    roles: ["admins"],
    isAdmin: true,
    canMintApiTokens: true,
    maxUserTokenLifetimeDays: 90,
    maxServiceAccountTokenLifetimeDays: 365,
  };
  tokens: ApiToken[] = [];
  /** Newest first. */
  audit: AuditEvent[] = [];
  private readonly listeners = new Set<(event: StreamEvent) => void>();

  subscribe(listener: (event: StreamEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  publish(execution: Execution): void {
    for (const listener of this.listeners) listener({ type: "execution", execution });
  }

  deleteExecution(gone: Execution): void {
    this.executions = this.executions.filter((execution) => execution.id !== gone.id);
    for (const listener of this.listeners) {
      listener({ type: "deleted", application: gone.application, id: gone.id });
    }
  }

  pipelinesOf(application: string): PipelineConfig[] {
    const lower = application.toLowerCase();
    return this.pipelines
      .filter((pipeline) => pipeline.application.toLowerCase() === lower)
      .map((pipeline, index) => ({ ...pipeline, index }));
  }

  findPipeline(application: string, nameOrId: string): PipelineConfig | undefined {
    const all = this.pipelinesOf(application);
    return (
      all.find((pipeline) => pipeline.name === nameOrId) ??
      all.find((pipeline) => pipeline.id === nameOrId)
    );
  }

  savePipeline(pipeline: PipelineConfig): void {
    const saved: PipelineConfig = {
      ...pipeline,
      id: pipeline.id ?? crypto.randomUUID(),
      updateTs: String(Date.now()),
      lastModifiedBy: this.user.username ?? "anonymous",
    };
    const index = this.pipelines.findIndex(
      (other) =>
        other.id === saved.id ||
        (other.application === saved.application && other.name === saved.name),
    );
    if (index >= 0) this.pipelines[index] = saved;
    else this.pipelines.push(saved);
  }

  /** Records a task that has already succeeded or failed; the tests need no slow ones. */
  addTask(application: string, name: string, step: string, error?: string): Task {
    const now = Date.now();
    const status = error ? "TERMINAL" : "SUCCEEDED";
    const task: Task = {
      id: nextId(),
      name,
      application,
      status,
      buildTime: now,
      startTime: now,
      endTime: now + 240,
      variables: error
        ? [{ key: "exception", value: { details: { error: "Task failed", errors: [error] } } }]
        : [],
      steps: [{ id: "1", name: step, status, startTime: now, endTime: now + 240 }],
      execution: { authentication: { user: this.user.username } },
    };
    this.tasks.push(task);
    return task;
  }
}

/** The shape of lists: contexts, outputs, tasks and earlier attempts are left out. */
export function withoutDetails(execution: Execution): Execution {
  return {
    ...execution,
    stages: execution.stages.map((stage) => ({
      ...stage,
      context: {},
      outputs: {},
      tasks: [],
      previousAttempts: undefined,
    })),
  };
}
