import { asList, asText, dig } from "@/lib/records";
import { isComplete } from "@/lib/status";
import { ApiError } from "./errors";
import { gate, idOfReference } from "./gate";
import type { Task, TaskRequest } from "./types";

const POLL_MS = [200, 300, 500, 800];
const POLL_LAST_MS = 1000;
const GIVE_UP_MS = 120_000;

/**
 * Starts a task and waits until it is complete. Rejects with the task's own words when it does not
 * succeed.
 */
export async function runTask(request: TaskRequest, pause = sleep): Promise<Task> {
  const id = idOfReference(await gate.createTask(request));
  const begun = Date.now();
  for (let poll = 0; ; poll++) {
    await pause(POLL_MS[poll] ?? POLL_LAST_MS);
    const task = await taskOrNothingYet(id);
    if (task && isComplete(task.status)) {
      if (task.status === "SUCCEEDED") return task;
      throw new ApiError(400, taskFailure(task), task);
    }
    if (Date.now() - begun > GIVE_UP_MS) {
      throw new ApiError(0, `Task ${id} is still running; its progress is under Tasks.`);
    }
  }
}

/** A task that was just accepted may not be readable yet, and a hiccup must not lose a task that runs. */
async function taskOrNothingYet(id: string): Promise<Task | undefined> {
  try {
    return await gate.task(id);
  } catch (error) {
    const passing =
      error instanceof ApiError &&
      (error.status === 0 || error.status === 404 || error.status >= 500);
    if (passing) return undefined;
    throw error;
  }
}

/** Why a task did not succeed, from its variables. */
export function taskFailure(task: Task): string {
  const exception = task.variables?.find((variable) => variable.key === "exception")?.value;
  const errors = asList(dig(exception, "details", "errors"))
    .map(asText)
    .filter((text): text is string => Boolean(text));
  if (errors.length > 0) return errors.join(" ");
  const single = asText(dig(exception, "details", "error"));
  return single ?? `${task.name ?? "The task"} ended ${task.status}.`;
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
