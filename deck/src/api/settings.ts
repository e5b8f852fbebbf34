import { asText, isObject } from "@/lib/records";
import type { Settings } from "./types";

export const DEFAULT_SETTINGS: Settings = { gateUrl: "/gate", temporalNamespace: "default" };

/** Reads settings as they come; a key that is missing or of the wrong kind has its default. */
export function readSettings(value: unknown): Settings {
  if (!isObject(value)) return DEFAULT_SETTINGS;
  const temporalUiUrl = asText(value["temporalUiUrl"]);
  return {
    gateUrl: (asText(value["gateUrl"]) || DEFAULT_SETTINGS.gateUrl).replace(/\/+$/, ""),
    temporalNamespace: asText(value["temporalNamespace"]) || DEFAULT_SETTINGS.temporalNamespace,
    // Only addresses a browser may safely follow become a link.
    temporalUiUrl: temporalUiUrl && /^https?:\/\//i.test(temporalUiUrl) ? temporalUiUrl : undefined,
    version: asText(value["version"]) || undefined,
  };
}

/** Fetches `/settings.json`. An installation without one runs on the defaults. */
export async function loadSettings(): Promise<Settings> {
  try {
    const response = await fetch("/settings.json", { headers: { Accept: "application/json" } });
    if (!response.ok) return DEFAULT_SETTINGS;
    if (!response.headers.get("content-type")?.includes("json")) return DEFAULT_SETTINGS;
    return readSettings(await response.json());
  } catch {
    return DEFAULT_SETTINGS;
  }
}
