import { infiniteQueryOptions, QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { ApiError, isForbidden, isNotFound } from "./errors";
import { gate, type AuditFilter, type ExecutionsQuery } from "./gate";
import { channels, recentEvents } from "./recent";
import type { AuditEvent, Execution } from "./types";

/** Keys of the query cache. The live streams write under the same keys. */
export const keys = {
  applications: ["applications"] as const,
  application: (application: string) => ["application", application] as const,
  pipelineConfigs: (application: string) => ["pipelineConfigs", application] as const,
  executionLists: (application: string) => ["executionList", application] as const,
  executionList: (application: string, query: ExecutionsQuery) =>
    ["executionList", application, query] as const,
  execution: (id: string) => ["execution", id] as const,
  tasks: (application: string) => ["tasks", application] as const,
  user: ["user"] as const,
  apiTokens: ["apiTokens"] as const,
};

/** How many events of the audit log one answer holds. */
export const AUDIT_PAGE = 50;

/** Events of several answers, each once: answers overlap by a millisecond. */
export function auditEvents(pages: AuditEvent[][]): AuditEvent[] {
  const byRequest = new Map<string, AuditEvent>();
  for (const event of pages.flat()) {
    if (!byRequest.has(event.request)) byRequest.set(event.request, event);
  }
  return [...byRequest.values()];
}

/** Where to read on, undefined at the end. The end of a query's time is left out of its answer. */
function nextAuditPage(last: AuditEvent[], all: AuditEvent[][]): number | undefined {
  const oldest = last.at(-1);
  if (!oldest || last.length < AUDIT_PAGE) return undefined;
  const news = auditEvents(all).length - auditEvents(all.slice(0, -1)).length;
  return news > 0 ? oldest.time + 1 : oldest.time;
}

/** Whether an execution is part of a list that was asked for so. */
export function belongsTo(query: ExecutionsQuery, execution: Execution): boolean {
  return !query.statuses?.length || query.statuses.includes(execution.status);
}

/** How often lists that have no stream are read again while they are on screen. */
const LIST_REFRESH_MS = 10_000;

/** What is refused is not asked again by itself: each refusal is an event of the audit log. */
function unlessRefused(interval: number) {
  return ({ state }: { state: { error: Error | null } }) =>
    isForbidden(state.error) ? false : interval;
}

export function createQueryClient(): QueryClient {
  const client = new QueryClient({
    // A session that is over shows in any answer: who is signed in is asked again.
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof ApiError && error.status === 401)
          void client.invalidateQueries({ queryKey: keys.user });
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        gcTime: 10 * 60_000,
        // A refusal stays a refusal; a server that is away may be back in a second.
        retry: (failures, error) => isPassing(error) && failures < 2,
        retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 4_000),
      },
      mutations: { retry: false },
    },
  });
  return client;
}

function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
}

export const queries = {
  applications: () =>
    queryOptions({
      queryKey: keys.applications,
      queryFn: ({ signal }) => gate.applications(signal),
      refetchInterval: unlessRefused(LIST_REFRESH_MS),
    }),

  application: (application: string) =>
    queryOptions({
      queryKey: keys.application(application),
      queryFn: ({ signal }) => gate.application(application, signal),
      refetchInterval: unlessRefused(3 * LIST_REFRESH_MS),
    }),

  pipelineConfigs: (application: string) =>
    queryOptions({
      queryKey: keys.pipelineConfigs(application),
      queryFn: ({ signal }) => gate.pipelineConfigs(application, signal),
      refetchInterval: unlessRefused(LIST_REFRESH_MS),
    }),

  /** Kept fresh by the application's stream. */
  executionList: (application: string, query: ExecutionsQuery) =>
    queryOptions({
      queryKey: keys.executionList(application, query),
      queryFn: async ({ signal, client }) => {
        const recent = recentEvents(client);
        const mark = recent.mark();
        const answer = await gate.executions(application, query, signal);
        return recent.overlayList(channels.list(application), answer, mark, (execution) =>
          belongsTo(query, execution),
        );
      },
    }),

  /**
   * Kept fresh by the execution's stream. An execution that was just started may not be readable
   * for some seconds, so with `justStarted` a 404 is asked again for a while.
   */
  execution: (id: string, { justStarted = false } = {}) =>
    queryOptions({
      queryKey: keys.execution(id),
      queryFn: async ({ signal, client }) => {
        const recent = recentEvents(client);
        const mark = recent.mark();
        return recent.overlayOne(channels.execution, await gate.execution(id, signal), mark);
      },
      retry: (failures, error) =>
        isNotFound(error) ? justStarted && failures < 20 : isPassing(error) && failures < 2,
      retryDelay: (attempt, error) =>
        isNotFound(error) ? 500 : Math.min(500 * 2 ** attempt, 4_000),
    }),

  tasks: (application: string) =>
    queryOptions({
      queryKey: keys.tasks(application),
      queryFn: ({ signal }) => gate.tasks(application, signal),
      refetchInterval: unlessRefused(LIST_REFRESH_MS / 2),
    }),

  credentials: () =>
    queryOptions({
      queryKey: ["credentials"],
      queryFn: ({ signal }) => gate.credentials(signal),
      staleTime: 60_000,
    }),

  user: () =>
    queryOptions({
      queryKey: keys.user,
      queryFn: ({ signal }) => gate.user(signal).then((user) => user ?? null),
      staleTime: 10 * 60_000,
    }),

  apiTokens: () =>
    queryOptions({
      queryKey: keys.apiTokens,
      queryFn: ({ signal }) => gate.apiTokens(signal),
    }),

  audit: (filter: AuditFilter) =>
    infiniteQueryOptions({
      queryKey: ["audit", filter] as const,
      queryFn: ({ signal, pageParam }) =>
        gate.audit(filter, { to: pageParam, limit: AUDIT_PAGE }, signal),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: nextAuditPage,
    }),

  version: () =>
    queryOptions({
      queryKey: ["version"],
      queryFn: ({ signal }) => gate.version(signal),
      staleTime: 10 * 60_000,
    }),
};
