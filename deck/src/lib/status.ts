import type { Icon } from "@tabler/icons-react";
import {
  IconAlertTriangleFilled,
  IconBan,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconClockPause,
  IconCornerUpRight,
  IconHandStop,
  IconLoader2,
  IconPlayerPauseFilled,
  IconPlayerSkipForwardFilled,
  IconStackPush,
} from "@tabler/icons-react";

/** The closed set of status words of an execution, a stage and a task. */
export const STATUSES = [
  "NOT_STARTED",
  "RUNNING",
  "PAUSED",
  "SUSPENDED",
  "SUCCEEDED",
  "FAILED_CONTINUE",
  "TERMINAL",
  "CANCELED",
  "REDIRECT",
  "STOPPED",
  "SKIPPED",
  "BUFFERED",
] as const;

export type Status = (typeof STATUSES)[number];

/** The colours a status can have; each is a CSS variable `--tone-<name>` in both colour schemes. */
export type Tone = "waiting" | "running" | "good" | "warning" | "bad" | "muted";

export interface StatusLook {
  /** The word shown to people. */
  label: string;
  tone: Tone;
  icon: Icon;
  /** The icon turns while the work goes on. */
  spins: boolean;
  /** Nothing further will change. */
  complete: boolean;
  /** One sentence for tooltips and the help dialog. */
  meaning: string;
}

/** The one table of how a status looks. A status that is missing here fails the type check. */
export const STATUS_LOOKS: Record<Status, StatusLook> = {
  NOT_STARTED: {
    label: "Not started",
    tone: "waiting",
    icon: IconCircleDashed,
    spins: false,
    complete: false,
    meaning: "Waits for the stages before it.",
  },
  RUNNING: {
    label: "Running",
    tone: "running",
    icon: IconLoader2,
    spins: true,
    complete: false,
    meaning: "Is being worked on.",
  },
  PAUSED: {
    label: "Paused",
    tone: "warning",
    icon: IconPlayerPauseFilled,
    spins: false,
    complete: false,
    meaning: "Was paused by someone and can be resumed.",
  },
  SUSPENDED: {
    label: "Suspended",
    tone: "warning",
    icon: IconClockPause,
    spins: false,
    complete: false,
    meaning: "Waits for its execution window.",
  },
  SUCCEEDED: {
    label: "Succeeded",
    tone: "good",
    icon: IconCircleCheckFilled,
    spins: false,
    complete: true,
    meaning: "Ended as it should.",
  },
  FAILED_CONTINUE: {
    label: "Failed, continued",
    tone: "warning",
    icon: IconAlertTriangleFilled,
    spins: false,
    complete: true,
    meaning: "Failed, and the pipeline was told to go on.",
  },
  TERMINAL: {
    label: "Failed",
    tone: "bad",
    icon: IconCircleXFilled,
    spins: false,
    complete: true,
    meaning: "Failed and stopped what came after it.",
  },
  CANCELED: {
    label: "Canceled",
    tone: "muted",
    icon: IconBan,
    spins: false,
    complete: true,
    meaning: "Was canceled by someone or by a rule.",
  },
  REDIRECT: {
    label: "Redirected",
    tone: "running",
    icon: IconCornerUpRight,
    spins: false,
    complete: false,
    meaning: "Goes back to an earlier task.",
  },
  STOPPED: {
    label: "Stopped",
    tone: "bad",
    icon: IconHandStop,
    spins: false,
    complete: true,
    meaning: "Stopped its own branch; other branches went on.",
  },
  SKIPPED: {
    label: "Skipped",
    tone: "muted",
    icon: IconPlayerSkipForwardFilled,
    spins: false,
    complete: true,
    meaning: "Was not needed.",
  },
  BUFFERED: {
    label: "Buffered",
    tone: "waiting",
    icon: IconStackPush,
    spins: false,
    complete: false,
    meaning: "Waits for its turn.",
  },
};

/** The look of a status; an unknown word (from a newer server) reads as itself in a neutral colour. */
export function statusLook(status: string): StatusLook {
  if (isStatus(status)) return STATUS_LOOKS[status];
  return { ...STATUS_LOOKS.NOT_STARTED, label: status || "Unknown", meaning: "Unknown status." };
}

export function isStatus(word: string): word is Status {
  return (STATUSES as readonly string[]).includes(word);
}

export function isComplete(status: string): boolean {
  return statusLook(status).complete;
}

/** Whether the work has begun and not ended. */
export function isActive(status: string): boolean {
  return status === "RUNNING" || status === "PAUSED" || status === "SUSPENDED";
}

/** Whether a person should look at why this ended so. */
export function isFailure(status: string): boolean {
  return status === "TERMINAL" || status === "STOPPED" || status === "FAILED_CONTINUE";
}

export function toneColor(tone: Tone): string {
  return `var(--tone-${tone})`;
}
