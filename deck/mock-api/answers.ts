import { HttpResponse } from "msw";
import type { ErrorBody } from "@/api/types";

const WORDS: Record<number, string> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Server Error",
};

/** A refusal in the form all of Gate's refusals have. */
export function refuse(status: number, message: string) {
  const body: ErrorBody = { timestamp: Date.now(), status, error: WORDS[status], message };
  return HttpResponse.json(body, { status });
}

/** What a method without an answer gives: 200 and nothing. */
export function nothing() {
  return new HttpResponse(null, { status: 200 });
}
