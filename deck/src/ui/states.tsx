import { Button, Skeleton, Stack, Title } from "@mantine/core";
import { IconAlertCircle, IconRefresh, type Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./states.module.css";

interface EmptyStateProps {
  icon: Icon;
  title: string;
  /** What the person can do about it. */
  children: ReactNode;
  action?: ReactNode;
  compact?: boolean;
}

/** Nothing is here yet, and what to do next. */
export function EmptyState({ icon: Icon, title, children, action, compact }: EmptyStateProps) {
  return (
    <div className={classes["state"]} data-compact={compact}>
      <span className={classes["icon"]} aria-hidden="true">
        <Icon size={26} stroke={1.6} />
      </span>
      <Title order={2} size="h3">
        {title}
      </Title>
      <div className={classes["text"]}>{children}</div>
      {action}
    </div>
  );
}

interface ErrorStateProps {
  title: string;
  message: string;
  onRetry?: () => void;
  action?: ReactNode;
}

/** Something could not be read, and how to try again. */
export function ErrorState({ title, message, onRetry, action }: ErrorStateProps) {
  return (
    <div className={classes["state"]} role="alert">
      <span className={classes["icon"]} data-tone="bad" aria-hidden="true">
        <IconAlertCircle size={26} stroke={1.6} />
      </span>
      <Title order={2} size="h3">
        {title}
      </Title>
      <div className={classes["text"]}>{message}</div>
      {onRetry && (
        <Button variant="default" leftSection={<IconRefresh size={14} />} onClick={onRetry}>
          Try again
        </Button>
      )}
      {action}
    </div>
  );
}

/** Grey bars in the shape of what is coming. */
export function LoadingRows({ rows = 6, height = 34 }: { rows?: number; height?: number }) {
  return (
    <Stack gap={8} p="md" role="status" aria-label="Loading" aria-busy="true">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} radius="sm" />
      ))}
    </Stack>
  );
}
