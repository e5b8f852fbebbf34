import { ActionIcon, Badge, Button, Group, Table, Text, Title, Tooltip } from "@mantine/core";
import { IconKey, IconLock, IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries } from "@/api/queries";
import type { ApiToken, User } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { formatDate, toMillis } from "@/lib/time";
import { Panel } from "@/ui/panel";
import { EmptyState } from "@/ui/states";
import { TimeAgo } from "@/ui/times";
import { useNow } from "@/ui/use-now";
import { NewTokenDialog } from "../components/new-token-dialog";
import { RevokeTokenDialog } from "../components/revoke-token-dialog";
import { hasEnded, scopeWords } from "../scopes";

/** The API tokens of the person who is signed in; administrators see those of service accounts too. */
export function TokensPage() {
  usePageTitle("API tokens");
  const user = useQuery(queries.user());
  return (
    <QueryState query={user}>
      {(caller) =>
        caller?.canMintApiTokens ? (
          <Tokens caller={caller} />
        ) : (
          <Panel padded={false}>
            <EmptyState icon={IconLock} title="You may not make API tokens">
              An administrator says who may, by a role, or this installation has no API tokens.
            </EmptyState>
          </Panel>
        )
      }
    </QueryState>
  );
}

function Tokens({ caller }: { caller: User }) {
  const tokens = useQuery(queries.apiTokens());
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken>();
  const createButton = (
    <Button leftSection={<IconPlus size={14} />} onClick={() => setMaking(true)}>
      New token
    </Button>
  );
  return (
    <>
      <Group justify="space-between" mb="md" wrap="wrap">
        <Title order={1}>API tokens</Title>
        {createButton}
      </Group>
      <Panel padded={false}>
        <QueryState query={tokens}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={IconKey} title="No API tokens yet" action={createButton}>
                A token signs in a script or the spin CLI in your name, and does what you may do,
                within its scopes. It is sent as <code>Authorization: Bearer</code>.
              </EmptyState>
            ) : (
              <TokenTable tokens={all} onRevoke={setRevoking} />
            )
          }
        </QueryState>
      </Panel>
      <NewTokenDialog opened={making} caller={caller} onClose={() => setMaking(false)} />
      <RevokeTokenDialog token={revoking} onClose={() => setRevoking(undefined)} />
    </>
  );
}

function TokenTable({
  tokens,
  onRevoke,
}: {
  tokens: ApiToken[];
  onRevoke: (token: ApiToken) => void;
}) {
  const now = useNow();
  const sorted = [...tokens].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  return (
    <Table.ScrollContainer minWidth={700} type="native">
      <Table highlightOnHover aria-label="API tokens">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Acts as</Table.Th>
            <Table.Th>Scopes</Table.Th>
            <Table.Th>Expires</Table.Th>
            <Table.Th>Last used</Table.Th>
            <Table.Th w={48}>
              <span hidden>Actions</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map((token) => (
            <Table.Tr key={token.id}>
              <Table.Td maw={320}>
                <Group gap={8} wrap="nowrap">
                  <Text fz="sm" fw={600} truncate>
                    {token.name}
                  </Text>
                  {hasEnded(token, now) && (
                    <Badge variant="light" color="gray" tt="none" radius="sm">
                      Expired
                    </Badge>
                  )}
                </Group>
                <Text fz="xs" c="dimmed">
                  made <TimeAgo time={toMillis(token.createdAt)} />
                  {token.createdByUserId !== token.principalId && ` by ${token.createdByUserId}`}
                </Text>
              </Table.Td>
              <Table.Td>
                {token.principalId}
                {token.principalType === "SERVICE_ACCOUNT" && (
                  <Text fz="xs" c="dimmed">
                    service account
                  </Text>
                )}
              </Table.Td>
              <Table.Td>{scopeWords(token.scopes)}</Table.Td>
              <Table.Td style={{ whiteSpace: "nowrap" }}>
                {formatDate(Date.parse(token.expiresAt))}
              </Table.Td>
              <Table.Td style={{ whiteSpace: "nowrap" }}>
                {token.lastUsedAt ? <TimeAgo time={toMillis(token.lastUsedAt)} /> : "Never"}
              </Table.Td>
              <Table.Td>
                <Tooltip label="Revoke">
                  <ActionIcon
                    variant="subtle"
                    color="red"
                    aria-label={`Revoke ${token.name}`}
                    onClick={() => onRevoke(token)}
                  >
                    <IconTrash size={15} />
                  </ActionIcon>
                </Tooltip>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
