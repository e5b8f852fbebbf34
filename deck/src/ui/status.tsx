import { Tooltip } from "@mantine/core";
import type { CSSProperties } from "react";
import { statusLook, type Tone } from "@/lib/status";
import classes from "./status.module.css";

/** The CSS variables of a tone, for elements that colour themselves by it. */
export function toneStyle(tone: Tone): CSSProperties {
  return {
    "--tone": `var(--tone-${tone})`,
    "--tone-text": `var(--tone-${tone}-text)`,
  } as CSSProperties;
}

/** The icon of a status. Silent for assistive technology: a label always stands beside it. */
export function StatusIcon({ status, size = 16 }: { status: string; size?: number }) {
  const look = statusLook(status);
  const Icon = look.icon;
  return (
    <span
      className={classes["icon"]}
      data-spins={look.spins}
      style={toneStyle(look.tone)}
      aria-hidden="true"
    >
      <Icon size={size} />
    </span>
  );
}

interface StatusBadgeProps {
  status: string;
  size?: "md" | "lg";
  /** Replaces the status's own word, such as "Awaiting judgment" for a running judgment. */
  label?: string;
  tone?: Tone;
  /** Replaces the sentence that the status has of its own. */
  meaning?: string;
}

export function StatusBadge({ status, size = "md", label, tone, meaning }: StatusBadgeProps) {
  const look = statusLook(status);
  return (
    <Tooltip label={meaning ?? look.meaning}>
      <span
        className={classes["badge"]}
        data-size={size}
        data-status={status}
        style={toneStyle(tone ?? look.tone)}
      >
        <StatusIcon status={status} size={size === "lg" ? 16 : 14} />
        {label ?? look.label}
      </span>
    </Tooltip>
  );
}
