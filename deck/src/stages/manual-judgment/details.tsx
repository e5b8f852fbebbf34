import { Button, Group, Select, Stack, Text, Title } from "@mantine/core";
import { IconCheck, IconHandStop } from "@tabler/icons-react";
import { useId, useState } from "react";
import { errorWords } from "@/api/errors";
import { judgmentOf, type Judgment } from "@/api/stage-facts";
import { usePatchStage } from "@/components/use-patch-stage";
import { Facts } from "@/ui/facts";
import { TimeAgo } from "@/ui/times";
import type { StageDetailsProps } from "../details-props";
import classes from "./details.module.css";
import { Notice } from "@/ui/notice";

/** What is to be judged and the two answers; afterwards who has judged, and how. */
export function ManualJudgmentDetails({ execution, stage }: StageDetailsProps) {
  const judgment = judgmentOf(stage);
  if (judgment.open) {
    return <OpenJudgment key={stage.id} execution={execution} stage={stage} judgment={judgment} />;
  }
  return (
    <Stack gap="xs">
      {judgment.instructions && <p className={classes["instructions"]}>{judgment.instructions}</p>}
      <Facts
        items={[
          [
            "Judgment",
            judgment.verdict && (judgment.verdict === "continue" ? "Continued" : "Stopped"),
          ],
          ["Judged by", judgment.judgedBy],
          ["Judged", judgment.judgedAt ? <TimeAgo time={judgment.judgedAt} /> : undefined],
          ["Input", judgment.input],
        ]}
      />
    </Stack>
  );
}

function OpenJudgment({ execution, stage, judgment }: StageDetailsProps & { judgment: Judgment }) {
  const patch = usePatchStage(execution, stage);
  const [input, setInput] = useState<string | null>(null);
  const [chosen, setChosen] = useState<"continue" | "stop">();
  const titleId = useId();
  const judge = (judgmentStatus: "continue" | "stop") => {
    setChosen(judgmentStatus);
    patch.mutate(input ? { judgmentStatus, judgmentInput: input } : { judgmentStatus });
  };
  return (
    <section className={classes["open"]} aria-labelledby={titleId} data-judgment tabIndex={-1}>
      <Stack gap="sm">
        <Title order={3} size="h4" id={titleId}>
          This pipeline waits for your judgment
        </Title>
        {judgment.instructions ? (
          <p className={classes["instructions"]} style={{ margin: 0 }}>
            {judgment.instructions}
          </p>
        ) : (
          <Text c="dimmed">No instructions were given. Continue, or stop the pipeline here?</Text>
        )}
        {judgment.inputs.length > 0 && (
          <Select
            label="Judgment input"
            placeholder="Choose one"
            data={[...new Set(judgment.inputs)]}
            value={input}
            onChange={setInput}
            maw={320}
            clearable
          />
        )}
        <Group gap="xs">
          <Button
            color="green"
            leftSection={<IconCheck size={15} />}
            loading={patch.isPending && chosen === "continue"}
            disabled={patch.isPending}
            onClick={() => judge("continue")}
          >
            Continue
          </Button>
          <Button
            color="red"
            variant="light"
            leftSection={<IconHandStop size={15} />}
            loading={patch.isPending && chosen === "stop"}
            disabled={patch.isPending}
            onClick={() => judge("stop")}
          >
            Stop
          </Button>
        </Group>
        {patch.error && <Notice tone="bad">{errorWords(patch.error).message}</Notice>}
      </Stack>
    </section>
  );
}
