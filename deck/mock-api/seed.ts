import type { Execution, PipelineConfig, Stage, Trigger } from "@/api/types";
import { isComplete, type Status } from "@/lib/status";
import type { Db } from "./db";
import { beginStage, endStage, failStage, planExecution, resetStage } from "./engine";
import { nextId } from "./ids";
import { migrate, recount, release, settle, staging, warm } from "./pipelines";
import {
  BROKEN_APPLICATION,
  denied,
  EMPTY_APPLICATION,
  FORBIDDEN_APPLICATION,
  READ_ONLY_APPLICATION,
} from "./scenarios";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Fills an empty state with what a small team would have after some weeks. */
export function seed(db: Db, now = Date.now()): void {
  const application = (name: string, description: string, email: string, updatedAgo: number) =>
    db.applications.set(name, {
      name,
      description,
      email,
      cloudProviders: "kubernetes",
      accounts: "local",
      createTs: String(now - 60 * DAY),
      updateTs: String(now - updatedAgo),
      lastModifiedBy: "anonymous",
    });
  application("shop", "Storefront and basket", "shop@example.com", 2 * HOUR);
  application("payments", "Card and invoice payments", "payments@example.com", 3 * DAY);
  application(READ_ONLY_APPLICATION, "Stock levels by warehouse", "logistics@example.com", 9 * DAY);
  application("search", "Product search", "search@example.com", 26 * MINUTE);
  application("notifications", "", "platform@example.com", 40 * DAY);
  application(EMPTY_APPLICATION, "Nothing in it yet", "you@example.com", MINUTE);
  application(FORBIDDEN_APPLICATION, "Not for you", "security@example.com", 20 * DAY);
  application(BROKEN_APPLICATION, "Its reads fail", "chaos@example.com", DAY);

  db.pipelines.push(
    ...[release, staging, warm, migrate, settle, recount].map((pipeline) => ({
      ...structuredClone(pipeline),
      updateTs: String(now - 3 * DAY),
      lastModifiedBy: "mira",
    })),
  );
  seedExecutions(db, now);
  seedAccount(db, now);
  db.addTask("shop", "Save pipeline 'Release to production'", "savePipeline");
  db.addTask(
    "shop",
    "Delete pipeline 'Old release'",
    "deletePipeline",
    "Pipeline 'Old release' is referenced by 'Release to production'.",
  );
}

/** Tokens and events of the audit log, more than one answer holds. */
function seedAccount(db: Db, now: number): void {
  const iso = (time: number) => new Date(time).toISOString();
  db.tokens.push(
    {
      id: "token-ci",
      name: "nightly build",
      principalType: "USER",
      principalId: "mira",
      scopes: ["READ", "EXECUTE"],
      createdByUserId: "mira",
      createdAt: iso(now - 20 * DAY),
      expiresAt: iso(now + 70 * DAY),
      lastUsedAt: iso(now - 8 * HOUR),
    },
    {
      id: "token-old",
      name: "migration",
      principalType: "SERVICE_ACCOUNT",
      principalId: "robot@example.com",
      scopes: [],
      createdByUserId: "mira",
      createdAt: iso(now - 90 * DAY),
      expiresAt: iso(now - DAY),
    },
  );
  for (let index = 0; index < 120; index++) {
    const refused = index % 10 === 3;
    db.audit.push({
      // Pairs of events share a millisecond.
      time: now - 5 * MINUTE - Math.floor(index / 2) * MINUTE,
      user: refused ? "jonas" : "mira",
      mode: "basic",
      address: "10.0.0.7",
      method: refused ? "POST" : "PUT",
      route: refused ? "/pipelines/v2/{application}/{name}" : "/pipelines/{id}/cancel",
      status: refused ? 403 : 200,
      allowed: !refused,
      ...(refused ? { reason: denied("EXECUTE", READ_ONLY_APPLICATION) } : {}),
      applications: [refused ? READ_ONLY_APPLICATION : "shop"],
      target: refused ? "name=Recount stock" : `id=${index}`,
      request: `request-${index}`,
    });
  }
}

const version = { version: "2.14.1", region: "eu-west" };

