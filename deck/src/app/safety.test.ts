import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** Every source file of the product, without its tests. */
function sources(folder: string): [path: string, text: string][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    if (!/\.(ts|tsx|css)$/.test(entry.name) || /\.test\.|test-|fake-/.test(entry.name)) return [];
    return [[path, readFileSync(path, "utf8")] as [string, string]];
  });
}

const files = sources("src");

describe("the source", () => {
  it("is read", () => {
    expect(files.length).toBeGreaterThan(60);
  });

  it.each([
    ["raw HTML", /dangerouslySetInnerHTML|\.innerHTML|document\.write/],
    ["code from text", /\beval\(|new Function\(/],
    ["addresses outside this installation", /["'`(]https?:\/\/[a-z]/i],
    ["a barrel file", /^export \* from/m],
    ["what is left to do", /\b(TODO|FIXME|XXX)\b/],
  ])("has no %s", (_, pattern) => {
    expect(files.filter(([, text]) => pattern.test(text)).map(([path]) => path)).toEqual([]);
  });

  it("keeps files short", () => {
    expect(files.filter(([, text]) => text.split("\n").length > 400).map(([path]) => path)).toEqual(
      [],
    );
  });
});
