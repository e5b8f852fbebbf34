import { Title } from "@mantine/core";
import { useId, type ReactNode } from "react";
import classes from "./panel.module.css";

interface PanelProps {
  title?: string;
  /** Right side of the header. */
  actions?: ReactNode;
  children: ReactNode;
  /** Padding around the children; lists and graphs go without. */
  padded?: boolean;
}

/** A bordered card; a region of the page when it has a title. */
export function Panel({ title, actions, children, padded = true }: PanelProps) {
  const id = useId();
  return (
    <section className={classes["panel"]} aria-labelledby={title ? id : undefined}>
      {(title || actions) && (
        <div className={classes["header"]}>
          {title && (
            <Title order={2} size="h4" id={id} style={{ flex: 1 }}>
              {title}
            </Title>
          )}
          {actions}
        </div>
      )}
      <div className={padded ? classes["body"] : undefined}>{children}</div>
    </section>
  );
}
