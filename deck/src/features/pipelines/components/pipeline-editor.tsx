import { Button, Checkbox, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconDeviceFloppy } from "@tabler/icons-react";
import { useDeferredValue, useMemo, useState, type ReactNode } from "react";
import { ApiError, errorWords } from "@/api/errors";
import type { PipelineConfig } from "@/api/types";
import { parseJsonObject } from "@/lib/json";
import { asList, asText, dig, type JsonObject } from "@/lib/records";
import { StageGraph } from "@/stages/stage-graph";
import { JsonEditor } from "@/ui/json-editor";
import { Panel } from "@/ui/panel";
import { previewStages } from "../config";
import { Notice } from "@/ui/notice";

export interface Draft {
  text: string;
  /** For a new pipeline: the name it gets, whatever the JSON says. */
  name?: string;
  keepId?: boolean;
}

interface PipelineEditorProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
  /** A new pipeline is named here; an existing one in its JSON. */
  isNew: boolean;
  /** What is wrong with the draft's name, once the person has tried to save. */
  nameFault: string | undefined;
  changed: boolean;
  saving: boolean;
  error: Error | null;
  onSave: (value: JsonObject) => void;
  /** Beside the save button. */
  actions?: ReactNode;
}

/** A pipeline as JSON, with its graph drawn as it is typed and the server's refusal where it belongs. */
export function PipelineEditor(props: PipelineEditorProps) {
  const { draft, onChange, isNew, nameFault, changed, saving, error, onSave } = props;
  const parsed = useMemo(() => parseJsonObject(draft.text), [draft.text]);
  const [tried, setTried] = useState(false);
  const save = () => {
    setTried(true);
    if (parsed.ok && !saving) onSave(parsed.value);
  };
  const details = errorDetails(error);
  const id = parsed.ok ? asText(parsed.value["id"]) : undefined;
  return (
    <Stack gap="md">
      {isNew && (
        <Group align="flex-start" gap="xl">
          <TextInput
            label="Name"
            required
            w={360}
            value={draft.name ?? (parsed.ok ? (asText(parsed.value["name"]) ?? "") : "")}
            onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })}
            error={nameFault}
            autoComplete="off"
            spellCheck={false}
          />
          {id && (
            <Checkbox
              mt={30}
              label="Keep the id in the JSON"
              description="Stages of other pipelines find this one by its id. A pipeline that has the id already is replaced."
              checked={draft.keepId ?? false}
              onChange={(event) => onChange({ ...draft, keepId: event.currentTarget.checked })}
            />
          )}
        </Group>
      )}
      <Preview parsed={parsed} />
      <div>
        <Text component="div" fz="sm" fw={500} mb={4}>
          Pipeline JSON
        </Text>
        <JsonEditor
          label="Pipeline JSON"
          value={draft.text}
          onChange={(text) => onChange({ ...draft, text })}
          onSave={save}
          invalid={!parsed.ok && draft.text.trim() !== ""}
          height="max(320px, calc(100vh - 520px))"
        />
        {!parsed.ok && (tried || draft.text.trim() !== "") && (
          <Text role="alert" fz="sm" c="var(--tone-bad-text)" mt={6}>
            {parsed.message}
          </Text>
        )}
      </div>
      {error && (
        <Notice tone="bad" title="The pipeline was not saved">
          {errorWords(error).message}
          {details.length > 0 && (
            <ul style={{ margin: "6px 0 0", paddingLeft: 18 }}>
              {details.map((detail) => (
                <li key={detail}>{detail}</li>
              ))}
            </ul>
          )}
        </Notice>
      )}
      <Group gap="xs">
        <Button
          leftSection={<IconDeviceFloppy size={14} />}
          onClick={save}
          loading={saving}
          disabled={!parsed.ok || (!isNew && !changed)}
          title={
            !parsed.ok
              ? "The JSON has a fault."
              : !isNew && !changed
                ? "Nothing has changed."
                : undefined
          }
        >
          {isNew ? "Create pipeline" : "Save"}
        </Button>
        {props.actions}
      </Group>
    </Stack>
  );
}

/** Further reasons a refusal may carry, such as those of a template. */
export function errorDetails(error: Error | null): string[] {
  if (!(error instanceof ApiError)) return [];
  return asList(dig(error.body, "errors"))
    .map((entry) => asText(entry) ?? asText(dig(entry, "message")))
    .filter((text): text is string => Boolean(text) && text !== error.message);
}

function Preview({ parsed }: { parsed: ReturnType<typeof parseJsonObject> }) {
  const value = useDeferredValue(parsed);
  const [selected, setSelected] = useState<string>();
  const stages = useMemo(
    () => (value.ok ? previewStages(value.value as PipelineConfig) : []),
    [value],
  );
  if (stages.length === 0) return null;
  return (
    <Panel padded={false}>
      <StageGraph
        stages={stages}
        label="Stages of this pipeline"
        plan
        selected={selected}
        onSelect={setSelected}
      />
    </Panel>
  );
}
