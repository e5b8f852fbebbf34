import { ActionIcon, Table, Text } from "@mantine/core";
import { IconChecklist, IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { useParams } from "react-router";
import { queries } from "@/api/queries";
import { taskFailure } from "@/api/tasks";
import type { Task } from "@/api/types";
import { usePageTitle } from "@/components/page-title";
import { QueryState } from "@/components/query-state";
import { humanize } from "@/lib/names";
import { isFailure } from "@/lib/status";
import { Panel } from "@/ui/panel";
import { EmptyState } from "@/ui/states";
import { StatusBadge } from "@/ui/status";
import { Duration, TimeAgo } from "@/ui/times";

/** What was done to an application outside its pipelines, newest first. */
export function TasksPage() {
  const { application = "" } = useParams();
  usePageTitle("Tasks", application);
  const query = useQuery(queries.tasks(application));
  return (
    <Panel title="Tasks" padded={false}>
      <QueryState query={query}>
        {(tasks) =>
          tasks.length === 0 ? (
            <EmptyState icon={IconChecklist} title="No tasks yet">
              A task is one change made outside a pipeline, such as creating this application or
              saving a pipeline. Tasks of the last days are listed here.
            </EmptyState>
          ) : (
            <TaskTable tasks={tasks} />
          )
        }
      </QueryState>
    </Panel>
  );
}

function TaskTable({ tasks }: { tasks: Task[] }) {
  const [open, setOpen] = useState<string>();
  const sorted = [...tasks].sort((a, b) => begunAt(b) - begunAt(a));
  return (
    <Table.ScrollContainer minWidth={640} type="native">
      <Table aria-label="Tasks" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={44}>
              <span hidden>Steps</span>
            </Table.Th>
            <Table.Th>Task</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>User</Table.Th>
            <Table.Th>Started</Table.Th>
            <Table.Th>Duration</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map((task) => (
            <Fragment key={task.id}>
              <Table.Tr>
                <Table.Td>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    size="sm"
                    aria-expanded={open === task.id}
                    aria-label={`Steps of ${task.name ?? task.id}`}
                    onClick={() => setOpen(open === task.id ? undefined : task.id)}
                  >
                    {open === task.id ? (
                      <IconChevronDown size={14} />
                    ) : (
                      <IconChevronRight size={14} />
                    )}
                  </ActionIcon>
                </Table.Td>
                <Table.Td>
                  <Text fz="sm" fw={550}>
                    {task.name ?? task.id}
                  </Text>
                  {isFailure(task.status) && (
                    <Text fz="xs" c="var(--tone-bad-text)">
                      {taskFailure(task)}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  <StatusBadge status={task.status} />
                </Table.Td>
                <Table.Td>{task.execution?.authentication?.user ?? "anonymous"}</Table.Td>
                <Table.Td>
                  <TimeAgo time={begunAt(task)} />
                </Table.Td>
                <Table.Td>
                  <Duration start={task.startTime} end={task.endTime} precise />
                </Table.Td>
              </Table.Tr>
              {open === task.id && (
                <Table.Tr>
                  <Table.Td />
                  <Table.Td colSpan={5}>
                    <Steps task={task} />
                  </Table.Td>
                </Table.Tr>
              )}
            </Fragment>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Steps({ task }: { task: Task }) {
  const steps = task.steps ?? [];
  if (steps.length === 0) {
    return (
      <Text fz="sm" c="dimmed">
        No steps yet.
      </Text>
    );
  }
  return (
    <Table aria-label="Steps" verticalSpacing={4} maw={560}>
      <Table.Tbody>
        {steps.map((step, index) => (
          <Table.Tr key={step.id ?? index}>
            <Table.Td>{humanize(step.name)}</Table.Td>
            <Table.Td w={140}>
              <StatusBadge status={step.status} />
            </Table.Td>
            <Table.Td w={110}>
              <Duration start={step.startTime} end={step.endTime} precise />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function begunAt(task: Task): number {
  return task.startTime ?? task.buildTime ?? 0;
}