function seedExecutions(db: Db, now: number): void {
  const add = (
    pipeline: PipelineConfig,
    ago: number,
    user: string,
    trigger: Trigger,
    shape: (execution: Execution, clock: Clock) => void,
  ): Execution => {
    const execution = planExecution(pipeline, trigger, user, now - ago);
    execution.status = "RUNNING";
    execution.startTime = now - ago + 120;
    const clock = new Clock(now - ago + 150);
    shape(execution, clock);
    if (isComplete(execution.status)) execution.endTime = clock.time + 60;
    db.executions.push(execution);
    return execution;
  };
  const manual = (parameters: Record<string, unknown> = {}): Trigger => ({
    type: "manual",
    parameters,
  });

  add(recount, HOUR, "jonas", manual(), (execution, clock) => clock.begin(execution, "1"));
  add(release, 2 * DAY, "mira", manual({ ...version, version: "2.13.0" }), (execution, clock) => {
    clock.all(execution, ["1", "2", "3"], "SUCCEEDED");
    clock.judge(execution, "4", "continue", "mira");
    clock.all(execution, ["5", "6", "7"], "SUCCEEDED");
    execution.status = "SUCCEEDED";
  });
  add(
    release,
    26 * HOUR,
    "ci",
    {
      type: "jenkins",
      master: "ci",
      job: "shop/build",
      buildNumber: 418,
      parameters: { ...version, version: "2.13.4" },
    },
    (execution, clock) => {
      clock.all(execution, ["1"], "SUCCEEDED");
      clock.fail(
        execution,
        "2",
        "Job: 'smoke-tests' failed. Reason: BackoffLimitExceeded. Details: Job has reached the specified backoff limit.",
      );
      clock.all(execution, ["3"], "SUCCEEDED");
      execution.status = "TERMINAL";
    },
  );
  add(release, 5 * HOUR, "jonas", manual({ ...version, version: "2.14.0" }), (execution, clock) => {
    clock.all(execution, ["1", "2"], "SUCCEEDED");
    clock.all(execution, ["3"], "CANCELED");
    execution.status = "CANCELED";
    execution.canceled = true;
    execution.canceledBy = "jonas";
    execution.cancellationReason = "wrong version";
  });
  add(
    release,
    4 * MINUTE,
    "mira",
    manual({ ...version, ticket: "CHG-1204" }),
    (execution, clock) => {
      clock.all(execution, ["1", "2", "3"], "SUCCEEDED");
      clock.begin(execution, "4");
    },
  );
  add(staging, 3 * HOUR, "github", gitTrigger("9c1f2ab"), (execution, clock) => {
    clock.all(execution, ["1", "2"], "SUCCEEDED");
    execution.status = "SUCCEEDED";
  });
  add(staging, 70 * MINUTE, "github", gitTrigger("51be07d"), (execution, clock) => {
    clock.fail(
      execution,
      "1",
      'Deployment.apps "shop" is invalid: spec.template.spec.containers[0].image: Required value',
    );
    execution.status = "TERMINAL";
  });
  add(staging, 8_000, "github", gitTrigger("e02d4c4"), (execution, clock) => {
    clock.begin(execution, "1");
    const stage = find(execution, "1");
    const [first, second] = stage.tasks;
    if (first && second) {
      first.status = "SUCCEEDED";
      first.endTime = clock.time + 300;
      second.status = "RUNNING";
      second.startTime = clock.time + 300;
    }
  });
  add(warm, 2 * DAY - 4 * MINUTE, "mira", manual(), (execution, clock) => {
    clock.all(execution, ["1", "2"], "SUCCEEDED");
    execution.status = "SUCCEEDED";
  });

  // One that was restarted, failed again, and whose first stage consists of several.
  add(settle, 22 * HOUR, "schedule", { type: "cron" }, (execution, clock) => {
    clock.all(execution, ["1"], "SUCCEEDED");
    const refused = "Job: 'settle' failed. Reason: DeadlineExceeded. Details: the ledger is locked";
    clock.fail(execution, "2", refused);
    resetStage(execution, find(execution, "2"), "mira");
    clock.time += 9 * MINUTE;
    clock.fail(execution, "2", refused.replace("locked", "read-only"));
    clock.all(execution, ["3"], "SUCCEEDED");
    execution.status = "TERMINAL";
    const first = find(execution, "1");
    addPart(execution, first, "1<1", "STAGE_BEFORE", "Find old settlers", "SUCCEEDED");
    const old = addPart(execution, first, "1>1", "STAGE_AFTER", "Retire old settlers", "SUCCEEDED");
    addPart(execution, old, "1>1<1", "STAGE_BEFORE", "Disable settler v011", "SUCCEEDED");
    addPart(execution, old, "1>1<2", "STAGE_BEFORE", "Delete settler v010", "FAILED_CONTINUE");
  });
  add(settle, 3 * MINUTE, "schedule", { type: "cron" }, (execution, clock) => {
    clock.all(execution, ["1", "2"], "SUCCEEDED");
    clock.begin(execution, "3");
    // A child that does not end by itself.
    find(execution, "3").context["executionId"] = "01JNOWHERE0000000000000000";
    clock.begin(execution, "4");
    const first = find(execution, "1");
    addPart(execution, first, "1<1", "STAGE_BEFORE", "Find old settlers", "SUCCEEDED");
  });
  const waiting = planExecution(settle, manual(), "jonas", now - MINUTE);
  db.executions.push(waiting);
}

