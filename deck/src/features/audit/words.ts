import type { AuditEvent } from "@/api/types";

/** Who acted, and by what means when that is not simply being signed in. */
export function means(event: AuditEvent): string | undefined {
  if (event.token) return `token ${event.token}`;
  return event.mode && event.mode !== "none" ? event.mode : undefined;
}

/** What an event touched: applications, accounts, and what else its address names. */
export function touched(event: AuditEvent): string {
  const parts = [
    ...(event.applications ?? []),
    ...(event.accounts ?? []).map((account) => `account ${account}`),
    ...(event.target ? [event.target] : []),
  ];
  return parts.join(", ") || "–";
}
