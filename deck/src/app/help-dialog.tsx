import { Anchor, Kbd, Modal, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { currentSettings } from "@/api/client";
import { queries } from "@/api/queries";
import { STATUS_LOOKS, STATUSES } from "@/lib/status";
import { StatusBadge } from "@/ui/status";

const KEYS: [keys: string[], meaning: string][] = [
  [["?"], "Open this help"],
  [["/"], "Go to the search field of the page"],
  [["Esc"], "Close a dialog, empty the search"],
  [["←", "→", "↑", "↓"], "Go from stage to stage in the graph"],
  [["J"], "Go to the judgment an execution waits for"],
  [["Ctrl", "S"], "Save in the pipeline editor; Esc, then Tab, leaves it"],
];

/** Keys, the meaning of the statuses, and the version. */
export function HelpDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Help" size="lg">
      <Stack gap="lg">
        <section>
          <Title order={3} mb={4}>
            Keyboard
          </Title>
          <Table aria-label="Keyboard shortcuts" verticalSpacing={4}>
            <Table.Tbody>
              {KEYS.map(([keys, meaning]) => (
                <Table.Tr key={meaning}>
                  <Table.Td w={150}>
                    {keys.map((key) => (
                      <Kbd key={key} mr={4} size="xs">
                        {key}
                      </Kbd>
                    ))}
                  </Table.Td>
                  <Table.Td>{meaning}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
        <section>
          <Title order={3} mb={4}>
            Statuses
          </Title>
          <Table aria-label="Statuses" verticalSpacing={3}>
            <Table.Tbody>
              {STATUSES.map((status) => (
                <Table.Tr key={status}>
                  <Table.Td w={180}>
                    <StatusBadge status={status} />
                  </Table.Td>
                  <Table.Td>
                    {STATUS_LOOKS[status].meaning}{" "}
                    <Text component="span" fz="xs" c="dimmed">
                      {status}
                    </Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
        {opened && <Version />}
      </Stack>
    </Modal>
  );
}

function Version() {
  const { data } = useQuery(queries.version());
  const version = data?.version ?? currentSettings().version;
  return (
    <Text fz="xs" c="dimmed">
      Gennaker {version ?? "(version unknown)"} ·{" "}
      <Anchor href="/third-party-licenses.md" target="_blank" fz="xs">
        Licences of others
      </Anchor>{" "}
      ·{" "}
      <Anchor href="/inter-license.txt" target="_blank" fz="xs">
        Licence of the typeface
      </Anchor>
    </Text>
  );
}