/** A stage that another one has put before or after itself. */
function addPart(
  execution: Execution,
  parent: Stage,
  refId: string,
  owner: "STAGE_BEFORE" | "STAGE_AFTER",
  name: string,
  status: Status,
): Stage {
  const start = (parent.startTime ?? 0) + 100;
  const part: Stage = {
    id: nextId(start),
    refId,
    type: "disableManifest",
    name,
    status,
    startTime: start,
    endTime: start + 2_600,
    context: {},
    outputs: {},
    tasks: [],
    requisiteStageRefIds: [],
    parentStageId: parent.id,
    syntheticStageOwner: owner,
  };
  execution.stages.push(part);
  return part;
}

function gitTrigger(hash: string): Trigger {
  return {
    type: "git",
    source: "github",
    project: "example",
    slug: "shop",
    branch: "main",
    hash,
    parameters: {},
  };
}

function find(execution: Execution, refId: string): Stage {
  const stage = execution.stages.find((candidate) => candidate.refId === refId);
  if (!stage) throw new Error(`no stage ${refId} in ${execution.name}`);
  return stage;
}

/** Lets stages of the past begin and end one after the other. */
class Clock {
  time: number;
  constructor(time: number) {
    this.time = time;
  }

  begin(execution: Execution, refId: string): void {
    this.time += 200;
    beginStage(find(execution, refId), this.time);
  }

  all(execution: Execution, refIds: string[], status: Status): void {
    for (const refId of refIds) {
      const stage = find(execution, refId);
      beginStage(stage, this.time + 200);
      this.spread(stage);
      endStage(stage, status, this.time);
    }
  }

  judge(execution: Execution, refId: string, judgmentStatus: string, user: string): void {
    const stage = find(execution, refId);
    beginStage(stage, this.time + 200);
    this.time += 3 * MINUTE;
    stage.context["judgmentStatus"] = judgmentStatus;
    stage.lastModified = { user, lastModifiedTime: this.time };
    stage.context["lastModifiedBy"] = user;
    endStage(stage, judgmentStatus === "continue" ? "SUCCEEDED" : "TERMINAL", this.time);
  }

  fail(execution: Execution, refId: string, error: string): void {
    const stage = find(execution, refId);
    beginStage(stage, this.time + 200);
    this.time += 4200;
    failStage(stage, error, this.time);
  }

  private spread(stage: Stage): void {
    let time = (stage.startTime ?? this.time) + 40;
    for (const task of stage.tasks) {
      task.startTime = time;
      time += 350 + task.name.length * 160;
      task.endTime = time;
      task.status = "SUCCEEDED";
    }
    // A wait lasts as long as it says.
    this.time = Math.max(
      time,
      (stage.startTime ?? 0) + Number(stage.context["waitTime"] ?? 0) * 1000,
    );
  }
}
