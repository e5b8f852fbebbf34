import { Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { errorWords } from "@/api/errors";
import { keys } from "@/api/queries";
import { runTask } from "@/api/tasks";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface DeleteApplicationDialogProps {
  /** The application to delete; undefined keeps the dialog closed. */
  application: string | undefined;
  onClose: () => void;
  onDeleted?: () => void;
}

export function DeleteApplicationDialog(props: DeleteApplicationDialogProps) {
  const { application, onClose, onDeleted } = props;
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (name: string) =>
      runTask({
        application: name,
        description: `Delete application: ${name}`,
        job: [{ type: "deleteApplication", application: { name } }],
      }),
    onSuccess: async (_, name) => {
      close();
      onDeleted?.();
      notifications.show({ message: `Application ${name} is deleted.` });
      await client.invalidateQueries({ queryKey: keys.applications });
    },
  });
  const close = () => {
    remove.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      opened={application !== undefined}
      onClose={close}
      title="Delete application"
      confirmLabel="Delete application"
      cancelLabel="Keep it"
      typeToConfirm={application}
      busy={remove.isPending}
      error={remove.error ? errorWords(remove.error).message : undefined}
      onConfirm={() => application && remove.mutate(application)}
    >
      <Text>
        The application <strong>{application}</strong> and its permissions are deleted, unless it
        still has clusters or security groups. What else its pipelines have deployed stays where it
        is.
      </Text>
    </ConfirmDialog>
  );
}
