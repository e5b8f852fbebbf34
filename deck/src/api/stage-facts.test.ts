import { describe, expect, it } from "vitest";
import { aStage, aTask, anExecution } from "@/test-utils";
import {
  attemptsOf,
  awaitsJudgment,
  canSkip,
  completeBehind,
  errorsOf,
  judgmentOf,
  manifestsOf,
  messagesOf,
  parentOf,
  partsByTop,
  partsOf,
  pendingRetry,
  restartOf,
  stageToShow,
  topLevelStages,
  topOf,
  waitingReason,
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

describe("parts of stages", () => {
  const top = aStage({ refId: "1", name: "Deploy" });
  const part = (refId: string, parent: string, owner: "STAGE_BEFORE" | "STAGE_AFTER") =>
    aStage({ refId, parentStageId: parent, syntheticStageOwner: owner });
  const after = part("1>1", top.id, "STAGE_AFTER");
  const before = part("1<1", top.id, "STAGE_BEFORE");
  const inner = part("1>1<1", after.id, "STAGE_BEFORE");
  const execution = anExecution({ stages: [after, top, inner, before] });

  it("belong to a stage of the pipeline, at any depth", () => {
    expect(topOf(execution, inner)).toBe(top);
    expect(topOf(execution, top)).toBe(top);
    expect(partsOf(execution, top)).toEqual([before, after]);
    expect(partsByTop(execution).get(top.id)).toEqual([before, after, inner]);
    expect(partsByTop(anExecution({ stages: [top] })).size).toBe(0);
  });

  it("do not go round in circles, whatever the server says", () => {
    const a = aStage({ refId: "a", id: "a", parentStageId: "b" });
    const b = aStage({ refId: "b", id: "b", parentStageId: "a" });
    const odd = anExecution({ stages: [a, b] });
    expect(topOf(odd, a)).toBeDefined();
    expect(partsByTop(odd).size).toBe(0);
  });
});

describe("restartOf", () => {
  const done = (refId: string, requisiteStageRefIds: string[] = [], changes = {}) =>
    aStage({
      refId,
      name: `Stage ${refId}`,
      status: "SUCCEEDED",
      requisiteStageRefIds,
      ...changes,
    });
  const one = done("1");
  const two = done("2", ["1"], { status: "TERMINAL" });
  const three = done("3", ["2"]);
  const waits = done("4", ["1"], { status: "NOT_STARTED" });
  const five = done("5", ["4"]);
  const aside = done("9");
  const part = done("1<1", [], { parentStageId: one.id, syntheticStageOwner: "STAGE_BEFORE" });
  const stages = [one, two, three, waits, five, aside, part];
  const execution = anExecution({ status: "TERMINAL", stages });

  it("runs again what is complete behind the stage, at any distance", () => {
    expect(completeBehind(execution, one)).toEqual([two, three, five]);
    expect(completeBehind(execution, aside)).toEqual([]);
  });

  it("offers a restart for what has ended, and for the whole when a part is looked at", () => {
    expect(restartOf(execution, two)).toEqual({ stage: two });
    expect(restartOf(execution, part)).toEqual({ stage: one });
    expect(restartOf(execution, waits)).toBeUndefined();
    expect(
      restartOf(
        anExecution({ stages: [aStage({ status: "RUNNING" })] }),
        aStage({ status: "RUNNING" }),
      ),
    ).toBeUndefined();
  });

  it("says what stands in its way", () => {
    expect(restartOf(execution, three)?.fault).toBe(
      "Stage 2 comes before it and has not succeeded: restart that.",
    );
    expect(restartOf({ ...execution, status: "PAUSED" }, one)?.fault).toMatch(/resume it first/);
  });
});

it("knows which running stages may be skipped", () => {
  const skippable = { skippable: true };
  expect(canSkip(aStage({ type: "pipeline", status: "RUNNING", context: skippable }))).toBe(true);
  expect(canSkip(aStage({ status: "RUNNING", context: { canManuallySkip: true } }))).toBe(true);
  expect(canSkip(aStage({ type: "pipeline", status: "RUNNING" }))).toBe(false);
  expect(canSkip(aStage({ type: "wait", status: "RUNNING", context: skippable }))).toBe(false);
  expect(canSkip(aStage({ type: "pipeline", status: "SUCCEEDED", context: skippable }))).toBe(
    false,
  );
});

it("says what an execution waits for", () => {
  const waiting = anExecution({ status: "NOT_STARTED" });
  expect(waitingReason(waiting)).toBeUndefined();
  expect(waitingReason({ ...waiting, limitConcurrent: true })).toBe(
    "Waits for another run of this pipeline",
  );
  expect(waitingReason({ ...waiting, maxConcurrentExecutions: 1 })).toBe(
    "Waits for another run of this pipeline",
  );
  expect(waitingReason({ ...waiting, maxConcurrentExecutions: 3 })).toBe(
    "Waits for one of 3 other runs of this pipeline",
  );
  expect(waitingReason(anExecution({ limitConcurrent: true }))).toBeUndefined();
});
