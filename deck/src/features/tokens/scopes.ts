import type { ApiToken, TokenScope } from "@/api/types";

/** What a token may be made for, in words. */
export const SCOPES: { value: TokenScope; label: string; meaning: string }[] = [
  { value: "READ", label: "Read", meaning: "See applications, pipelines and executions." },
  { value: "WRITE", label: "Write", meaning: "Save and delete pipelines, change applications." },
  { value: "EXECUTE", label: "Execute", meaning: "Start, cancel and judge executions." },
  { value: "CREATE", label: "Create", meaning: "Create applications." },
];

/** The scopes of a token in words; none is everything that its principal may do. */
export function scopeWords(scopes: TokenScope[]): string {
  if (scopes.length === 0) return "Everything";
  return SCOPES.filter(({ value }) => scopes.includes(value))
    .map(({ label }) => label)
    .join(", ");
}

export function hasEnded(token: ApiToken, now: number): boolean {
  return Date.parse(token.expiresAt) <= now;
}

const DAY = 24 * 60 * 60 * 1000;

/** How long tokens may be made to live, in days; the longest is what the server allows. */
export function lifetimes(most: number): number[] {
  return [...[7, 30, 90, 180].filter((days) => days < most), most];
}

/**
 * The end of a token that is made now. The longest lifetime is left to the server, whose clock
 * decides about it.
 */
export function expiry(days: number, most: number, now: number): string | undefined {
  return days >= most ? undefined : new Date(now + days * DAY).toISOString();
}
