import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { renderUi } from "@/test-utils";
import { Countdown, Duration, TimeAgo } from "./times";

const NOW = Date.UTC(2030, 0, 15, 12);

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => vi.useRealTimers());

it("counts on while there is no end", () => {
  renderUi(<Duration start={NOW - 5_000} />);
  expect(screen.getByText("5 s")).toBeVisible();
  act(() => {
    vi.advanceTimersByTime(3_000);
  });
  expect(screen.getByText("8 s")).toBeVisible();
});

it("stands still once there is an end, and has a dash before the start", () => {
  renderUi(
    <>
      <Duration start={NOW - 5_000} end={NOW - 4_580} precise />
      <Duration start={null} />
    </>,
  );
  act(() => {
    vi.advanceTimersByTime(3_000);
  });
  expect(screen.getByText("420 ms")).toBeVisible();
  expect(screen.getByText("–")).toBeVisible();
});

it("says when, relative to now, and keeps it true", () => {
  renderUi(<TimeAgo time={NOW - 58_000} />);
  const time = screen.getByText("58 sec. ago");
  expect(time).toHaveAttribute("dateTime", new Date(NOW - 58_000).toISOString());
  expect(time.getAttribute("title")).toMatch(/2030/);
  act(() => {
    vi.advanceTimersByTime(3_000);
  });
  expect(screen.getByText("1 min. ago")).toBeVisible();
});

it("counts down to nothing", () => {
  renderUi(<Countdown until={NOW + 2_000} />);
  expect(screen.getByText("2 s")).toBeVisible();
  act(() => {
    vi.advanceTimersByTime(5_000);
  });
  expect(screen.getByText("0 s")).toBeVisible();
});
