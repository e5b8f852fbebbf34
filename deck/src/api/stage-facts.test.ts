import { describe, expect, it } from "vitest";
import { aStage, aTask, anExecution } from "@/test-utils";
import {
  attemptsOf,
  awaitsJudgment,
  errorsOf,
  judgmentOf,
  manifestsOf,
  messagesOf,
  parentOf,
  pendingRetry,
  stageToShow,
  topLevelStages,
  waitOf,
} from "./stage-facts";

describe("errorsOf", () => {
  it("lists every reason once and leaves the general one out", () => {
    const stage = aStage({
      status: "TERMINAL",
      context: {
        exception: {
          details: { error: "Unexpected Task Failure", errors: ["bad image", "bad image"] },
        },
        "kato.tasks": [{ exception: { message: "quota exceeded" } }, {}],
      },
      tasks: [
        aTask({ taskExceptionDetails: { exception: { details: { errors: ["timeout"] } } } }),
        aTask({ taskExceptionDetails: { message: "lost connection" } }),
      ],
    });
    expect(errorsOf(stage)).toEqual(["bad image", "quota exceeded", "timeout", "lost connection"]);
  });

  it("leaves out what another reason quotes", () => {
    const errors = ["shop is invalid: image is required.", "image is required"];
    expect(errorsOf(aStage({ context: { exception: { details: { errors } } } }))).toEqual([
      "shop is invalid: image is required.",
    ]);
  });

  it("falls back on the general reason", () => {
    expect(
      errorsOf(
        aStage({ context: { exception: { details: { error: "Task failed", errors: [] } } } }),
      ),
    ).toEqual(["Task failed"]);
    expect(errorsOf(aStage({ context: { exception: { exceptionType: "Timeout" } } }))).toEqual([
      "Timeout",
    ]);
  });

  it("has none for a stage without faults, whatever its context holds", () => {
    expect(errorsOf(aStage())).toEqual([]);
    expect(errorsOf(aStage({ context: { exception: "text", "kato.tasks": 5 } }))).toEqual([]);
  });
});

describe("attemptsOf", () => {
  const attempts = [
    { task: "deployManifest", attempt: 1, error: "refused", time: 5, nextRetryTime: 9 },
    {
      task: "deployManifest",
      attempt: 2,
      error: { message: "reset" },
      time: "2030-01-01T00:00:00Z",
    },
    "nonsense",
    {},
  ];
  it("reads what it can", () => {
    expect(attemptsOf(aStage({ context: { attempts } }))).toEqual([
      { task: "deployManifest", attempt: 1, error: "refused", time: 5, nextRetryTime: 9 },
      {
        task: "deployManifest",
        attempt: 2,
        error: "reset",
        time: Date.UTC(2030, 0, 1),
        nextRetryTime: undefined,
      },
      {
        task: "",
        attempt: 0,
        error: "No reason was given.",
        time: undefined,
        nextRetryTime: undefined,
      },
    ]);
  });

  it("waits for the newest only while the stage runs", () => {
    const context = { attempts: attempts.slice(0, 1) };
    expect(pendingRetry(aStage({ status: "RUNNING", context }))?.attempt).toBe(1);
    expect(pendingRetry(aStage({ status: "SUCCEEDED", context }))).toBeUndefined();
    expect(pendingRetry(aStage({ status: "RUNNING" }))).toBeUndefined();
    const settled = {
      attempts: [{ task: "deployManifest", attempt: 1, error: "refused", time: 5 }],
    };
    expect(pendingRetry(aStage({ status: "RUNNING", context: settled }))).toBeUndefined();
  });
});

it("reads messages as text or as objects", () => {
  expect(messagesOf(aStage({ context: { messages: ["a", { message: "b" }, null, 3] } }))).toEqual([
    "a",
    "b",
    "3",
  ]);
});

describe("manifestsOf", () => {
  const manifest = { kind: "Deployment", metadata: { name: "shop", namespace: "prod" } };
  it("prefers whole manifests", () => {
    const stage = aStage({
      outputs: {
        "outputs.manifests": [manifest],
        "outputs.manifestNamesByNamespace": { prod: ["deployment other"] },
      },
    });
    expect(manifestsOf(stage)).toEqual([
      { kind: "Deployment", name: "shop", namespace: "prod", manifest },
    ]);
  });

  it("takes names otherwise; _ is no namespace", () => {
    const stage = aStage({
      context: {
        "outputs.manifestNamesByNamespace": {
          prod: ["deployment shop", "service shop"],
          _: ["namespace prod"],
        },
      },
    });
    expect(manifestsOf(stage)).toEqual([
      { kind: "deployment", name: "shop", namespace: "prod" },
      { kind: "service", name: "shop", namespace: "prod" },
      { kind: "namespace", name: "prod", namespace: undefined },
    ]);
  });
});

