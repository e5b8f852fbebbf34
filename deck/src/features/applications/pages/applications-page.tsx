import { ActionIcon, Anchor, Badge, Button, Group, Menu, Table, Text, Title } from "@mantine/core";
import { IconApps, IconDots, IconPlus, IconSearchOff, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { queries } from "@/api/queries";
import type { ApplicationSummary } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { useParameters } from "@/components/use-parameters";
import { SearchField } from "@/components/search-field";
import { paths } from "@/lib/paths";
import { toMillis } from "@/lib/time";
import { Panel } from "@/ui/panel";
import { EmptyState, LoadingRows } from "@/ui/states";
import { TimeAgo } from "@/ui/times";
import { CreateApplicationDialog } from "../components/create-application-dialog";
import { DeleteApplicationDialog } from "../components/delete-application-dialog";

/** All applications: find one, create one, delete one. */
export function ApplicationsPage() {
  usePageTitle("Applications");
  const [parameters, setParameters] = useParameters();
  const search = parameters.get("q") ?? "";
  const applications = useQuery(queries.applications());
  const [deleting, setDeleting] = useState<string>();
  const creating = parameters.get("create") === "1";

  const createButton = (
    <Button leftSection={<IconPlus size={14} />} onClick={() => setParameters({ create: "1" })}>
      Create application
    </Button>
  );
  const shown = matching(applications.data ?? [], search);

  return (
    <>
      <Group justify="space-between" mb="md" wrap="wrap">
        <Group gap="xs" align="baseline">
          <Title order={1}>Applications</Title>
          {applications.data && applications.data.length > 0 && (
            <Text c="dimmed" fz="sm" role="status">
              {search ? `${shown.length} of ${applications.data.length}` : applications.data.length}
            </Text>
          )}
        </Group>
        <Group gap="xs">
          <SearchField
            label="Search applications"
            value={search}
            onChange={(value) => setParameters({ q: value })}
          />
          {createButton}
        </Group>
      </Group>

      <Panel padded={false}>
        <QueryState query={applications} loading={<LoadingRows rows={8} />}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={IconApps} title="No applications yet" action={createButton}>
                An application groups the pipelines of one product or service. Create the first one,
                then add a pipeline to it.
              </EmptyState>
            ) : shown.length === 0 ? (
              <EmptyState
                icon={IconSearchOff}
                title="No application matches"
                action={
                  <Button variant="default" onClick={() => setParameters({ q: "" })}>
                    Clear search
                  </Button>
                }
              >
                Nothing has “{search}” in its name, owner, description or accounts.
              </EmptyState>
            ) : (
              <ApplicationTable applications={shown} onDelete={setDeleting} />
            )
          }
        </QueryState>
      </Panel>

      <CreateApplicationDialog
        opened={creating}
        onClose={() => setParameters({ create: "" })}
        taken={(applications.data ?? []).map((application) => application.name)}
      />
      <DeleteApplicationDialog application={deleting} onClose={() => setDeleting(undefined)} />
    </>
  );
}

export function matching(all: ApplicationSummary[], search: string): ApplicationSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return all
    .filter((application) => {
      const text = [
        application.name,
        application.email,
        application.description,
        application.accounts,
        application.cloudProviders,
      ]
        .join(" ")
        .toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

function ApplicationTable({
  applications,
  onDelete,
}: {
  applications: ApplicationSummary[];
  onDelete: (name: string) => void;
}) {
  return (
    <Table.ScrollContainer minWidth={640} type="native">
      <Table highlightOnHover aria-label="Applications">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Description</Table.Th>
            <Table.Th>Owner</Table.Th>
            <Table.Th>Providers</Table.Th>
            <Table.Th>Updated</Table.Th>
            <Table.Th w={48}>
              <span hidden>Actions</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {applications.map((application) => (
            <Table.Tr key={application.name}>
              <Table.Td>
                <Anchor component={Link} to={paths.executions(application.name)} fz="sm" fw={600}>
                  {application.name}
                </Anchor>
              </Table.Td>
              <Table.Td maw={420}>
                <Text fz="sm" lineClamp={1} c={application.description ? undefined : "dimmed"}>
                  {application.description || "–"}
                </Text>
              </Table.Td>
              <Table.Td>{application.email || "–"}</Table.Td>
              <Table.Td>
                <Group gap={4}>
                  {listOf(application.cloudProviders).map((provider) => (
                    <Badge key={provider} variant="default" tt="none" radius="sm" fw={500}>
                      {provider}
                    </Badge>
                  ))}
                </Group>
              </Table.Td>
              <Table.Td style={{ whiteSpace: "nowrap" }}>
                <TimeAgo time={toMillis(application.updateTs)} />
              </Table.Td>
              <Table.Td>
                <Menu position="bottom-end">
                  <Menu.Target>
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={`Actions for ${application.name}`}
                    >
                      <IconDots size={16} />
                    </ActionIcon>
                  </Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item component={Link} to={paths.pipelines(application.name)}>
                      Pipelines
                    </Menu.Item>
                    <Menu.Item component={Link} to={paths.config(application.name)}>
                      Config
                    </Menu.Item>
                    <Menu.Divider />
                    <Menu.Item
                      color="red"
                      leftSection={<IconTrash size={14} />}
                      onClick={() => onDelete(application.name)}
                    >
                      Delete…
                    </Menu.Item>
                  </Menu.Dropdown>
                </Menu>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function listOf(commaSeparated: string | null | undefined): string[] {
  return (commaSeparated ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}
