import { expect, it } from "vitest";
import { DEFAULT_SETTINGS, readSettings } from "./settings";

it.each([
  [undefined, DEFAULT_SETTINGS],
  [{}, DEFAULT_SETTINGS],
  [[], DEFAULT_SETTINGS],
  [
    { gateUrl: 7, temporalUiUrl: {} },
    { ...DEFAULT_SETTINGS, gateUrl: "7" },
  ],
  [
    {
      gateUrl: "https://gate.example/",
      temporalUiUrl: "http://t:8233",
      temporalNamespace: "cd",
      version: "1",
    },
    {
      gateUrl: "https://gate.example",
      temporalUiUrl: "http://t:8233",
      temporalNamespace: "cd",
      version: "1",
    },
  ],
  [{ temporalUiUrl: "javascript:alert(1)" }, DEFAULT_SETTINGS],
])("reads %j", (value, settings) => {
  expect(readSettings(value)).toEqual(settings);
});
