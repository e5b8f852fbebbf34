import { Button, Group } from "@mantine/core";
import { Notice } from "./notice";

interface FormActionsProps {
  /** What went wrong with the last try. */
  error?: string;
  submitLabel: string;
  busy: boolean;
  onCancel: () => void;
}

/** The end of a form in a dialog: what went wrong, the way out and the way on. */
export function FormActions({ error, submitLabel, busy, onCancel }: FormActionsProps) {
  return (
    <>
      {error && <Notice tone="bad">{error}</Notice>}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" loading={busy}>
          {submitLabel}
        </Button>
      </Group>
    </>
  );
}
