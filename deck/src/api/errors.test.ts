import { describe, expect, it } from "vitest";
import { ApiError, apiErrorOf, errorWords, isNotFound, statusWords } from "./errors";

describe("apiErrorOf", () => {
  it("speaks with the server's words", () => {
    const error = apiErrorOf(400, { status: 400, error: "Bad Request", message: "Name is taken." });
    expect(error.message).toBe("Name is taken.");
    expect(error.status).toBe(400);
  });

  it.each([
    [undefined, "The server refused the request."],
    [{ message: "  " }, "The server refused the request."],
    ["<html>", "The server refused the request."],
  ])("has words of its own for the body %j", (body, message) => {
    expect(apiErrorOf(400, body).message).toBe(message);
  });

  it("has words for a status it does not know", () => {
    expect(statusWords(418)).toBe("The server answered with status 418.");
  });
});

describe("errorWords", () => {
  it.each([
    [0, "Gate cannot be reached", true],
    [400, "The request was refused", false],
    [401, "Not signed in", true],
    [403, "No permission", false],
    [404, "Not found", false],
    [409, "The request was refused", false],
    [500, "The server failed", true],
    [503, "The server failed", true],
  ])("titles %d as %s", (status, title, retryable) => {
    expect(errorWords(new ApiError(status, "because"))).toEqual({
      title,
      message: "because",
      retryable,
    });
  });

  it("takes what is not an API error", () => {
    expect(errorWords(new TypeError("x is undefined")).message).toBe("x is undefined");
    expect(errorWords("plain").message).toBe("plain");
  });

  it("knows what is missing", () => {
    expect(isNotFound(new ApiError(404, "gone"))).toBe(true);
    expect(isNotFound(new ApiError(500, "down"))).toBe(false);
    expect(isNotFound(new Error("404"))).toBe(false);
  });
});
