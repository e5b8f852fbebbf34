import type { QueryClient } from "@tanstack/react-query";
import type { Execution } from "./types";

/**
 * What the streams said lately. A read that was under way when an event came may answer with what
 * was true before it; the events of meanwhile are laid over the answer, so that nothing goes back in
 * time and no read has to be thrown away.
 */
export class RecentEvents {
  private clock = 0;
  private readonly entries = new Map<string, Entry>();

  /** The moment before a read; hand it to the overlay when the answer is there. */
  mark(): number {
    return this.clock;
  }

  record(channel: string, id: string, execution: Execution | undefined): void {
    const key = `${channel}/${id}`;
    // Set again, so that the order of the map is the order of events.
    this.entries.delete(key);
    this.entries.set(key, { channel, id, execution, at: ++this.clock });
    while (this.entries.size > MAX_ENTRIES) {
      const oldest = this.entries.keys().next().value;
      if (oldest === undefined) break;
      this.entries.delete(oldest);
    }
  }

  overlayOne(channel: string, answer: Execution, mark: number): Execution {
    const entry = this.entries.get(`${channel}/${answer.id}`);
    return entry && entry.at > mark && entry.execution ? entry.execution : answer;
  }

  overlayList(
    channel: string,
    answer: Execution[],
    mark: number,
    belongs: (execution: Execution) => boolean,
  ): Execution[] {
    const newer = [...this.entries.values()].filter(
      (entry) => entry.channel === channel && entry.at > mark,
    );
    if (newer.length === 0) return answer;
    const ids = new Set(newer.map((entry) => entry.id));
    return [
      ...answer.filter((execution) => !ids.has(execution.id)),
      ...newer
        .map((entry) => entry.execution)
        .filter((execution): execution is Execution => !!execution && belongs(execution)),
    ];
  }
}

interface Entry {
  channel: string;
  id: string;
  /** Undefined: it was deleted. */
  execution: Execution | undefined;
  at: number;
}

const MAX_ENTRIES = 500;

const ofClients = new WeakMap<QueryClient, RecentEvents>();

export function recentEvents(client: QueryClient): RecentEvents {
  let recent = ofClients.get(client);
  if (!recent) {
    recent = new RecentEvents();
    ofClients.set(client, recent);
  }
  return recent;
}

export const channels = {
  execution: "execution",
  list: (application: string) => `list:${application}`,
};
