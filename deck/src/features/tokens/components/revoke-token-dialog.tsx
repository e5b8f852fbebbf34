import { Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { errorWords, isNotFound } from "@/api/errors";
import { gate } from "@/api/gate";
import { keys } from "@/api/queries";
import type { ApiToken } from "@/api/types";
import { ConfirmDialog } from "@/ui/confirm-dialog";

interface RevokeTokenDialogProps {
  /** The token to end; undefined keeps the dialog closed. */
  token: ApiToken | undefined;
  onClose: () => void;
}

/** Ends an API token for good. */
export function RevokeTokenDialog({ token, onClose }: RevokeTokenDialogProps) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: async (gone: ApiToken) => {
      try {
        await gate.revokeApiToken(gone.id);
      } catch (error) {
        if (!isNotFound(error)) throw error; // somebody else was quicker
      }
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.apiTokens });
      close();
    },
  });
  const close = () => {
    revoke.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      opened={token !== undefined}
      onClose={close}
      title="Revoke API token"
      confirmLabel="Revoke token"
      cancelLabel="Keep it"
      busy={revoke.isPending}
      error={revoke.error ? errorWords(revoke.error).message : undefined}
      onConfirm={() => token && revoke.mutate(token)}
    >
      <Text>
        Whatever uses <strong>{token?.name}</strong> is refused from now on. This cannot be undone.
      </Text>
    </ConfirmDialog>
  );
}
