/** Times come from the API in milliseconds since the epoch, or as ISO text in a few contexts. */
export function toMillis(value: unknown): number | undefined {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  if (typeof value === "string" && value !== "") {
    const number = Number(value);
    if (Number.isFinite(number)) return number > 0 ? number : undefined;
    const parsed = Date.parse(value);
    if (!Number.isNaN(parsed) && parsed > 0) return parsed;
  }
  return undefined;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A duration in the two largest units: "420 ms", "8 s", "2 min 05 s", "3 h 12 min", "2 d 4 h".
 * Below a second only when `precise`, else "0 s". Clocks that disagree never give a negative one.
 */
export function formatDuration(millis: number, { precise = false } = {}): string {
  const value = Math.max(0, millis);
  if (value < SECOND) return precise ? `${Math.round(value)} ms` : "0 s";
  const seconds = Math.floor(value / SECOND) % 60;
  const minutes = Math.floor(value / MINUTE) % 60;
  const hours = Math.floor(value / HOUR) % 24;
  const days = Math.floor(value / DAY);
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return minutes > 0 ? `${hours} h ${pad(minutes)} min` : `${hours} h`;
  if (minutes > 0) return seconds > 0 ? `${minutes} min ${pad(seconds)} s` : `${minutes} min`;
  return `${seconds} s`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}

/** How long something has taken: to its end, or to now while it has none. Undefined before it starts. */
export function elapsed(
  start: number | null | undefined,
  end: number | null | undefined,
  now: number,
): number | undefined {
  if (!start) return undefined;
  return Math.max(0, (end || now) - start);
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/** "just now", "3 min. ago", "in 2 hr.", "yesterday". */
export function formatRelative(time: number, now: number): string {
  const difference = time - now;
  const distance = Math.abs(difference);
  if (distance < 10 * SECOND) return "just now";
  if (distance < MINUTE) return relative.format(Math.round(difference / SECOND), "second");
  if (distance < HOUR) return relative.format(Math.round(difference / MINUTE), "minute");
  if (distance < DAY) return relative.format(Math.round(difference / HOUR), "hour");
  if (distance < 30 * DAY) return relative.format(Math.round(difference / DAY), "day");
  return formatDate(time);
}

const dateOnly = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const full = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

export function formatDate(time: number): string {
  return dateOnly.format(time);
}

const clock = new Intl.DateTimeFormat("en", { timeStyle: "medium" });

/** The time of day to the second. */
export function formatClock(time: number): string {
  return clock.format(time);
}

/** Date and time to the second, in the reader's time zone. */
export function formatAbsolute(time: number): string {
  return full.format(time);
}