describe("judgmentOf", () => {
  it("is open until someone judges", () => {
    const stage = aStage({
      type: "manualJudgment",
      status: "RUNNING",
      context: {
        instructions: " Look. ",
        judgmentInputs: [{ value: "a" }, { value: "" }, "b", {}],
        judgmentStatus: "",
      },
    });
    expect(judgmentOf(stage)).toMatchObject({
      open: true,
      instructions: "Look.",
      inputs: ["a", "b"],
      verdict: undefined,
    });
    expect(awaitsJudgment(stage)).toBe(true);
  });

  it("tells who has judged, whatever the case of the word", () => {
    const stage = aStage({
      type: "manualJudgment",
      status: "SUCCEEDED",
      context: { judgmentStatus: "Continue", judgmentInput: "a", lastModifiedBy: "jonas" },
      lastModified: { user: "mira", lastModifiedTime: 77 },
    });
    expect(judgmentOf(stage)).toMatchObject({
      open: false,
      verdict: "continue",
      input: "a",
      judgedBy: "mira",
      judgedAt: 77,
    });
    expect(judgmentOf({ ...stage, lastModified: null }).judgedBy).toBe("jonas");
  });
});

it("knows when a wait ends", () => {
  expect(waitOf(aStage({ startTime: 1000, context: { waitTime: 30 } }))).toMatchObject({
    total: 30_000,
    endsAt: 31_000,
  });
  expect(
    waitOf(aStage({ startTime: 1000, context: { waitTime: "${parameters.wait}" } })),
  ).toMatchObject({ total: undefined, endsAt: undefined });
  expect(waitOf(aStage({ context: { waitTime: 30, skipRemainingWait: true } })).skipped).toBe(true);
});

describe("stageToShow", () => {
  const done = aStage({ refId: "1", status: "SUCCEEDED", startTime: 10 });
  const failed = aStage({ refId: "2", status: "TERMINAL", startTime: 20 });
  const running = aStage({ refId: "3", status: "RUNNING", startTime: 30 });
  const judgment = aStage({ refId: "4", type: "manualJudgment", status: "RUNNING", startTime: 5 });
  const idle = aStage({ refId: "5" });
  const before = aStage({
    refId: "3<1",
    parentStageId: "stage-3",
    syntheticStageOwner: "STAGE_BEFORE",
  });
  it.each([
    [[done, failed, running, judgment, idle], "4"],
    [[done, failed, running, idle], "3"],
    [[done, failed, idle], "2"],
    [[done, idle], "1"],
    [[idle], "5"],
  ])("prefers what needs a person", (stages, refId) => {
    expect(stageToShow(anExecution({ stages }))?.refId).toBe(refId);
  });

  it("stays with a stage while it runs", () => {
    const later = aStage({ refId: "6", status: "RUNNING", startTime: 40 });
    const both = anExecution({ stages: [running, later] });
    expect(stageToShow(both)?.refId).toBe("6");
    expect(stageToShow(both, "3")?.refId).toBe("3");
    expect(stageToShow(anExecution({ stages: [done, later] }), "1")?.refId).toBe("6");
    expect(stageToShow(anExecution({ stages: [running, judgment] }), "3")?.refId).toBe("4");
  });

  it("is nothing for no stages, and never a part of another stage", () => {
    expect(stageToShow(anExecution())).toBeUndefined();
    expect(topLevelStages(anExecution({ stages: [before, idle] }))).toEqual([idle]);
  });
});

it("finds the parent in a whole or in a short trigger", () => {
  expect(
    parentOf(
      anExecution({
        trigger: { parentExecution: { id: "P", application: "other", name: "Parent" } },
      }),
    ),
  ).toEqual({ id: "P", application: "other", name: "Parent" });
  expect(
    parentOf(
      anExecution({
        trigger: {
          parentPipelineId: "P",
          parentPipelineApplication: "other",
          parentPipelineName: "Parent",
        },
      }),
    ),
  ).toEqual({ id: "P", application: "other", name: "Parent" });
  expect(parentOf(anExecution())).toBeUndefined();
});
