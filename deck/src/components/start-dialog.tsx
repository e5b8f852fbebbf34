import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconListSearch, IconPlayerPlayFilled } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { errorWords } from "@/api/errors";
import { gate, idOfReference } from "@/api/gate";
import { keys } from "@/api/queries";
import type { Execution, PipelineConfig, PipelineParameter, StartRequest } from "@/api/types";
import { paths } from "@/lib/paths";
import { asText } from "@/lib/records";
import { Notice } from "@/ui/notice";
import { PlanView } from "./plan-view";

interface StartDialogProps {
  /** The pipeline to start; undefined keeps the dialog closed. */
  pipeline: PipelineConfig | undefined;
  /** An earlier execution whose parameters and artifacts are taken over. */
  like?: Execution;
  onClose: () => void;
}

/** Asks for a pipeline's parameters, starts it and goes to the new execution. */
export function StartDialog({ pipeline, like, onClose }: StartDialogProps) {
  const [wide, setWide] = useState(false);
  return (
    <Modal
      opened={pipeline !== undefined}
      onClose={() => {
        setWide(false);
        onClose();
      }}
      size={wide ? "xl" : "md"}
      title={pipeline ? `${like ? "Run again" : "Start"}: ${pipeline.name}` : ""}
    >
      {pipeline && (
        <StartForm
          key={pipeline.name}
          pipeline={pipeline}
          like={like}
          onWiden={setWide}
          onClose={() => {
            setWide(false);
            onClose();
          }}
        />
      )}
    </Modal>
  );
}

/** Parameters come from people's JSON: entries without a name are left out. */
export function parametersOf(pipeline: PipelineConfig): PipelineParameter[] {
  const list: unknown = pipeline.parameterConfig;
  if (!Array.isArray(list)) return [];
  return (list as PipelineParameter[]).filter((parameter) => asText(parameter?.name));
}

export function initialParameters(
  pipeline: PipelineConfig,
  like: Execution | undefined,
): Record<string, string> {
  const earlier = like?.trigger.parameters ?? {};
  return Object.fromEntries(
    parametersOf(pipeline).map((parameter) => [
      parameter.name,
      textOf(earlier[parameter.name]) ?? textOf(parameter.default) ?? "",
    ]),
  );
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return asText(value) ?? JSON.stringify(value);
}

function StartForm({
  pipeline,
  like,
  onWiden,
  onClose,
}: {
  pipeline: PipelineConfig;
  like: Execution | undefined;
  /** A plan needs more room than parameters. */
  onWiden: (wide: boolean) => void;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const parameters = parametersOf(pipeline);
  const [values, setValues] = useState(() => initialParameters(pipeline, like));
  const [checked, setChecked] = useState(false);
  const missing = parameters.filter(
    (parameter) => parameter.required && !values[parameter.name]?.trim(),
  );
  const request = () => {
    const artifacts = like?.trigger.artifacts ?? [];
    return {
      type: "manual",
      parameters: values,
      ...(artifacts.length > 0 ? { artifacts } : {}),
    } satisfies StartRequest;
  };
  const plan = useMutation({
    mutationFn: () => gate.planPipeline(pipeline, request()),
    onSuccess: () => onWiden(true),
  });
  const start = useMutation({
    mutationFn: async () =>
      idOfReference(await gate.startPipeline(pipeline.application, pipeline.name, request())),
    onSuccess: async (id) => {
      void client.invalidateQueries({ queryKey: keys.executionLists(pipeline.application) });
      onClose();
      await navigate(paths.execution(pipeline.application, id), { state: { justStarted: true } });
    },
  });

  const alert = pipeline.manualStartAlert?.message;
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (missing.length === 0 && !start.isPending) start.mutate();
      }}
    >
      <Stack gap="md">
        {alert && <Notice tone="warning">{alert}</Notice>}
        {pipeline.description && <Text c="dimmed">{pipeline.description}</Text>}
        {parameters.length === 0 && !alert && (
          <Text>
            This pipeline takes no parameters.
            {like ? " It starts with the same artifacts as before." : " It starts right away."}
          </Text>
        )}
        {parameters.map((parameter, index) => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            value={values[parameter.name] ?? ""}
            initial={index === 0}
            error={
              checked && missing.includes(parameter)
                ? `${parameter.label || parameter.name} is required.`
                : undefined
            }
            onChange={(value) => {
              setValues({ ...values, [parameter.name]: value });
              plan.reset(); // what it says is of other values
            }}
          />
        ))}
        {start.error && <Notice tone="bad">{errorWords(start.error).message}</Notice>}
        {plan.error && <Notice tone="bad">{errorWords(plan.error).message}</Notice>}
        {plan.data && <PlanView plan={plan.data} />}
        <Group justify="flex-end" gap="xs">
          <Button
            variant="subtle"
            mr="auto"
            loading={plan.isPending}
            leftSection={<IconListSearch size={15} />}
            onClick={() => {
              setChecked(true);
              if (missing.length === 0) plan.mutate();
            }}
          >
            Show changes
          </Button>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={start.isPending}
            leftSection={<IconPlayerPlayFilled size={13} />}
            data-autofocus={parameters.length === 0 || undefined}
          >
            {like ? "Run again" : "Start"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface ParameterFieldProps {
  parameter: PipelineParameter;
  value: string;
  error: string | undefined;
  /** The field that has the focus when the dialog opens. */
  initial: boolean;
  onChange: (value: string) => void;
}

function ParameterField({ parameter, value, error, initial, onChange }: ParameterFieldProps) {
  const common = {
    label: parameter.label || parameter.name,
    description: parameter.description || undefined,
    withAsterisk: parameter.required,
    required: parameter.required,
    error,
    "data-autofocus": initial || undefined,
  };
  const options = parameter.hasOptions
    ? [...new Set((parameter.options ?? []).map((option) => asText(option?.value) ?? ""))]
    : [];
  if (options.length > 0) {
    const shown = value && !options.includes(value) ? [value, ...options] : options;
    return (
      <Select
        {...common}
        data={shown.filter((option) => option !== "")}
        value={value || null}
        onChange={(chosen) => onChange(chosen ?? "")}
        searchable={options.length > 8}
        clearable={!parameter.required}
        comboboxProps={{ withinPortal: true }}
      />
    );
  }
  return (
    <TextInput
      {...common}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
