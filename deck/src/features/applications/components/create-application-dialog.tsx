import { Modal, MultiSelect, Stack, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { errorWords } from "@/api/errors";
import { keys, queries } from "@/api/queries";
import { runTask } from "@/api/tasks";
import type { Account } from "@/api/types";
import { applicationNameFault, emailFault, NAME_RULES } from "@/lib/names";
import { paths } from "@/lib/paths";
import { FormActions } from "@/ui/form-actions";

interface CreateApplicationDialogProps {
  opened: boolean;
  onClose: () => void;
  /** Names in use; the server would take a second creation for an update. */
  taken: string[];
}

export function CreateApplicationDialog(props: CreateApplicationDialogProps) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title="Create application">
      {props.opened && <CreateForm {...props} />}
    </Modal>
  );
}

export function providersOf(accounts: Account[]): string[] {
  const found = new Set(accounts.map((account) => account.cloudProvider ?? account.type));
  found.add("kubernetes");
  return [...found].filter(Boolean).sort();
}

function CreateForm({ onClose, taken }: CreateApplicationDialogProps) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const accounts = useQuery(queries.credentials());
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [description, setDescription] = useState("");
  const [providers, setProviders] = useState<string[]>(["kubernetes"]);
  const [checked, setChecked] = useState(false);

  const nameFault = applicationNameFault(name, providers, taken);
  const ownerFault = emailFault(email);
  const create = useMutation({
    mutationFn: () =>
      runTask({
        application: name.trim(),
        description: `Create application: ${name.trim()}`,
        job: [
          {
            type: "createApplication",
            application: {
              name: name.trim(),
              email: email.trim(),
              description: description.trim(),
              cloudProviders: providers.join(","),
            },
          },
        ],
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.applications });
      await navigate(paths.pipelines(name.trim().toLowerCase()));
    },
  });

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (!nameFault && !ownerFault && !create.isPending) create.mutate();
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Name"
          description={
            providers.length === 1 && NAME_RULES[providers[0] ?? ""]
              ? `For ${providers[0]}: ${NAME_RULES[providers[0] ?? ""]?.words}.`
              : "Short and lasting: it becomes part of the names of clusters."
          }
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={checked || (name !== "" && nameFault) ? nameFault : undefined}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
        />
        <TextInput
          label="Owner email"
          type="email"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={checked ? ownerFault : undefined}
          autoComplete="email"
        />
        <Textarea
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={6}
        />
        <MultiSelect
          label="Cloud providers"
          data={providersOf(accounts.data ?? [])}
          value={providers}
          onChange={setProviders}
        />
        <FormActions
          error={create.error ? errorWords(create.error).message : undefined}
          submitLabel="Create"
          busy={create.isPending}
          onCancel={onClose}
        />
      </Stack>
    </form>
  );
}
