import {
  Button,
  Checkbox,
  Code,
  Group,
  Modal,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { errorWords } from "@/api/errors";
import { gate } from "@/api/gate";
import { keys } from "@/api/queries";
import type { ApiToken, NewApiToken, TokenScope, User } from "@/api/types";
import { formatDate } from "@/lib/time";
import { CopyButton } from "@/ui/copy-button";
import { FormActions } from "@/ui/form-actions";
import { Notice } from "@/ui/notice";
import { expiry, lifetimes, SCOPES } from "../scopes";

interface NewTokenDialogProps {
  opened: boolean;
  caller: User;
  onClose: () => void;
}

/** Makes an API token and shows its text, this once. */
export function NewTokenDialog({ opened, caller, onClose }: NewTokenDialogProps) {
  // The text lives in this component alone: no cache keeps it after the dialog.
  const [made, setMade] = useState<NewApiToken>();
  const close = () => {
    setMade(undefined);
    onClose();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={made ? "Copy the token now" : "New API token"}
      // A click beside the dialog would lose the only sight of the token.
      closeOnClickOutside={!made}
      closeOnEscape={!made}
    >
      {opened &&
        (made ? (
          <MadeToken token={made} onClose={close} />
        ) : (
          <TokenForm caller={caller} onMade={setMade} onClose={close} />
        ))}
    </Modal>
  );
}

const MAX_NAME = 64;
const USUAL_DAYS = 30;

interface TokenFormProps {
  caller: User;
  onMade: (token: NewApiToken) => void;
  onClose: () => void;
}

function TokenForm({ caller, onMade, onClose }: TokenFormProps) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<ApiToken["principalType"]>("USER");
  const [account, setAccount] = useState("");
  const [scopes, setScopes] = useState<TokenScope[]>(["READ"]);
  const [days, setDays] = useState(USUAL_DAYS);
  const [checked, setChecked] = useState(false);

  const service = kind === "SERVICE_ACCOUNT";
  const most =
    (service ? caller.maxServiceAccountTokenLifetimeDays : caller.maxUserTokenLifetimeDays) ??
    USUAL_DAYS;
  const choices = lifetimes(most);
  const lifetime = Math.min(days, most);
  const nameFault = name.trim() ? undefined : "Enter a name that tells where the token is used.";
  const accountFault =
    service && !account.trim() ? "Enter the name of the service account." : undefined;
  const scopesFault = scopes.length > 0 ? undefined : "Choose at least one scope.";

  const make = useMutation({
    mutationFn: () =>
      gate.createApiToken({
        name: name.trim(),
        principalType: kind,
        ...(service ? { principalId: account.trim() } : {}),
        scopes,
        expiresAt: expiry(lifetime, most, Date.now()),
      }),
    gcTime: 0,
    onSuccess: (token) => {
      void client.invalidateQueries({ queryKey: keys.apiTokens });
      onMade(token);
    },
  });

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (!nameFault && !accountFault && !scopesFault && !make.isPending) make.mutate();
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Name"
          description="Where it is used, for example “nightly build”."
          required
          maxLength={MAX_NAME}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={checked ? nameFault : undefined}
          data-autofocus
          autoComplete="off"
        />
        {caller.isAdmin && (
          <Select
            label="Acts as"
            data={[
              { value: "USER", label: `${caller.username ?? "you"} (you)` },
              { value: "SERVICE_ACCOUNT", label: "A service account" },
            ]}
            value={kind}
            onChange={(value) => setKind(value === "SERVICE_ACCOUNT" ? value : "USER")}
            allowDeselect={false}
          />
        )}
        {service && (
          <TextInput
            label="Service account"
            required
            value={account}
            onChange={(event) => setAccount(event.currentTarget.value)}
            error={checked ? accountFault : undefined}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <Checkbox.Group
          label="Scopes"
          description={`Within what ${service ? "the service account" : "you"} may do.`}
          required
          value={scopes}
          onChange={(values) =>
            setScopes(SCOPES.map(({ value }) => value).filter((scope) => values.includes(scope)))
          }
          error={checked ? scopesFault : undefined}
        >
          <Stack gap={8} mt={8} mb={4}>
            {SCOPES.map(({ value, label, meaning }) => (
              <Checkbox key={value} value={value} label={label} description={meaning} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Select
          label="Expires"
          data={choices.map((choice) => ({ value: String(choice), label: daysWords(choice) }))}
          value={String(lifetime)}
          onChange={(value) => setDays(Number(value))}
          allowDeselect={false}
        />
        <FormActions
          error={make.error ? errorWords(make.error).message : undefined}
          submitLabel="Make token"
          busy={make.isPending}
          onCancel={onClose}
        />
      </Stack>
    </form>
  );
}

function daysWords(days: number): string {
  return days === 1 ? "After 1 day" : `After ${days} days`;
}

function MadeToken({ token, onClose }: { token: NewApiToken; onClose: () => void }) {
  return (
    <Stack gap="md">
      <Notice tone="warning">
        This is the only time that the token is shown. Whoever has it acts as {token.principalId}:
        keep it where you keep passwords.
      </Notice>
      <Group gap={6} wrap="nowrap">
        <Code block fz="sm" style={{ flex: 1, overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
          {token.token}
        </Code>
        <CopyButton value={token.token} label="Copy token" />
      </Group>
      <Text fz="sm" c="dimmed">
        {token.name} ends on {formatDate(Date.parse(token.expiresAt))}.
      </Text>
      <Group justify="flex-end">
        <Button onClick={onClose} data-autofocus>
          I have copied it
        </Button>
      </Group>
    </Stack>
  );
}
