import { describe, expect, it } from "vitest";
import { Db, withoutDetails, type StreamEvent } from "./db";
import { Engine } from "./engine";
import { newestPerPipeline } from "./handlers/executions";
import { nextId } from "./ids";
import { seed } from "./seed";

describe("the mock engine", () => {
  it("runs a pipeline through its judgment to its end, and says each change", () => {
    const db = new Db();
    const engine = new Engine(db);
    db.savePipeline({
      id: "p",
      application: "shop",
      name: "Release",
      stages: [
        { refId: "1", type: "wait", waitTime: 1 },
        { refId: "2", type: "manualJudgment", requisiteStageRefIds: ["1"] },
        {
          refId: "3",
          type: "deployManifest",
          requisiteStageRefIds: ["2"],
          manifests: [{ kind: "ConfigMap", metadata: { name: "x" } }],
        },
      ],
    });
    const events: StreamEvent[] = [];
    db.subscribe((event) => events.push(event));
    const pipeline = db.findPipeline("shop", "Release");
    if (!pipeline) throw new Error("not saved");
    const execution = engine.start(pipeline, { type: "manual" });
    let now = Date.now();
    const ticks = (count: number) => {
      for (let tick = 0; tick < count; tick++) engine.tick((now += 250));
    };
    ticks(10);
    expect(execution.stages.map((stage) => stage.status)).toEqual([
      "SUCCEEDED",
      "RUNNING",
      "NOT_STARTED",
    ]);
    const judgment = execution.stages[1];
    if (judgment) judgment.context["judgmentStatus"] = "continue";
    ticks(60);
    expect(execution.status).toBe("SUCCEEDED");
    expect(execution.stages[2]?.outputs["outputs.manifests"]).toHaveLength(1);
    expect(events.length).toBeGreaterThan(5);
  });

  it("starts from a state with every kind of ending", () => {
    const db = new Db();
    seed(db);
    const statuses = new Set(db.executions.map((execution) => execution.status));
    expect([...statuses].sort()).toEqual([
      "CANCELED",
      "NOT_STARTED",
      "RUNNING",
      "SUCCEEDED",
      "TERMINAL",
    ]);
  });

  it("pauses, restarts, and lets limited pipelines wait for each other", () => {
    const db = new Db();
    const engine = new Engine(db);
    db.savePipeline({
      id: "p",
      application: "shop",
      name: "Limited",
      limitConcurrent: true,
      stages: [
        { refId: "1", type: "wait", waitTime: 1 },
        { refId: "2", type: "wait", waitTime: 1, requisiteStageRefIds: ["1"] },
      ],
    });
    const pipeline = db.findPipeline("shop", "Limited");
    if (!pipeline) throw new Error("not saved");
    const first = engine.start(pipeline, { type: "manual" });
    const second = engine.start(pipeline, { type: "manual" });
    let now = Date.now();
    const ticks = (count: number) => {
      for (let tick = 0; tick < count; tick++) engine.tick((now += 250));
    };
    ticks(1);
    expect([first.status, second.status]).toEqual(["RUNNING", "NOT_STARTED"]);
    engine.pause(first, "mira");
    expect(first.stages[0]?.status).toBe("PAUSED");
    engine.resume(first, "mira");
    ticks(12);
    expect(first.status).toBe("SUCCEEDED");
    expect(second.status).toBe("RUNNING");
    ticks(20);
    const [stage, behind] = first.stages;
    if (!stage) throw new Error("no stage");
    engine.restart(first, stage, "mira");
    expect([stage.attempt, behind?.attempt]).toEqual([1, 1]);
    expect(stage.previousAttempts?.[0]).toMatchObject({ status: "SUCCEEDED", restartedBy: "mira" });
    ticks(20);
    expect(first.status).toBe("SUCCEEDED");
  });
});

it("gives ids that sort by time and differ", () => {
  const ids = Array.from({ length: 100 }, () => nextId(1_700_000_000_000));
  expect(new Set(ids).size).toBe(100);
  expect(ids.every((id) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id))).toBe(true);
  expect(nextId(1_800_000_000_000) > (ids[0] ?? "")).toBe(true);
});

it("answers lists with the newest of each pipeline, oldest first, without details", () => {
  const db = new Db();
  seed(db);
  const shop = db.executions.filter((execution) => execution.application === "shop");
  const list = newestPerPipeline(shop, 1).map(withoutDetails);
  expect(list).toHaveLength(3);
  const times = list.map((execution) => execution.buildTime ?? 0);
  expect([...times].sort((a, b) => a - b)).toEqual(times);
  expect(list[0]?.stages[0]).toMatchObject({ context: {}, outputs: {}, tasks: [] });
});
