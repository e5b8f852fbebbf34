import { ActionIcon, Badge, Table } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { Fragment, useState } from "react";
import type { ManifestRef } from "@/api/stage-facts";
import { prettyJson } from "@/lib/json";
import { CopyButton } from "@/ui/copy-button";
import { JsonView } from "@/ui/json-view";
import classes from "./manifest-list.module.css";

/** Kubernetes objects by kind, name and namespace; each opens to its manifest where it is known. */
export function ManifestList({ label, manifests }: { label: string; manifests: ManifestRef[] }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  return (
    <Table className={classes["table"]} aria-label={label} verticalSpacing={5}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={36}>
            <span hidden>Manifest</span>
          </Table.Th>
          <Table.Th>Kind</Table.Th>
          <Table.Th>Name</Table.Th>
          <Table.Th>Namespace</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {manifests.map((item, index) => {
          const key = `${item.kind}/${item.namespace ?? ""}/${item.name}/${index}`;
          const opened = open.has(key);
          return (
            <Fragment key={key}>
              <Table.Tr>
                <Table.Td>
                  {item.manifest && (
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      size="sm"
                      aria-expanded={opened}
                      aria-label={`${opened ? "Hide" : "Show"} manifest of ${item.kind} ${item.name}`}
                      onClick={() => {
                        const next = new Set(open);
                        if (opened) next.delete(key);
                        else next.add(key);
                        setOpen(next);
                      }}
                    >
                      {opened ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
                    </ActionIcon>
                  )}
                </Table.Td>
                <Table.Td>
                  <Badge variant="light" color="gray" tt="none" radius="sm">
                    {item.kind}
                  </Badge>
                </Table.Td>
                <Table.Td className={classes["name"]}>{item.name}</Table.Td>
                <Table.Td>{item.namespace ?? "–"}</Table.Td>
              </Table.Tr>
              {opened && item.manifest && (
                <Table.Tr>
                  <Table.Td colSpan={4} p={0}>
                    <div className={classes["json"]}>
                      <CopyButton
                        value={prettyJson(item.manifest)}
                        label={`Copy manifest of ${item.kind} ${item.name}`}
                      />
                      <JsonView value={item.manifest} openDepth={3} />
                    </div>
                  </Table.Td>
                </Table.Tr>
              )}
            </Fragment>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
