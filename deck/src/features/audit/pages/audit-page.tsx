import { Button, Checkbox, Group, Table, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconFilterOff, IconLock, IconReportSearch } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { errorWords } from "@/api/errors";
import type { AuditFilter } from "@/api/gate";
import { auditEvents, queries } from "@/api/queries";
import type { AuditEvent } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
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

/** A pause in typing that is long enough to ask. */
const TYPING_MS = 300;

function AuditLog() {
  const [parameters, setParameters] = useSearchParams();
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
  const setParameter = (key: string, value: string) =>
    setParameters(
      (previous) => {
        const next = new URLSearchParams(previous);
        if (value) next.set(key, value);
        else next.delete(key);
        return next;
      },
      { replace: true },
    );
  return (
    <>
      <Group justify="space-between" mb="md" wrap="wrap">
        <Title order={1}>Audit log</Title>
        <Group gap="xs">
          <TextInput
            aria-label="Filter by user"
            placeholder="User"
            size="xs"
            w={170}
            value={filter.user}
            onChange={(event) => setParameter("user", event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
          />
          <TextInput
            aria-label="Filter by application"
            placeholder="Application"
            size="xs"
            w={170}
            value={filter.application}
            onChange={(event) => setParameter("application", event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
          />
          <Checkbox
            label="Refused only"
            size="xs"
            checked={filter.denied}
            onChange={(event) => setParameter("denied", event.currentTarget.checked ? "true" : "")}
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
                  <Button variant="default" onClick={() => setParameters({}, { replace: true })}>
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
