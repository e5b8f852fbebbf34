import { describe, expect, it } from "vitest";
import { elapsed, formatDuration, formatRelative, toMillis } from "./time";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("formatDuration", () => {
  it.each([
    [0, "0 s"],
    [999, "0 s"],
    [SECOND, "1 s"],
    [59 * SECOND + 999, "59 s"],
    [MINUTE, "1 min"],
    [2 * MINUTE + 5 * SECOND, "2 min 05 s"],
    [HOUR - 1, "59 min 59 s"],
    [HOUR, "1 h"],
    [3 * HOUR + 12 * MINUTE + 59 * SECOND, "3 h 12 min"],
    [DAY, "1 d"],
    [2 * DAY + 4 * HOUR, "2 d 4 h"],
    [-5 * SECOND, "0 s"],
  ])("%d ms is %s", (millis, words) => {
    expect(formatDuration(millis)).toBe(words);
  });

  it("is exact below a second when asked", () => {
    expect(formatDuration(420.4, { precise: true })).toBe("420 ms");
    expect(formatDuration(1420, { precise: true })).toBe("1 s");
  });
});

describe("elapsed", () => {
  it("counts to the end, else to now, and never below zero", () => {
    expect(elapsed(1000, 4000, 9000)).toBe(3000);
    expect(elapsed(1000, null, 9000)).toBe(8000);
    expect(elapsed(10_000, undefined, 9000)).toBe(0);
    expect(elapsed(undefined, 4000, 9000)).toBeUndefined();
    expect(elapsed(null, null, 9000)).toBeUndefined();
  });
});

describe("formatRelative", () => {
  const now = Date.UTC(2030, 5, 15, 12);
  it.each([
    [now, "just now"],
    [now - 9 * SECOND, "just now"],
    [now - 30 * SECOND, "30 sec. ago"],
    [now - 3 * MINUTE, "3 min. ago"],
    [now - 5 * HOUR, "5 hr. ago"],
    [now - 26 * HOUR, "yesterday"],
    [now - 4 * DAY, "4 days ago"],
    [now + 2 * HOUR, "in 2 hr."],
  ])("%d is %s", (time, words) => {
    expect(formatRelative(time, now)).toBe(words);
  });

  it("becomes a date after a month", () => {
    expect(formatRelative(Date.UTC(2030, 0, 15, 12), now)).toBe("Jan 15, 2030");
  });
});

describe("toMillis", () => {
  it.each([
    [1700000000000, 1700000000000],
    ["1700000000000", 1700000000000],
    ["2030-01-15T10:00:00Z", Date.UTC(2030, 0, 15, 10)],
    [0, undefined],
    ["0", undefined],
    ["", undefined],
    ["soon", undefined],
    [null, undefined],
    [{}, undefined],
    [NaN, undefined],
  ])("reads %j as %s", (value, millis) => {
    expect(toMillis(value)).toBe(millis);
  });
});
