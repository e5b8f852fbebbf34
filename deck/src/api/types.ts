/**
 * The JSON that Gate speaks, as far as the UI reads it. Everything that a person may write into a
 * pipeline is kept as it came: unknown keys travel through the UI untouched.
 */
import type { JsonObject } from "@/lib/records";
import type { Status } from "@/lib/status";

export type { Status };

/** `GET /applications`: one flat map of attributes per application. */
export interface ApplicationSummary {
  name: string;
  email?: string | null;
  description?: string | null;
  /** Comma-separated. */
  cloudProviders?: string | null;
  /** Comma-separated. */
  accounts?: string | null;
  /** Milliseconds, as a number or as text. */
  createTs?: string | number | null;
  updateTs?: string | number | null;
  lastModifiedBy?: string | null;
}

/** `GET /applications/{app}?expand=false`. */
export interface Application {
  name: string;
  attributes: ApplicationSummary & JsonObject;
  clusters: JsonObject;
}

export interface PipelineParameterOption {
  value: string;
}

export interface PipelineParameter {
  name: string;
  label?: string;
  description?: string;
  default?: unknown;
  required?: boolean;
  hasOptions?: boolean;
  options?: PipelineParameterOption[];
}

export interface PipelineStageConfig extends JsonObject {
  refId?: string;
  type: string;
  name?: string;
  requisiteStageRefIds?: string[];
}

/** A pipeline as it is stored. The index signature keeps the keys the UI does not know. */
export interface PipelineConfig extends JsonObject {
  id?: string;
  name: string;
  application: string;
  description?: string;
  disabled?: boolean;
  stages?: PipelineStageConfig[];
  triggers?: JsonObject[];
  parameterConfig?: PipelineParameter[];
  updateTs?: string | number;
  lastModifiedBy?: string;
  manualStartAlert?: { type?: string; message?: string };
  locked?: { ui?: boolean; description?: string };
}

export interface Authentication {
  user?: string | null;
  allowedAccounts?: string[];
}

export interface Trigger extends JsonObject {
  type?: string;
  user?: string | null;
  correlationId?: string | null;
  parameters?: JsonObject | null;
  artifacts?: JsonObject[] | null;
  parentPipelineId?: string | null;
  parentPipelineName?: string | null;
  parentPipelineApplication?: string | null;
  parentPipelineStageId?: string | null;
  parentExecution?: (Partial<Execution> & { id?: string }) | null;
}

export interface StageTask {
  id: string;
  name: string;
  implementingClass?: string | null;
  status: Status;
  startTime?: number | null;
  endTime?: number | null;
  taskExceptionDetails?: JsonObject | null;
}

export interface LastModified {
  user?: string | null;
  lastModifiedTime?: number | null;
}

/** What is kept of a stage's run before a restart. */
export interface PreviousAttempt {
  /** Counted from 0, as in `Stage.attempt`. */
  attempt: number;
  status: Status;
  startTime?: number | null;
  endTime?: number | null;
  exception?: JsonObject | null;
  tasks: StageTask[];
  restartedBy?: string | null;
}

export interface Stage {
  id: string;
  refId: string;
  type: string;
  name: string;
  status: Status;
  startTime?: number | null;
  endTime?: number | null;
  scheduledTime?: number | null;
  context: JsonObject;
  outputs: JsonObject;
  tasks: StageTask[];
  requisiteStageRefIds: string[];
  parentStageId?: string | null;
  syntheticStageOwner?: "STAGE_BEFORE" | "STAGE_AFTER" | null;
  lastModified?: LastModified | null;
  /** Counts restarts, from 0. */
  attempt?: number;
  /** What the last of the earlier attempts did, oldest first; lists leave it out. */
  previousAttempts?: PreviousAttempt[] | null;
}

/** The last pause of an execution. */
export interface Paused {
  pausedBy?: string | null;
  pauseTime?: number | null;
  resumedBy?: string | null;
  resumeTime?: number | null;
  /** Set while the pause lasts. */
  paused?: boolean;
  /** How long it lasted. */
  pausedMs?: number | null;
}

export interface Execution {
  type: "PIPELINE" | "ORCHESTRATION";
  id: string;
  application: string;
  name?: string | null;
  description?: string | null;
  pipelineConfigId?: string | null;
  status: Status;
  buildTime?: number | null;
  startTime?: number | null;
  endTime?: number | null;
  canceled?: boolean;
  canceledBy?: string | null;
  cancellationReason?: string | null;
  limitConcurrent?: boolean;
  /** 0 is no limit. */
  maxConcurrentExecutions?: number;
  keepWaitingPipelines?: boolean;
  paused?: Paused | null;
  authentication?: Authentication | null;
  trigger: Trigger;
  stages: Stage[];
}

