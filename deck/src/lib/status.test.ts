import { describe, expect, it } from "vitest";
import { isActive, isComplete, isFailure, STATUS_LOOKS, statusLook, STATUSES } from "./status";

describe("the table of statuses", () => {
  it("has every status once, and no other", () => {
    expect(Object.keys(STATUS_LOOKS).sort()).toEqual([...STATUSES].sort());
    expect(new Set(STATUSES).size).toBe(12);
  });

  it("gives each status a label and a meaning of its own", () => {
    const labels = STATUSES.map((status) => STATUS_LOOKS[status].label);
    expect(new Set(labels).size).toBe(STATUSES.length);
    for (const status of STATUSES) expect(STATUS_LOOKS[status].meaning).toMatch(/\.$/);
  });

  it("knows which statuses are final", () => {
    expect(STATUSES.filter(isComplete).sort()).toEqual(
      ["CANCELED", "FAILED_CONTINUE", "SKIPPED", "STOPPED", "SUCCEEDED", "TERMINAL"].sort(),
    );
    expect(STATUSES.filter(isActive)).toEqual(["RUNNING", "PAUSED", "SUSPENDED"]);
    expect(STATUSES.filter(isFailure)).toEqual(["FAILED_CONTINUE", "TERMINAL", "STOPPED"]);
  });

  it("shows a word it does not know as it is", () => {
    expect(statusLook("PONDERING").label).toBe("PONDERING");
    expect(statusLook("").label).toBe("Unknown");
    expect(isComplete("PONDERING")).toBe(false);
  });
});
