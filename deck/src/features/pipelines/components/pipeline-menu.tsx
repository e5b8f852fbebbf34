import { Menu, Text } from "@mantine/core";
import {
  IconListDetails,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconTrash,
} from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { Link } from "react-router";
import { errorWords } from "@/api/errors";
import type { PipelineConfig } from "@/api/types";
import { paths } from "@/lib/paths";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { usePipelineActions } from "../use-pipeline-actions";

interface PipelineMenuProps {
  application: string;
  pipeline: PipelineConfig;
  /** The button that opens the menu. */
  target: ReactNode;
  /** Leaves out the way to the page one is on. */
  withEdit?: boolean;
  onDeleted?: () => void;
}

/** What can be done with a pipeline besides starting it. */
export function PipelineMenu(props: PipelineMenuProps) {
  const { application, pipeline, target, withEdit = false, onDeleted } = props;
  const { setDisabled, remove } = usePipelineActions(application);
  const [deleting, setDeleting] = useState(false);
  const locked = pipeline.locked?.ui === true;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>{target}</Menu.Target>
        <Menu.Dropdown>
          {withEdit && (
            <Menu.Item
              component={Link}
              to={paths.pipeline(application, pipeline.name)}
              leftSection={<IconPencil size={14} />}
            >
              Edit as JSON
            </Menu.Item>
          )}
          <Menu.Item
            component={Link}
            to={paths.executions(application, { pipeline: pipeline.name })}
            leftSection={<IconListDetails size={14} />}
          >
            Executions
          </Menu.Item>
          <Menu.Item
            leftSection={
              pipeline.disabled ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />
            }
            disabled={locked || setDisabled.isPending}
            onClick={() => setDisabled.mutate({ pipeline, disabled: !pipeline.disabled })}
          >
            {pipeline.disabled ? "Enable" : "Disable"}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={14} />}
            disabled={locked}
            onClick={() => setDeleting(true)}
          >
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ConfirmDialog
        opened={deleting}
        onClose={() => {
          setDeleting(false);
          remove.reset();
        }}
        title="Delete pipeline"
        confirmLabel="Delete pipeline"
        cancelLabel="Keep it"
        busy={remove.isPending}
        error={remove.error ? errorWords(remove.error).message : undefined}
        onConfirm={() =>
          remove.mutate(pipeline, {
            onSuccess: () => {
              setDeleting(false);
              onDeleted?.();
            },
          })
        }
      >
        <Text>
          The pipeline <strong>{pipeline.name}</strong> is deleted; its triggers no longer start
          anything. Executions that run go on.
        </Text>
      </ConfirmDialog>
    </>
  );
}
