import { describe, expect, it } from "vitest";
import { anExecution } from "@/test-utils";
import { channels, RecentEvents } from "./recent";

const channel = channels.list("shop");
const all = () => true;

describe("RecentEvents", () => {
  it("lays events of meanwhile over the answer of a read", () => {
    const recent = new RecentEvents();
    recent.record(channel, "old", anExecution({ id: "old", status: "RUNNING" }));
    const mark = recent.mark();
    recent.record(channel, "b", anExecution({ id: "b", status: "SUCCEEDED" }));
    recent.record(channel, "new", anExecution({ id: "new" }));
    recent.record(channel, "gone", undefined);
    recent.record(channels.list("other"), "x", anExecution({ id: "x" }));
    const answer = ["a", "b", "gone", "old"].map((id) => anExecution({ id, status: "RUNNING" }));
    const laid = recent.overlayList(channel, answer, mark, all);
    expect(laid.map(({ id, status }) => `${id} ${status}`)).toEqual([
      "a RUNNING",
      "old RUNNING",
      "b SUCCEEDED",
      "new RUNNING",
    ]);
  });

  it("keeps out what does not belong to the list", () => {
    const recent = new RecentEvents();
    const mark = recent.mark();
    recent.record(channel, "a", anExecution({ id: "a", status: "SUCCEEDED" }));
    const laid = recent.overlayList(
      channel,
      [anExecution({ id: "a" })],
      mark,
      (execution) => execution.status === "RUNNING",
    );
    expect(laid).toEqual([]);
  });

  it("prefers an event to an older read of one execution, and a newer read to an event", () => {
    const recent = new RecentEvents();
    const before = recent.mark();
    const event = anExecution({ id: "a", status: "SUCCEEDED" });
    recent.record(channels.execution, "a", event);
    const read = anExecution({ id: "a", status: "RUNNING" });
    expect(recent.overlayOne(channels.execution, read, before)).toBe(event);
    expect(recent.overlayOne(channels.execution, read, recent.mark())).toBe(read);
  });

  it("forgets the oldest", () => {
    const recent = new RecentEvents();
    const mark = recent.mark();
    for (let index = 0; index < 600; index++) {
      recent.record(channel, String(index), anExecution({ id: String(index) }));
    }
    expect(recent.overlayList(channel, [], mark, all)).toHaveLength(500);
  });
});
