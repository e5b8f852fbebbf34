import { Button, Checkbox, Group, Table, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconFilterOff, IconLock, IconReportSearch } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { errorWords } from "@/api/errors";
import type { AuditFilter } from "@/api/gate";
import { auditEvents, queries } from "@/api/queries";
import type { AuditEvent } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { useParameters } from "@/components/use-parameters";
import { formatAbsolute } from "@/lib/time";
import { Notice } from "@/ui/notice";
import { Panel } from "@/ui/panel";
import { EmptyState } from "@/ui/states";
import { means, touched } from "../words";

/** Who changed what, and what was refused, newest first; for administrators. */
export function AuditPage() {
  usePageTitle("Audit log");
  const user = useQuery(queries.user());
  return (
    <QueryState query={user}>
      {(caller) =>
        caller?.isAdmin ? (
          <AuditLog />
        ) : (
          <Panel padded={false}>
            <EmptyState icon={IconLock} title="The audit log is for administrators">
              Administrators hold one of the roles that the installation names.
            </EmptyState>
          </Panel>
        )
      }
    </QueryState>
  );
}

/** Text that events have to match, as it is typed. */
function Filter({
  what,
  value,
  onChange,
}: {
  what: string;
  value: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <TextInput
      aria-label={`Filter by ${what.toLowerCase()}`}
      placeholder={what}
      size="xs"
      w={170}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
      spellCheck={false}
    />
  );
}

/** A pause in typing that is long enough to ask. */
const TYPING_MS = 300;

function AuditLog() {
  const [parameters, setParameters] = useParameters();
  const filter: AuditFilter = {
    user: parameters.get("user") ?? "",
    application: parameters.get("application") ?? "",
    denied: parameters.get("denied") === "true",
  };
  const filtered = Boolean(filter.user || filter.application || filter.denied);
  const [asked] = useDebouncedValue(filter, TYPING_MS);
  const query = useInfiniteQuery(
    queries.audit({
      user: asked.user?.trim(),
      application: asked.application?.trim(),
      denied: asked.denied,
    }),
  );
  return (
    <>
      <Group justify="space-between" mb="md" wrap="wrap">
        <Title order={1}>Audit log</Title>
        <Group gap="xs">
          <Filter what="User" value={filter.user} onChange={(user) => setParameters({ user })} />
          <Filter
            what="Application"
            value={filter.application}
            onChange={(application) => setParameters({ application })}
          />
          <Checkbox
            label="Refused only"
            size="xs"
            checked={filter.denied}
            onChange={(event) =>
              setParameters({ denied: event.currentTarget.checked ? "true" : "" })
            }
          />
        </Group>
      </Group>
      <Panel padded={false}>
        <QueryState query={query}>
          {({ pages }) => {
            const events = auditEvents(pages);
            if (events.length > 0) return <EventTable events={events} />;
            return filtered ? (
              <EmptyState
                icon={IconFilterOff}
                title="No event matches"
                action={
                  <Button
                    variant="default"
                    onClick={() => setParameters({ user: "", application: "", denied: "" })}
                  >
                    Clear filters
                  </Button>
                }
              >
                Nothing of the last 31 days is of this user and application.
              </EmptyState>
            ) : (
              <EmptyState icon={IconReportSearch} title="No events yet">
                Each request that changes something, or that was refused, appears here after some
                seconds.
              </EmptyState>
            );
          }}
        </QueryState>
      </Panel>
      {query.isFetchNextPageError && <Notice tone="bad">{errorWords(query.error).message}</Notice>}
      {query.hasNextPage && (
        <Group justify="center" mt="md">
          <Button
            variant="default"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show more
          </Button>
        </Group>
      )}
    </>
  );
}

function EventTable({ events }: { events: AuditEvent[] }) {
  return (
    <Table.ScrollContainer minWidth={900} type="native">
      <Table highlightOnHover aria-label="Audit log" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Time</Table.Th>
            <Table.Th>User</Table.Th>
            <Table.Th>What</Table.Th>
            <Table.Th>On what</Table.Th>
            <Table.Th>From</Table.Th>
            <Table.Th>Allowed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Table.Tr key={event.request}>
              <Table.Td style={{ whiteSpace: "nowrap" }}>
                <time dateTime={new Date(event.time).toISOString()}>
                  {formatAbsolute(event.time)}
                </time>
              </Table.Td>
              <Table.Td>
                {event.user || "–"}
                {means(event) && (
                  <Text fz="xs" c="dimmed">
                    {means(event)}
                  </Text>
                )}
              </Table.Td>
              <Table.Td style={{ overflowWrap: "anywhere" }}>
                <strong>{event.method}</strong> {event.route}
                <Text fz="xs" c="dimmed">
                  answered {event.status}
                </Text>
              </Table.Td>
              <Table.Td maw={260} style={{ overflowWrap: "anywhere" }}>
                {touched(event)}
              </Table.Td>
              <Table.Td>{event.address || "–"}</Table.Td>
              <Table.Td maw={320}>
                {event.allowed ? (
                  "Yes"
                ) : (
                  <>
                    <Text fz="sm" fw={600} c="var(--tone-bad-text)">
                      No
                    </Text>
                    {event.reason && <Text fz="xs">{event.reason}</Text>}
                  </>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
