import { ApiError, apiErrorOf } from "./errors";
import { DEFAULT_SETTINGS } from "./settings";
import type { Settings } from "./types";

let settings: Settings = DEFAULT_SETTINGS;

/** Called once at start, before anything is rendered. */
export function configureClient(loaded: Settings): void {
  settings = loaded;
}

export function currentSettings(): Settings {
  return settings;
}

/** How long a call may take before it counts as unanswered. Saving waits on a task of the server. */
const TIMEOUT_MS = 60_000;

export interface CallOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Query parameters; undefined ones are left out, lists are sent as comma-separated. */
  query?: Record<string, string | number | boolean | string[] | undefined>;
  body?: unknown;
  signal?: AbortSignal;
}

export function gateUrl(path: string, query: CallOptions["query"] = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    parameters.set(key, Array.isArray(value) ? value.join(",") : String(value));
  }
  const text = parameters.toString();
  return `${settings.gateUrl}${path}${text ? `?${text}` : ""}`;
}

/** One call to Gate. Resolves with the parsed JSON (undefined for an empty body), rejects with an ApiError. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let response: Response;
  let text: string;
  try {
    response = await fetch(gateUrl(path, options.query), {
      method: options.method ?? "GET",
      credentials: "include",
      headers: {
        Accept: "application/json",
        ...(options.body === undefined ? {} : { "Content-Type": "application/json;charset=utf-8" }),
      },
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal,
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (timeout.aborted) {
      throw new ApiError(0, `No answer within ${TIMEOUT_MS / 1000} seconds.`);
    }
    throw new ApiError(
      0,
      "The server does not answer. It may be restarting, or the network is down.",
    );
  }
  const body = parse(text, response);
  if (!response.ok) throw apiErrorOf(response.status, body);
  return body as T;
}

function parse(text: string, response: Response): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (!response.ok) return undefined;
    // A login page or a proxy's page in place of the API.
    throw new ApiError(
      response.status,
      "The answer is not JSON. Is something other than Gate serving this address?",
    );
  }
}
