import { Tooltip } from "@mantine/core";
import type { StreamState } from "@/api/live-stream";
import classes from "./live-hint.module.css";

const WORDS: Record<StreamState, { label: string; meaning: string }> = {
  connecting: { label: "Connecting…", meaning: "Live updates are being set up." },
  live: { label: "Live", meaning: "Changes appear as they happen." },
  reconnecting: {
    label: "Reconnecting…",
    meaning: "The live connection is down. The page asks the server every few seconds meanwhile.",
  },
  paused: { label: "Paused", meaning: "Updates go on when this tab is shown." },
};

/** A small dot that says whether the page is fed live. */
export function LiveHint({ state }: { state: StreamState }) {
  const words = WORDS[state];
  return (
    <Tooltip label={words.meaning}>
      <span className={classes["hint"]} data-state={state} role="status">
        <span className={classes["dot"]} aria-hidden="true" />
        {words.label}
      </span>
    </Tooltip>
  );
}
