/**
 * How to reach every state of a page: names and settings the mock API reacts to.
 *
 * A scenario is chosen with `sessionStorage["mock-scenario"]`; the applications named here are always
 * in the list and misbehave on their own.
 */
export type Scenario = "empty" | "error" | "slow" | "stream-down" | "admin" | "normal";

const SCENARIOS: Scenario[] = ["empty", "error", "slow", "stream-down", "admin", "normal"];

export function currentScenario(): Scenario {
  const chosen = globalThis.sessionStorage?.getItem("mock-scenario");
  return SCENARIOS.find((scenario) => scenario === chosen) ?? "normal";
}

/** Applications whose every read is refused, fails, or has nothing in it. */
export const FORBIDDEN_APPLICATION = "restricted";
export const BROKEN_APPLICATION = "broken";
export const EMPTY_APPLICATION = "fresh";

/** An application that may be read, and nothing else. */
export const READ_ONLY_APPLICATION = "inventory";

/** Gate's refusal of anything but reading there. */
export function denied(authorization: "WRITE" | "EXECUTE", application: string): string {
  return `Access is denied: ${authorization} on the application '${application}' is not allowed to the user 'anonymous', who has no roles; that takes one of the roles logistics.`;
}

/** A pipeline whose save is refused carries a stage of this type. */
export const REFUSED_STAGE_TYPE = "notARealStage";
