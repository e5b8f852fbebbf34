import { Button, Group, Progress, Stack, Text } from "@mantine/core";
import { IconPlayerSkipForward } from "@tabler/icons-react";
import { useState } from "react";
import { errorWords } from "@/api/errors";
import { waitOf } from "@/api/stage-facts";
import { usePatchStage } from "@/components/use-patch-stage";
import { formatDuration } from "@/lib/time";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { Facts } from "@/ui/facts";
import { Countdown } from "@/ui/times";
import { useNow } from "@/ui/use-now";
import type { StageDetailsProps } from "../details-props";
import { Notice } from "@/ui/notice";

/** How long is left, and a way to wait no longer. */
export function WaitDetails({ execution, stage }: StageDetailsProps) {
  const wait = waitOf(stage);
  const running = stage.status === "RUNNING";
  return (
    <Stack gap="xs">
      <Facts
        items={[
          ["Wait", wait.total === undefined ? undefined : formatDuration(wait.total)],
          ["Remaining", running && wait.endsAt ? <Countdown until={wait.endsAt} /> : undefined],
          [
            "Skipped",
            wait.skipped ? `yes, by ${stage.lastModified?.user ?? "someone"}` : undefined,
          ],
        ]}
      />
      {running && wait.endsAt !== undefined && wait.total !== undefined && (
        <WaitProgress start={wait.endsAt - wait.total} end={wait.endsAt} />
      )}
      {running && !wait.skipped && (
        <SkipWait execution={execution} stage={stage} warning={wait.skipText} />
      )}
    </Stack>
  );
}

function WaitProgress({ start, end }: { start: number; end: number }) {
  const now = useNow();
  const share = end > start ? Math.min(100, ((now - start) / (end - start)) * 100) : 100;
  return <Progress value={share} size="sm" maw={420} aria-label="Time waited" />;
}

function SkipWait({
  execution,
  stage,
  warning,
}: StageDetailsProps & { warning: string | undefined }) {
  const patch = usePatchStage(execution, stage);
  const [asking, setAsking] = useState(false);
  const skip = () =>
    patch.mutate({ skipRemainingWait: true }, { onSuccess: () => setAsking(false) });
  const error = patch.error ? errorWords(patch.error).message : undefined;
  return (
    <>
      <Group>
        <Button
          variant="default"
          leftSection={<IconPlayerSkipForward size={14} />}
          loading={patch.isPending}
          onClick={() => (warning ? setAsking(true) : skip())}
        >
          Skip remaining wait
        </Button>
      </Group>
      {error && !asking && <Notice tone="bad">{error}</Notice>}
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title="Skip remaining wait"
        confirmLabel="Skip"
        cancelLabel="Keep waiting"
        busy={patch.isPending}
        error={error}
        onConfirm={skip}
      >
        <Text style={{ whiteSpace: "pre-wrap" }}>{warning}</Text>
      </ConfirmDialog>
    </>
  );
}
