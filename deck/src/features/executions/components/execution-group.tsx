import { Badge, Button } from "@mantine/core";
import { IconChevronRight, IconPlayerPlayFilled } from "@tabler/icons-react";
import { useId, useState } from "react";
import { Link } from "react-router";
import type { Execution, PipelineConfig } from "@/api/types";
import { paths } from "@/lib/paths";
import { isActive } from "@/lib/status";
import { Panel } from "@/ui/panel";
import type { ExecutionGroup } from "../groups";
import classes from "./execution-group.module.css";
import { ExecutionRow } from "./execution-row";

interface ExecutionGroupPanelProps {
  application: string;
  group: ExecutionGroup;
  onStart: (pipeline: PipelineConfig, like?: Execution) => void;
  onCancel: (execution: Execution) => void;
  onDelete: (execution: Execution) => void;
}

/** One pipeline with its recent executions, newest first. */
export function ExecutionGroupPanel(props: ExecutionGroupPanelProps) {
  const { application, group, onStart, onCancel, onDelete } = props;
  const [open, setOpen] = useState(true);
  const listId = useId();
  const { pipeline } = group;
  const active = group.executions.filter((execution) => isActive(execution.status)).length;
  return (
    <Panel padded={false}>
      <div className={classes["header"]} role="group" aria-label={group.name}>
        <button
          type="button"
          className={classes["title"]}
          aria-expanded={open}
          aria-controls={listId}
          onClick={() => setOpen(!open)}
        >
          <IconChevronRight size={15} aria-hidden="true" />
          {group.name}
        </button>
        <span className={classes["count"]}>
          {group.executions.length === 0
            ? ""
            : active > 0
              ? `${active} active`
              : `${group.executions.length} recent`}
        </span>
        {pipeline?.disabled && (
          <Badge variant="light" color="gray" tt="none" radius="sm">
            Disabled
          </Badge>
        )}
        {!pipeline && (
          <Badge variant="light" color="gray" tt="none" radius="sm">
            No longer configured
          </Badge>
        )}
        <span style={{ marginLeft: "auto", display: "inline-flex", gap: 6 }}>
          {pipeline && (
            <>
              <Button
                component={Link}
                to={paths.pipeline(application, pipeline.name)}
                variant="subtle"
                size="compact-xs"
                aria-label={`Configure ${pipeline.name}`}
              >
                Configure
              </Button>
              <Button
                variant="subtle"
                size="compact-xs"
                leftSection={<IconPlayerPlayFilled size={11} />}
                disabled={pipeline.disabled}
                title={pipeline.disabled ? "This pipeline is disabled." : undefined}
                onClick={() => onStart(pipeline)}
                aria-label={`Start ${pipeline.name}`}
              >
                Start
              </Button>
            </>
          )}
        </span>
      </div>
      <div id={listId} hidden={!open}>
        {group.executions.length === 0 ? (
          <div className={classes["none"]}>No executions in the last days.</div>
        ) : (
          <ul className={classes["list"]} aria-label={`Executions of ${group.name}`}>
            {group.executions.map((execution) => (
              <li key={execution.id}>
                <ExecutionRow
                  execution={execution}
                  onCancel={onCancel}
                  onDelete={onDelete}
                  onRunAgain={
                    pipeline && !pipeline.disabled ? () => onStart(pipeline, execution) : undefined
                  }
                />
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}
