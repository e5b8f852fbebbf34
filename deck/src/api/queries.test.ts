import { QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import { gate } from "./gate";
import { createQueryClient, queries } from "./queries";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** How often an application's tasks are asked for in a minute. */
async function asked(answer: () => Promise<never[]>): Promise<number> {
  const tasks = vi.spyOn(gate, "tasks").mockImplementation(answer);
  const observer = new QueryObserver(createQueryClient(), queries.tasks("shop"));
  const stop = observer.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(60_000);
  stop();
  return tasks.mock.calls.length;
}

it("renews a list again and again", async () => {
  expect(await asked(() => Promise.resolve([]))).toBeGreaterThan(5);
});

it("does not ask again by itself for what is refused", async () => {
  expect(await asked(() => Promise.reject(new ApiError(403, "Access is denied")))).toBe(1);
});
