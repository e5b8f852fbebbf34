import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { isObject } from "@/lib/records";
import { gateUrl } from "./client";
import { gate, type ExecutionsQuery } from "./gate";
import { LiveStream, type StreamState } from "./live-stream";
import { belongsTo, keys } from "./queries";
import { channels, recentEvents } from "./recent";
import type { Execution } from "./types";

/** How long after an execution's end the page reads it once more. */
export const LAST_LOOK_MS = 1_500;

/**
 * Keeps one execution in the query cache up to date while the component is mounted. Once it is no
 * longer `enabled`, because the execution has ended, the stream is closed and one last read makes
 * sure that nothing which followed the end by a moment is missed.
 */
export function useLiveExecution(id: string, { enabled = true } = {}): StreamState {
  const client = useQueryClient();
  const wasEnabled = useRef<string>(undefined);
  useEffect(() => {
    if (enabled) {
      wasEnabled.current = id;
      return;
    }
    if (wasEnabled.current !== id) return;
    wasEnabled.current = undefined;
    const look = setTimeout(
      () => void client.invalidateQueries({ queryKey: keys.execution(id) }),
      LAST_LOOK_MS,
    );
    return () => clearTimeout(look);
  }, [client, id, enabled]);
  return useStream(enabled ? gateUrl(gate.executionEvents(id)) : undefined, {
    onEvent: (name, data) => {
      if (name === "execution" && isExecution(data) && data.id === id) {
        writeExecution(client, data);
      }
      if (name === "deleted") void client.invalidateQueries({ queryKey: keys.execution(id) });
    },
    refresh: () => client.refetchQueries({ queryKey: keys.execution(id) }, { throwOnError: true }),
  });
}

/**
 * Keeps an application's lists of executions up to date while the component is mounted. For an
 * application that may not be read it is not `enabled`.
 */
export function useLiveApplication(application: string, { enabled = true } = {}): StreamState {
  const client = useQueryClient();
  return useStream(enabled ? gateUrl(gate.applicationEvents(application)) : undefined, {
    onEvent: (name, data) => {
      if (name === "execution" && isExecution(data)) {
        if (data.type === "ORCHESTRATION") {
          void client.invalidateQueries({ queryKey: keys.tasks(application) });
        } else {
          writeToLists(client, application, data);
        }
      }
      if (name === "deleted" && isObject(data) && typeof data["id"] === "string") {
        removeFromLists(client, application, data["id"]);
      }
    },
    refresh: () =>
      client.refetchQueries({ queryKey: keys.executionLists(application) }, { throwOnError: true }),
  });
}

interface StreamHandlers {
  onEvent: (name: string, data: unknown) => void;
  refresh: () => Promise<unknown>;
}

function useStream(url: string | undefined, handlers: StreamHandlers): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const client = useQueryClient();
  useEffect(() => {
    if (url === undefined) return;
    const stream = new LiveStream({
      url,
      events: ["execution", "deleted"],
      onEvent: handlers.onEvent,
      refresh: handlers.refresh,
      onState: setState,
    });
    stream.start();
    return () => stream.stop();
    // The handlers close over the client and over what the address is made of, nothing else.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [url, client]);
  return state;
}

function isExecution(data: unknown): data is Execution {
  return isObject(data) && typeof data["id"] === "string" && Array.isArray(data["stages"]);
}

/** Writes one whole execution. */
export function writeExecution(client: QueryClient, execution: Execution): void {
  recentEvents(client).record(channels.execution, execution.id, execution);
  client.setQueryData(keys.execution(execution.id), execution);
}

/** Puts an execution into every list of its application that it belongs to. */
export function writeToLists(client: QueryClient, application: string, execution: Execution): void {
  recentEvents(client).record(channels.list(application), execution.id, execution);
  const lists = client.getQueryCache().findAll({ queryKey: keys.executionLists(application) });
  for (const query of lists) {
    const filter = query.queryKey[2] as ExecutionsQuery;
    client.setQueryData<Execution[]>(query.queryKey, (list) => {
      if (!list) return undefined;
      const others = list.filter((other) => other.id !== execution.id);
      return belongsTo(filter, execution) ? [...others, execution] : others;
    });
  }
}

export function removeFromLists(client: QueryClient, application: string, id: string): void {
  recentEvents(client).record(channels.list(application), id, undefined);
  client.setQueriesData<Execution[]>({ queryKey: keys.executionLists(application) }, (list) =>
    list?.filter((execution) => execution.id !== id),
  );
}