export interface TaskStep {
  id?: string;
  name: string;
  status: Status;
  startTime?: number | null;
  endTime?: number | null;
}

export interface TaskVariable {
  key: string;
  value: unknown;
}

/** `GET /tasks/{id}` and `GET /applications/{app}/tasks`. */
export interface Task {
  id: string;
  name?: string | null;
  application?: string | null;
  status: Status;
  variables?: TaskVariable[] | null;
  steps?: TaskStep[] | null;
  buildTime?: number | null;
  startTime?: number | null;
  endTime?: number | null;
  execution?: Partial<Execution> | null;
}

export interface TaskRequest {
  application: string;
  description: string;
  job: (JsonObject & { type: string })[];
}

/** The answer to whatever starts an execution: `/pipelines/ID` or `/tasks/ID`. */
export interface Reference {
  ref: string;
  eventId?: string;
}

export interface StartRequest {
  type: "manual";
  parameters: Record<string, unknown>;
  artifacts?: JsonObject[];
}

export type StagePatch =
  | { judgmentStatus: "continue" | "stop"; judgmentInput?: string }
  | { skipRemainingWait: true }
  | { manualSkip: true };

export interface Account {
  name: string;
  type: string;
  cloudProvider?: string;
  environment?: string;
}

export interface User {
  username?: string | null;
  email?: string | null;
  firstName?: string | null;
  lastName?: string | null;
  roles?: unknown[];
  isAdmin?: boolean;
  canMintApiTokens?: boolean;
  /** How many days API tokens may live. */
  maxUserTokenLifetimeDays?: number;
  maxServiceAccountTokenLifetimeDays?: number;
}

export type TokenScope = "READ" | "WRITE" | "EXECUTE" | "CREATE";

export interface ApiToken {
  id: string;
  name: string;
  principalType: "USER" | "SERVICE_ACCOUNT";
  principalId: string;
  /** None is all. */
  scopes: TokenScope[];
  createdByUserId: string;
  createdAt: string;
  expiresAt: string;
  lastUsedAt?: string;
}

/** The one answer that holds the text of a token. */
export interface NewApiToken extends ApiToken {
  token: string;
}

export interface TokenRequest {
  name: string;
  principalType: ApiToken["principalType"];
  /** The service account; people make tokens for themselves. */
  principalId?: string;
  scopes: TokenScope[];
  expiresAt?: string;
}

/** One line of the audit log. */
export interface AuditEvent {
  time: number;
  user: string;
  mode?: string;
  token?: string;
  address?: string;
  method: string;
  route: string;
  status: number;
  allowed: boolean;
  reason?: string;
  applications?: string[];
  accounts?: string[];
  target?: string;
  request: string;
}

export interface Version {
  version: string;
}

/** The body of every refusal. */
export interface ErrorBody {
  timestamp?: number | string;
  status?: number;
  error?: string;
  message?: string;
}

/** `/settings.json`: how this installation differs from the defaults. */
export interface Settings {
  /** Base of the API without a trailing slash. */
  gateUrl: string;
  /** Address of the Temporal UI; no link is shown without it. */
  temporalUiUrl?: string;
  temporalNamespace: string;
  version?: string;
}

/** What would happen to an object of a cluster. */
export type PlanAction =
  | "created"
  | "changed"
  | "recreated"
  | "left"
  | "disabled"
  | "deleted"
  | "orphaned"
  | "untried"
  | "refused";

/** One field that would change; a side is absent where the field is. */
export interface FieldChange {
  path: string;
  before?: string;
  after?: string;
  /** The values are secret and not told. */
  hidden?: boolean;
}

export interface PlannedObject {
  kind: string;
  apiVersion?: string;
  namespace?: string;
  name: string;
  action: PlanAction;
  message?: string;
  details?: string[];
  /** The earlier version that the changes of a new one are against. */
  comparedWith?: string;
  changes?: FieldChange[];
  /** How many changed fields are not listed. */
  moreChanges?: number;
}

/** What one stage would change in a cluster. */
export interface PlannedManifests {
  account: string;
  objects: PlannedObject[];
  counts: Partial<Record<PlanAction, number>>;
  /** How many objects are not listed. */
  cut?: number;
  /** Why nothing could be told. */
  message?: string;
}

export interface PlannedStage {
  refId: string;
  type: string;
  name: string;
  manifests?: PlannedManifests;
}

export interface PlanProblem {
  severity: "FATAL" | "WARN";
  refId?: string;
  message: string;
}

/** What a run of a pipeline would do; `POST /pipelines/start` with `plan`. */
export interface Plan {
  stages: PlannedStage[];
  problems: PlanProblem[];
  unknown: { refId: string; path: string; expression: string; why: string }[];
}
