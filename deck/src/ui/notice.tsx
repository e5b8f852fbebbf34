import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Tone } from "@/lib/status";
import classes from "./notice.module.css";
import { toneStyle } from "./status";

interface NoticeProps {
  tone: Tone;
  title?: string;
  icon?: ReactNode;
  /** Bad news is announced at once; other notices only when they ask for it. */
  role?: "status";
  children: ReactNode;
}

/** Something to know, in its place on the page. */
export function Notice({ tone, title, icon, role, children }: NoticeProps) {
  const bad = tone === "bad";
  return (
    <div className={classes["notice"]} style={toneStyle(tone)} role={bad ? "alert" : role}>
      <span className={classes["icon"]} aria-hidden="true">
        {icon ?? (bad ? <IconAlertTriangle size={16} /> : <IconInfoCircle size={16} />)}
      </span>
      {title && <div className={classes["title"]}>{title}</div>}
      <div className={classes["body"]}>{children}</div>
    </div>
  );
}
