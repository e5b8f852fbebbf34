import { Table, Text } from "@mantine/core";
import type { Stage } from "@/api/types";
import { humanize } from "@/lib/names";
import { statusLook } from "@/lib/status";
import { StatusIcon } from "@/ui/status";
import { Duration } from "@/ui/times";

/** The steps a stage is made of, in their order. */
export function StageTasks({ stage, label = "Tasks" }: { stage: Stage; label?: string }) {
  if (stage.tasks.length === 0) {
    return (
      <Text fz="sm" c="dimmed">
        {stage.status === "NOT_STARTED"
          ? "Its tasks are planned when the stage starts."
          : "This stage has no tasks."}
      </Text>
    );
  }
  return (
    <Table aria-label={label} verticalSpacing={5} horizontalSpacing={6}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Task</Table.Th>
          <Table.Th w={118}>Status</Table.Th>
          <Table.Th w={84} ta="right">
            Duration
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {stage.tasks.map((task) => (
          <Table.Tr key={task.id}>
            <Table.Td style={{ overflowWrap: "anywhere" }}>{humanize(task.name)}</Table.Td>
            <Table.Td>
              <span style={{ display: "inline-flex", gap: 6, alignItems: "center" }}>
                <StatusIcon status={task.status} size={15} />
                {statusLook(task.status).label}
              </span>
            </Table.Td>
            <Table.Td ta="right">
              <Duration start={task.startTime} end={task.endTime} precise />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
