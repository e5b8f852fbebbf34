import { expect, it } from "vitest";
import type { PipelineConfig } from "@/api/types";
import { anExecution, aStage } from "@/test-utils";
import { noteOf } from "./components/execution-row";
import { groupExecutions } from "./groups";

const pipeline = (id: string, name: string): PipelineConfig => ({ id, name, application: "shop" });

it("groups by pipeline in their order, newest first, deleted ones last", () => {
  const groups = groupExecutions(
    [
      anExecution({ id: "a", pipelineConfigId: "p2", name: "Two", buildTime: 1 }),
      anExecution({ id: "b", pipelineConfigId: "p2", name: "Two (old name)", buildTime: 3 }),
      anExecution({ id: "c", pipelineConfigId: null, name: "Gone", buildTime: 2 }),
      anExecution({ id: "d", pipelineConfigId: "p9", name: "Gone", buildTime: 4 }),
      anExecution({ id: "e", pipelineConfigId: "p2", name: "Two", buildTime: null, startTime: 2 }),
    ],
    [pipeline("p1", "One"), pipeline("p2", "Two")],
  );
  expect(groups.map((group) => [group.name, group.executions.map(({ id }) => id)])).toEqual([
    ["One", []],
    ["Two", ["b", "e", "a"]],
    ["Gone", ["d", "c"]],
  ]);
  expect(groups[2]?.pipeline).toBeUndefined();
});

it("notes the one thing to know of an execution", () => {
  const ask = aStage({ refId: "2", name: "Ask", type: "manualJudgment", status: "RUNNING" });
  const test = aStage({ refId: "1", name: "Test", status: "RUNNING" });
  const failed = aStage({ refId: "3", name: "Ship", status: "TERMINAL" });
  expect(noteOf(anExecution({ stages: [test, ask] }))).toEqual({
    text: "Awaiting judgment: Ask",
    tone: "warning",
  });
  expect(noteOf(anExecution({ stages: [test] }))).toEqual({ text: "Test", tone: "plain" });
  expect(noteOf(anExecution({ status: "TERMINAL", stages: [test, failed] }))).toEqual({
    text: "Failed at Ship",
    tone: "bad",
  });
  expect(
    noteOf(anExecution({ status: "CANCELED", canceledBy: "mira", cancellationReason: "no" })),
  ).toEqual({ text: "Canceled by mira: no", tone: "plain" });
  expect(noteOf(anExecution({ status: "SUCCEEDED" }))).toBeUndefined();
  expect(noteOf(anExecution({ status: "NOT_STARTED" }))).toBeUndefined();
  expect(noteOf(anExecution({ status: "NOT_STARTED", limitConcurrent: true }))).toEqual({
    text: "Waits for another run of this pipeline",
    tone: "plain",
  });
  const held = aStage({ name: "Test", status: "PAUSED" });
  const paused = { pausedBy: "mira", pauseTime: 1, paused: true };
  expect(noteOf(anExecution({ status: "PAUSED", stages: [held], paused }))).toEqual({
    text: "Paused by mira at Test",
    tone: "warning",
  });
});
