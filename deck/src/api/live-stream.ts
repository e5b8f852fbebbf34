/**
 * A server-sent event stream that heals itself. It reconnects with back-off, notices a connection
 * that has gone silent, is closed while the tab is hidden, and has its owner poll while it is down.
 * It knows nothing of React or of the query cache.
 */

export type StreamState = "connecting" | "live" | "reconnecting" | "paused";

export interface LiveStreamOptions {
  url: string;
  /** Names of the events to hand on; `ping` is always heard and only proves the line is alive. */
  events: readonly string[];
  onEvent: (name: string, data: unknown) => void;
  onState: (state: StreamState) => void;
  /**
   * Reads the same data by an ordinary request: when the stream opens (what changed between the
   * page's first read and now), when the tab is shown again, and, with back-off, while it is down.
   */
  refresh: () => Promise<unknown>;
  /** For tests. */
  createSource?: (url: string) => EventSource;
  random?: () => number;
}

export const RECONNECT_FIRST_MS = 1_000;
export const RECONNECT_MAX_MS = 30_000;
export const POLL_FIRST_MS = 2_000;
export const POLL_MAX_MS = 20_000;
/** The server pings every 15 s; after two and a half missed ones the line is taken for dead. */
export const SILENCE_MS = 40_000;

export class LiveStream {
  private source: EventSource | undefined;
  private reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private running = false;
  private readonly options: LiveStreamOptions;

  constructor(options: LiveStreamOptions) {
    this.options = options;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    document.addEventListener("visibilitychange", this.onVisibility);
    if (document.hidden) this.options.onState("paused");
    else this.connect("connecting");
  }

  stop(): void {
    this.running = false;
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.disconnect();
  }

  private readonly onVisibility = (): void => {
    if (!this.running) return;
    if (document.hidden) {
      this.disconnect();
      this.options.onState("paused");
    } else if (!this.source && !this.reconnectTimer) {
      this.failures = 0;
      this.connect("connecting");
      void this.refresh();
    }
  };

  private connect(state: StreamState): void {
    this.options.onState(state);
    const source = (this.options.createSource ?? defaultSource)(this.options.url);
    this.source = source;
    source.addEventListener("open", () => {
      if (this.source !== source) return;
      this.failures = 0;
      this.stopPolling();
      this.heard();
      this.options.onState("live");
      void this.refresh();
    });
    source.addEventListener("error", () => {
      if (this.source === source) this.lost();
    });
    source.addEventListener("ping", () => this.heard());
    for (const name of this.options.events) {
      source.addEventListener(name, (event) => {
        if (this.source !== source) return;
        this.heard();
        const data = parse(event.data);
        if (data !== undefined) this.options.onEvent(name, data);
      });
    }
    // A connection that neither opens nor fails counts as silent, too.
    this.heard();
  }

  private heard(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.lost(), SILENCE_MS);
  }

  private lost(): void {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.silenceTimer);
    if (!this.running) return;
    this.options.onState("reconnecting");
    const wait = Math.min(RECONNECT_FIRST_MS * 2 ** this.failures, RECONNECT_MAX_MS);
    this.failures++;
    // Spread out: a restarted server is not to be met by every open tab at once.
    const spread = 0.75 + (this.options.random ?? Math.random)() * 0.5;
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = setTimeout(() => {
      this.reconnectTimer = undefined;
      this.connect("reconnecting");
    }, wait * spread);
    if (!this.pollTimer) this.poll(POLL_FIRST_MS);
  }

  private poll(wait: number): void {
    this.pollTimer = setTimeout(() => {
      void this.refresh().then((answered) => {
        if (!this.pollTimer || !this.running) return;
        this.poll(answered ? POLL_FIRST_MS : Math.min(wait * 2, POLL_MAX_MS));
      });
    }, wait);
  }

  private stopPolling(): void {
    clearTimeout(this.pollTimer);
    this.pollTimer = undefined;
  }

  private async refresh(): Promise<boolean> {
    try {
      await this.options.refresh();
      return true;
    } catch {
      // The owner's query holds the error and shows it.
      return false;
    }
  }

  private disconnect(): void {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = undefined;
    clearTimeout(this.silenceTimer);
    this.stopPolling();
  }
}

function defaultSource(url: string): EventSource {
  return new EventSource(url, { withCredentials: true });
}

function parse(data: unknown): unknown {
  if (typeof data !== "string") return undefined;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}
