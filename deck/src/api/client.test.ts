import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call, configureClient, gateUrl } from "./client";
import { DEFAULT_SETTINGS } from "./settings";

const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubGlobal("fetch", fetched);
  fetched.mockReset();
});
afterEach(() => {
  vi.unstubAllGlobals();
  configureClient(DEFAULT_SETTINGS);
});

describe("gateUrl", () => {
  it("leaves out what is not asked and joins lists by commas", () => {
    expect(gateUrl("/x", { a: 1, b: undefined, c: [], d: ["p", "q"], e: false })).toBe(
      "/gate/x?a=1&d=p%2Cq&e=false",
    );
    configureClient({ ...DEFAULT_SETTINGS, gateUrl: "https://gate.example" });
    expect(gateUrl("/x")).toBe("https://gate.example/x");
  });
});

describe("call", () => {
  it("sends and takes JSON", async () => {
    fetched.mockResolvedValue(new Response('{"a":1}'));
    await expect(call("/x", { method: "POST", body: { b: 2 } })).resolves.toEqual({ a: 1 });
    const [url, options] = fetched.mock.calls[0] ?? [];
    expect(url).toBe("/gate/x");
    expect(options).toMatchObject({
      method: "POST",
      body: '{"b":2}',
      credentials: "include",
      headers: { "Content-Type": "application/json;charset=utf-8" },
    });
  });

  it("takes an empty body for nothing", async () => {
    fetched.mockResolvedValue(new Response(null, { status: 200 }));
    await expect(call("/x")).resolves.toBeUndefined();
  });

  it("rejects a refusal with the server's words", async () => {
    fetched.mockResolvedValue(new Response('{"message":"No."}', { status: 400 }));
    await expect(call("/x")).rejects.toMatchObject({ status: 400, message: "No." });
  });

  it("rejects a refusal that is not JSON with words for its status", async () => {
    fetched.mockResolvedValue(new Response("<html>Bad gateway</html>", { status: 502 }));
    await expect(call("/x")).rejects.toMatchObject({
      status: 502,
      message: "Gate cannot be reached through the proxy.",
    });
  });

  it("rejects a page in place of the API", async () => {
    fetched.mockResolvedValue(new Response("<html>Log in</html>"));
    await expect(call("/x")).rejects.toThrow("The answer is not JSON.");
  });

  it("has words for a server that is away", async () => {
    fetched.mockRejectedValue(new TypeError("Failed to fetch"));
    await expect(call("/x")).rejects.toMatchObject({ status: 0 });
  });

  it("leaves an abort to whoever aborted", async () => {
    const abort = new AbortController();
    abort.abort();
    fetched.mockRejectedValue(new DOMException("aborted", "AbortError"));
    await expect(call("/x", { signal: abort.signal })).rejects.toThrow("aborted");
  });
});
