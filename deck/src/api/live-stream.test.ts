import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeEventSource } from "./fake-event-source";
import {
  LiveStream,
  POLL_FIRST_MS,
  POLL_MAX_MS,
  RECONNECT_FIRST_MS,
  RECONNECT_MAX_MS,
  SILENCE_MS,
  type StreamState,
} from "./live-stream";

let hidden = false;
let states: StreamState[];
let events: [string, unknown][];
let refresh: ReturnType<typeof vi.fn<() => Promise<unknown>>>;
let stream: LiveStream;

function setHidden(value: boolean): void {
  hidden = value;
  document.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  hidden = false;
  FakeEventSource.all = [];
  states = [];
  events = [];
  refresh = vi.fn(() => Promise.resolve());
  stream = new LiveStream({
    url: "/events",
    events: ["execution"],
    onEvent: (name, data) => events.push([name, data]),
    onState: (state) => states.push(state),
    refresh,
    createSource: FakeEventSource.create,
    random: () => 0.5,
  });
});

afterEach(() => {
  stream.stop();
  vi.useRealTimers();
});

describe("LiveStream", () => {
  it("connects, reads once what it may have missed, and hands events on", () => {
    stream.start();
    FakeEventSource.last.open();
    FakeEventSource.last.send("execution", { id: "a" });
    FakeEventSource.last.send("other", { id: "b" });
    FakeEventSource.last.send("execution", "not json");
    expect(states).toEqual(["connecting", "live"]);
    expect(refresh).toHaveBeenCalledTimes(1);
    expect(events).toEqual([["execution", { id: "a" }]]);
  });

  it("reconnects with growing pauses, and from the start again once it was live", () => {
    stream.start();
    const pauses = [1, 2, 4, 8, 16].map((factor) => RECONNECT_FIRST_MS * factor);
    for (const pause of [...pauses, RECONNECT_MAX_MS, RECONNECT_MAX_MS]) {
      const made = FakeEventSource.all.length;
      FakeEventSource.last.fail();
      expect(states.at(-1)).toBe("reconnecting");
      vi.advanceTimersByTime(pause - 1);
      expect(FakeEventSource.all).toHaveLength(made);
      vi.advanceTimersByTime(1);
      expect(FakeEventSource.all).toHaveLength(made + 1);
    }
    FakeEventSource.last.open();
    expect(states.at(-1)).toBe("live");
    FakeEventSource.last.fail();
    const made = FakeEventSource.all.length;
    vi.advanceTimersByTime(RECONNECT_FIRST_MS);
    expect(FakeEventSource.all).toHaveLength(made + 1);
  });

  it("closes what it leaves, and hears nothing of it any more", () => {
    stream.start();
    const first = FakeEventSource.last;
    first.fail();
    expect(first.closed).toBe(true);
    first.send("execution", { id: "late" });
    first.open();
    expect(events).toEqual([]);
    expect(states.at(-1)).toBe("reconnecting");
  });

  it("polls while it is down, slower when nobody answers, and stops when it is live", async () => {
    stream.start();
    FakeEventSource.last.fail();
    await vi.advanceTimersByTimeAsync(POLL_FIRST_MS);
    expect(refresh).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(POLL_FIRST_MS);
    expect(refresh).toHaveBeenCalledTimes(2);
    refresh.mockRejectedValue(new Error("down"));
    await vi.advanceTimersByTimeAsync(POLL_FIRST_MS);
    expect(refresh).toHaveBeenCalledTimes(3);
    await vi.advanceTimersByTimeAsync(2 * POLL_FIRST_MS - 1);
    expect(refresh).toHaveBeenCalledTimes(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(refresh).toHaveBeenCalledTimes(4);
    refresh.mockResolvedValue(undefined);
    FakeEventSource.last.open();
    expect(states.at(-1)).toBe("live");
    const calls = refresh.mock.calls.length;
    await vi.advanceTimersByTimeAsync(POLL_MAX_MS);
    expect(refresh).toHaveBeenCalledTimes(calls);
  });

  it("takes a silent line for a dead one; pings keep it", () => {
    stream.start();
    FakeEventSource.last.open();
    const first = FakeEventSource.last;
    vi.advanceTimersByTime(SILENCE_MS - 1);
    first.send("ping", {});
    vi.advanceTimersByTime(SILENCE_MS - 1);
    expect(states.at(-1)).toBe("live");
    vi.advanceTimersByTime(1);
    expect(states.at(-1)).toBe("reconnecting");
    expect(first.closed).toBe(true);
  });

  it("pauses while the tab is hidden and catches up when it is shown", () => {
    stream.start();
    FakeEventSource.last.open();
    setHidden(true);
    expect(FakeEventSource.last.closed).toBe(true);
    expect(states.at(-1)).toBe("paused");
    vi.advanceTimersByTime(10 * SILENCE_MS);
    expect(FakeEventSource.all).toHaveLength(1);
    const calls = refresh.mock.calls.length;
    setHidden(false);
    expect(FakeEventSource.all).toHaveLength(2);
    expect(refresh.mock.calls.length).toBeGreaterThan(calls);
  });

  it("starts paused in a hidden tab", () => {
    hidden = true;
    stream.start();
    expect(states).toEqual(["paused"]);
    expect(FakeEventSource.all).toHaveLength(0);
  });

  it("does nothing more once stopped", async () => {
    stream.start();
    FakeEventSource.last.fail();
    stream.stop();
    await vi.advanceTimersByTimeAsync(10 * SILENCE_MS);
    setHidden(true);
    setHidden(false);
    expect(FakeEventSource.all).toHaveLength(1);
    expect(refresh).not.toHaveBeenCalled();
  });
});
