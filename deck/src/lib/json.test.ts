import { describe, expect, it } from "vitest";
import { parseJsonObject } from "./json";
import { findJsonFault } from "./json-fault";

describe("parseJsonObject", () => {
  it("takes one object, with the keys nobody knows", () => {
    expect(parseJsonObject('{"name":"x","custom":{"a":[1]}}')).toEqual({
      ok: true,
      value: { name: "x", custom: { a: [1] } },
    });
  });

  it.each([
    ["", "Paste or type a JSON object."],
    ["[1]", "This is a list; an object in { } is needed."],
    ["null", "This is null; an object in { } is needed."],
    ['"text"', "This is a string; an object in { } is needed."],
    [
      '{\n  "a": 1,\n  "b": oops\n}',
      "Not valid JSON at line 3, column 8: oops needs double quotes.",
    ],
    ['{\n  "a": 1', "Not valid JSON at line 2, column 9: the { of line 1 is not closed."],
  ])("refuses %j", (text, message) => {
    expect(parseJsonObject(text)).toEqual({ ok: false, message });
  });
});

describe("findJsonFault", () => {
  it.each([
    ['{"a":1,}', 7, "a name in double quotes must follow the comma"],
    ["[1,]", 3, "a value must follow the comma"],
    ['{"a" 1}', 5, "a colon is missing"],
    ['{"a":1 "b":2}', 7, "a comma or } is missing"],
    ["[1 2]", 3, "a comma or ] is missing"],
    ["{a:1}", 1, "a name in double quotes is needed"],
    ["['x']", 1, "text needs double quotes"],
    ['{"a":"x', 7, "the text of line 1 is not closed"],
    ['"a\nb"', 2, "a line break or tab in a text must be written as \\n or \\t"],
    ['"\\x"', 2, 'after \\ comes one of " \\ / b f n r t u'],
    ["01", 1, "this is not a number"],
    ["-", 0, "this is not a number"],
    ["1.e3", 1, "this is not a number"],
    ["{} {}", 3, "nothing may follow the last bracket"],
    ["[", 1, "a value is missing at the end"],
    ["[)", 1, ") cannot stand here; a value is needed"],
  ])("in %j is at %d", (text, position, reason) => {
    expect(() => JSON.parse(text) as unknown).toThrow();
    expect(findJsonFault(text)).toMatchObject({ position, reason });
  });

  it.each([
    "{}",
    "[]",
    ' { "a" : [ 1 , -2.5e+10 , true , false , null , "\\u00e9\\n\\"" ] } ',
    '{"a":{"b":[{}]}}',
    "0",
    '""',
  ])("is none in %j", (text) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
    expect(findJsonFault(text)).toBeUndefined();
  });
});
