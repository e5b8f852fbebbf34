import { expect, it } from "vitest";
import { STAGE_KINDS, stageKind } from "./registry";

it("has a view for every stage type that a person acts on or that changes objects", () => {
  for (const type of [
    "deleteManifest",
    "deployManifest",
    "manualJudgment",
    "pipeline",
    "runJobManifest",
    "wait",
  ]) {
    expect(STAGE_KINDS[type]?.Details, type).toBeDefined();
  }
});

it("has a readable name for any other", () => {
  expect(stageKind("evaluateVariables")).toMatchObject({ label: "Evaluate variables" });
  expect(stageKind("toString")).toMatchObject({ label: "To string" });
  expect(stageKind("")).toMatchObject({ label: "" });
});
