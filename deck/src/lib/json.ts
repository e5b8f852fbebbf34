import { findJsonFault } from "./json-fault";
import { isObject, type JsonObject } from "./records";

export type ParsedObject = { ok: true; value: JsonObject } | { ok: false; message: string };

/** Parses text that must be one JSON object and says in words, with line and column, what is wrong. */
export function parseJsonObject(text: string): ParsedObject {
  if (text.trim() === "") return { ok: false, message: "Paste or type a JSON object." };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, message: faultWords(text, error) };
  }
  if (!isObject(value)) {
    const kind = Array.isArray(value) ? "a list" : value === null ? "null" : `a ${typeof value}`;
    return { ok: false, message: `This is ${kind}; an object in { } is needed.` };
  }
  return { ok: true, value };
}

function faultWords(text: string, error: unknown): string {
  const fault = findJsonFault(text);
  if (!fault) return `Not valid JSON: ${error instanceof Error ? error.message : String(error)}`;
  const before = text.slice(0, fault.position);
  const line = before.split("\n").length;
  const column = fault.position - before.lastIndexOf("\n");
  return `Not valid JSON at line ${line}, column ${column}: ${fault.reason}.`;
}

export function prettyJson(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "undefined";
}
