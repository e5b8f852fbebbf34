/** Every address inside the UI is built here. Each segment is escaped. */
const e = encodeURIComponent;

export interface ExecutionsFilter {
  status?: string[];
  pipeline?: string;
}

export const paths = {
  applications: () => "/applications",
  newApplication: () => "/applications?create=1",
  application: (application: string) => `/applications/${e(application)}`,
  executions: (application: string, filter: ExecutionsFilter = {}) => {
    const query = new URLSearchParams();
    if (filter.pipeline) query.set("pipeline", filter.pipeline);
    if (filter.status?.length) query.set("status", filter.status.join(","));
    const text = query.toString();
    return `/applications/${e(application)}/executions${text ? `?${text}` : ""}`;
  },
  execution: (application: string, id: string, stageRefId?: string) =>
    `/applications/${e(application)}/executions/${e(id)}${stageRefId === undefined ? "" : `?stage=${e(stageRefId)}`}`,
  pipelines: (application: string) => `/applications/${e(application)}/pipelines`,
  newPipeline: (application: string) => `/applications/${e(application)}/pipelines/-/new`,
  pipeline: (application: string, nameOrId: string) =>
    `/applications/${e(application)}/pipelines/${e(nameOrId)}`,
  tasks: (application: string) => `/applications/${e(application)}/tasks`,
  apiTokens: () => "/api-tokens",
  audit: () => "/audit",
  config: (application: string) => `/applications/${e(application)}/config`,
};

/** The page of an execution's workflow in the Temporal UI; an execution's id is its workflow's id. */
export function temporalWorkflowUrl(base: string, namespace: string, executionId: string): string {
  return `${base.replace(/\/+$/, "")}/namespaces/${e(namespace)}/workflows/${e(executionId)}`;
}
