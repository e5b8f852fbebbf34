import { describe, expect, it } from "vitest";
import { layoutStages } from "@/lib/graph";
import {
  asNewPipeline,
  examplePipeline,
  pipelineNameFault,
  previewStages,
  triggerSummary,
} from "./config";

describe("asNewPipeline", () => {
  const pasted = {
    id: "old",
    index: 4,
    updateTs: "1",
    lastModifiedBy: "x",
    application: "elsewhere",
    name: "Old",
    custom: { kept: [1, null] },
    stages: [{ type: "wait", odd: true }],
  };
  it("moves it here under its new name and keeps what it does not know", () => {
    expect(asNewPipeline(pasted, { application: "shop", name: "New", keepId: false })).toEqual({
      application: "shop",
      name: "New",
      custom: { kept: [1, null] },
      stages: [{ type: "wait", odd: true }],
    });
  });
  it("keeps the id when asked", () => {
    expect(asNewPipeline(pasted, { application: "shop", name: "New", keepId: true }).id).toBe(
      "old",
    );
    expect(
      "id" in asNewPipeline({ name: "x" }, { application: "shop", name: "x", keepId: true }),
    ).toBe(false);
  });
});

it("has an example whose graph can be drawn", () => {
  const { nodes, edges } = layoutStages(previewStages(examplePipeline("shop")));
  expect([nodes.length, edges.length]).toEqual([3, 2]);
});

describe("previewStages", () => {
  it("chains stages that have no refIds", () => {
    const stages = previewStages({
      stages: [{ type: "wait" }, { type: "wait" }, { type: "wait" }],
    });
    expect(stages.map((stage) => stage.requisiteStageRefIds)).toEqual([[], ["0"], ["1"]]);
  });
  it("takes a single requisite written as text, and survives nonsense", () => {
    const stages = previewStages({
      stages: [{ refId: 1, type: "wait" }, { refId: 2, requisiteStageRefIds: "1" }, null, "x"],
    });
    expect(stages.map((stage) => [stage.refId, stage.type, stage.requisiteStageRefIds])).toEqual([
      ["1", "wait", []],
      ["2", "unknown", ["1"]],
    ]);
    expect(previewStages({ stages: "many" })).toEqual([]);
  });
});

it("checks a name", () => {
  expect(pipelineNameFault("Deploy it", ["Other"])).toBeUndefined();
  expect(pipelineNameFault(" ", [])).toBe("Enter a name.");
  expect(pipelineNameFault("a/b", [])).toMatch(/has none of/);
  expect(pipelineNameFault("other", ["Other"])).toMatch(/already exists/);
});

it("sums up the triggers that are on", () => {
  expect(
    triggerSummary({
      name: "x",
      application: "shop",
      triggers: [{ type: "git" }, { type: "cron", enabled: false }, { type: "git", enabled: true }],
    }),
  ).toBe("git");
  expect(triggerSummary({ name: "x", application: "shop" })).toBe("");
});
