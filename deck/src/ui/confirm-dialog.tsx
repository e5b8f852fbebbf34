import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Notice } from "./notice";

interface ConfirmDialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  confirmLabel: string;
  cancelLabel?: string;
  onConfirm: () => void;
  busy?: boolean;
  /** What went wrong with the last try; shown inside the dialog. */
  error?: string;
  /** When given, the person must type this to confirm. */
  typeToConfirm?: string;
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title}>
      {props.opened && <ConfirmBody {...props} />}
    </Modal>
  );
}

function ConfirmBody(props: ConfirmDialogProps) {
  const [typed, setTyped] = useState("");
  const allowed = props.typeToConfirm === undefined || typed.trim() === props.typeToConfirm;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (allowed && !props.busy) props.onConfirm();
      }}
    >
      <Stack gap="md">
        {typeof props.children === "string" ? <Text>{props.children}</Text> : props.children}
        {props.typeToConfirm !== undefined && (
          <TextInput
            label={`Type ${props.typeToConfirm} to confirm`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            data-autofocus
            autoComplete="off"
            spellCheck={false}
          />
        )}
        {props.error && <Notice tone="bad">{props.error}</Notice>}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={props.onClose}>
            {props.cancelLabel ?? "Cancel"}
          </Button>
          <Button type="submit" color="red" loading={props.busy} disabled={!allowed}>
            {props.confirmLabel}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
