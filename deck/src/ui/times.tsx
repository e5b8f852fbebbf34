import { Tooltip } from "@mantine/core";
import { elapsed, formatAbsolute, formatDuration, formatRelative } from "@/lib/time";
import { useNow } from "./use-now";

/** "3 min ago", kept true, with the absolute time on hover and for assistive technology. */
export function TimeAgo({ time }: { time: number | null | undefined }) {
  const now = useNow(Boolean(time));
  if (!time) return <span>–</span>;
  const absolute = formatAbsolute(time);
  return (
    <Tooltip label={absolute}>
      <time dateTime={new Date(time).toISOString()} title={absolute}>
        {formatRelative(time, now)}
      </time>
    </Tooltip>
  );
}

interface DurationProps {
  start: number | null | undefined;
  /** Without an end the duration counts on. */
  end?: number | null;
  precise?: boolean;
}

/** How long something took or has been taking. */
export function Duration({ start, end, precise = false }: DurationProps) {
  const now = useNow(Boolean(start) && !end);
  const millis = elapsed(start, end, now);
  return (
    <span className="tabular">
      {millis === undefined ? "–" : formatDuration(millis, { precise: precise && Boolean(end) })}
    </span>
  );
}

/** Time left until a moment, counting down to "0 s". */
export function Countdown({ until }: { until: number }) {
  const now = useNow();
  return <span className="tabular">{formatDuration(Math.max(0, until - now))}</span>;
}
