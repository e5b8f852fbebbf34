import { asText, isObject } from "@/lib/records";

/** A refusal by Gate (with its HTTP status) or a Gate that could not be reached (status 0). */
export class ApiError extends Error {
  readonly status: number;
  /** The whole body of the refusal, for details such as template errors. */
  readonly body: unknown;

  constructor(status: number, message: string, body?: unknown) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.body = body;
  }
}

const STATUS_WORDS: Record<number, string> = {
  400: "The server refused the request.",
  401: "You are not signed in.",
  403: "You are not allowed to do this.",
  404: "This does not exist.",
  409: "This was changed by someone else in the meantime.",
  413: "This is larger than the server accepts.",
  429: "Too many requests; wait a moment and try again.",
  500: "The server failed.",
  502: "Gate cannot be reached through the proxy.",
  503: "The server is not ready.",
  504: "The server did not answer in time.",
};

/** The error of a response that is not 2xx: the server's own message where it has one. */
export function apiErrorOf(status: number, body: unknown): ApiError {
  const message = isObject(body) ? asText(body["message"])?.trim() : undefined;
  return new ApiError(status, message || statusWords(status), body);
}

export function statusWords(status: number): string {
  return STATUS_WORDS[status] ?? `The server answered with status ${status}.`;
}

export interface ErrorWords {
  title: string;
  message: string;
  /** Whether doing the same again may work. */
  retryable: boolean;
}

/** Any error as a title and a message for people. */
export function errorWords(error: unknown): ErrorWords {
  if (error instanceof ApiError) {
    if (error.status === 0) {
      return { title: "Gate cannot be reached", message: error.message, retryable: true };
    }
    if (error.status === 401)
      return { title: "Not signed in", message: error.message, retryable: true };
    if (error.status === 403)
      return { title: "No permission", message: error.message, retryable: false };
    if (error.status === 404)
      return { title: "Not found", message: error.message, retryable: false };
    if (error.status >= 500)
      return { title: "The server failed", message: error.message, retryable: true };
    return { title: "The request was refused", message: error.message, retryable: false };
  }
  const message = error instanceof Error && error.message ? error.message : String(error);
  return { title: "Something went wrong", message, retryable: true };
}

export function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
