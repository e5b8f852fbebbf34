import { describe, expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import { gate } from "./gate";
import { runTask, taskFailure } from "./tasks";
import type { Task } from "./types";

const request = {
  application: "shop",
  description: "Create",
  job: [{ type: "createApplication" }],
};
const task = (changes: Partial<Task>): Task => ({ id: "T", status: "RUNNING", ...changes });
const noPause = () => Promise.resolve();

describe("runTask", () => {
  it("waits for the end, through answers that are not there yet", async () => {
    vi.spyOn(gate, "createTask").mockResolvedValue({ ref: "/tasks/T" });
    const read = vi
      .spyOn(gate, "task")
      .mockRejectedValueOnce(new ApiError(404, "not yet"))
      .mockRejectedValueOnce(new ApiError(0, "restarting"))
      .mockResolvedValueOnce(task({}))
      .mockResolvedValueOnce(task({ status: "SUCCEEDED" }));
    await expect(runTask(request, noPause)).resolves.toMatchObject({ status: "SUCCEEDED" });
    expect(read).toHaveBeenCalledTimes(4);
    expect(read).toHaveBeenCalledWith("T");
  });

  it("rejects with the task's own words", async () => {
    vi.spyOn(gate, "createTask").mockResolvedValue({ ref: "/tasks/T" });
    vi.spyOn(gate, "task").mockResolvedValue(
      task({
        status: "TERMINAL",
        variables: [{ key: "exception", value: { details: { errors: ["name is", "taken"] } } }],
      }),
    );
    await expect(runTask(request, noPause)).rejects.toThrow("name is taken");
  });

  it("rejects at once when it may not look", async () => {
    vi.spyOn(gate, "createTask").mockResolvedValue({ ref: "/tasks/T" });
    vi.spyOn(gate, "task").mockRejectedValue(new ApiError(403, "Access is denied"));
    await expect(runTask(request, noPause)).rejects.toThrow("Access is denied");
  });

  it("rejects an answer without an id", async () => {
    vi.spyOn(gate, "createTask").mockResolvedValue({ ref: "" });
    await expect(runTask(request, noPause)).rejects.toThrow("names no id");
  });
});

it("has words for a task that gives none", () => {
  expect(taskFailure(task({ name: "Create", status: "CANCELED" }))).toBe("Create ended CANCELED.");
  expect(
    taskFailure(task({ variables: [{ key: "exception", value: { details: { error: "boom" } } }] })),
  ).toBe("boom");
});
