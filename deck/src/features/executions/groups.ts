import type { Execution, PipelineConfig } from "@/api/types";

export interface ExecutionGroup {
  /** Stable over time: the pipeline's id, or its name when it has none. */
  key: string;
  name: string;
  /** Undefined when the pipeline is no longer configured. */
  pipeline: PipelineConfig | undefined;
  executions: Execution[];
}

/** When an execution came to be; newest first is by this. */
export function bornAt(execution: Execution): number {
  return execution.buildTime ?? execution.startTime ?? 0;
}

/**
 * Executions by pipeline, in the pipelines' own order, newest first within each. Pipelines without
 * executions are kept, so that they can be started; executions of deleted pipelines come last.
 */
export function groupExecutions(
  executions: Execution[],
  pipelines: PipelineConfig[],
): ExecutionGroup[] {
  const byId = new Map<string, ExecutionGroup>();
  const byName = new Map<string, ExecutionGroup>();
  const groups: ExecutionGroup[] = pipelines.map((pipeline) => {
    const group: ExecutionGroup = {
      key: pipeline.id ?? pipeline.name,
      name: pipeline.name,
      pipeline,
      executions: [],
    };
    if (pipeline.id) byId.set(pipeline.id, group);
    byName.set(pipeline.name, group);
    return group;
  });
  for (const execution of executions) {
    const name = execution.name ?? "(no name)";
    let group =
      (execution.pipelineConfigId ? byId.get(execution.pipelineConfigId) : undefined) ??
      byName.get(name);
    if (!group) {
      group = { key: `gone:${name}`, name, pipeline: undefined, executions: [] };
      byName.set(name, group);
      groups.push(group);
    }
    group.executions.push(execution);
  }
  for (const group of groups) group.executions.sort((a, b) => bornAt(b) - bornAt(a));
  return groups;
}
