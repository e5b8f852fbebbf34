import { Button, Group, Stack, Table, Text, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { errorWords } from "@/api/errors";
import { keys, queries } from "@/api/queries";
import { runTask } from "@/api/tasks";
import type { Application } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { emailFault } from "@/lib/names";
import { paths } from "@/lib/paths";
import { asText } from "@/lib/records";
import { formatAbsolute, toMillis } from "@/lib/time";
import { JsonView } from "@/ui/json-view";
import { Panel } from "@/ui/panel";
import { DeleteApplicationDialog } from "../components/delete-application-dialog";
import { Notice } from "@/ui/notice";

/** An application's attributes: all of them to read, those of people to change. */
export function ConfigPage() {
  const { application = "" } = useParams();
  usePageTitle("Config", application);
  const query = useQuery(queries.application(application));
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  return (
    <QueryState query={query}>
      {(data) => (
        <Stack gap="md" maw={920}>
          <Panel title="Details">
            <EditForm key={data.name} application={data} />
          </Panel>
          <Panel title="All attributes" padded={false}>
            <AttributeTable application={data} />
          </Panel>
          <Panel title="Delete application">
            <Group justify="space-between">
              <Text fz="sm" maw="60ch">
                Deletes the application and its permissions. What has been deployed stays.
              </Text>
              <Button
                color="red"
                variant="light"
                leftSection={<IconTrash size={14} />}
                onClick={() => setDeleting(true)}
              >
                Delete application…
              </Button>
            </Group>
          </Panel>
          <DeleteApplicationDialog
            application={deleting ? data.name : undefined}
            onClose={() => setDeleting(false)}
            onDeleted={() => void navigate(paths.applications())}
          />
        </Stack>
      )}
    </QueryState>
  );
}

function EditForm({ application }: { application: Application }) {
  const client = useQueryClient();
  const { attributes } = application;
  const [email, setEmail] = useState(attributes.email ?? "");
  const [description, setDescription] = useState(attributes.description ?? "");
  const changed =
    email !== (attributes.email ?? "") || description !== (attributes.description ?? "");
  const fault = emailFault(email);
  const save = useMutation({
    mutationFn: () =>
      runTask({
        application: application.name,
        description: `Update application: ${application.name}`,
        job: [
          {
            type: "updateApplication",
            application: {
              name: application.name,
              email: email.trim(),
              description: description.trim(),
            },
          },
        ],
      }),
    onSuccess: async () => {
      notifications.show({ message: "The application is saved." });
      await client.invalidateQueries({ queryKey: keys.application(application.name) });
      await client.invalidateQueries({ queryKey: keys.applications });
    },
  });
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (changed && !fault && !save.isPending) save.mutate();
      }}
    >
      <Stack gap="sm" maw={520}>
        <TextInput
          label="Owner email"
          type="email"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={changed ? fault : undefined}
        />
        <Textarea
          label="Description"
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={8}
        />
        {save.error && <Notice tone="bad">{errorWords(save.error).message}</Notice>}
        <Group gap="xs">
          <Button type="submit" disabled={!changed || Boolean(fault)} loading={save.isPending}>
            Save
          </Button>
          {changed && (
            <Button
              variant="default"
              onClick={() => {
                setEmail(attributes.email ?? "");
                setDescription(attributes.description ?? "");
                save.reset();
              }}
            >
              Discard changes
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

function AttributeTable({ application }: { application: Application }) {
  const entries = Object.entries(application.attributes).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Table aria-label="All attributes" layout="fixed">
      <Table.Tbody>
        {entries.map(([key, value]) => (
          <Table.Tr key={key}>
            <Table.Th w={200} fw={550} scope="row">
              {key}
            </Table.Th>
            <Table.Td style={{ overflowWrap: "anywhere" }}>
              <AttributeValue name={key} value={value} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function AttributeValue({ name, value }: { name: string; value: unknown }) {
  if (value === null || value === undefined || value === "") return <>–</>;
  const time = /Ts$/.test(name) ? toMillis(value) : undefined;
  if (time) return <>{formatAbsolute(time)}</>;
  const text = asText(value);
  return text === undefined ? <JsonView value={value} /> : <>{text}</>;
}
