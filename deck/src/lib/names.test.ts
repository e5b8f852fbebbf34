import { describe, expect, it } from "vitest";
import { applicationNameFault, emailFault, humanize } from "./names";

describe("applicationNameFault", () => {
  it.each([
    ["shop", ["kubernetes"], undefined],
    ["my-shop-2", ["kubernetes"], undefined],
    ["", ["kubernetes"], "Enter a name."],
    ["  ", [], "Enter a name."],
    [
      "2shop",
      ["kubernetes"],
      "A name for kubernetes has a letter first, then letters, digits and hyphens.",
    ],
    [
      "my_shop",
      ["kubernetes"],
      "A name for kubernetes has a letter first, then letters, digits and hyphens.",
    ],
    ["my_shop", ["aws"], undefined],
    ["my-shop", ["aws"], "A name for aws has letters, digits, dots, underscores."],
    [
      "my-shop",
      ["kubernetes", "gce"],
      "A name for gce has a letter first, then letters and digits.",
    ],
    [
      "a".repeat(64),
      ["kubernetes"],
      "A name for kubernetes has at most 63 characters; this has 64.",
    ],
    ["a/b", [], "A name has no spaces and none of / ? # % \\."],
    ["Payments", ["kubernetes"], "An application named payments already exists."],
  ])("%j for %j", (name, providers, fault) => {
    expect(applicationNameFault(name, providers, ["payments"])).toBe(fault);
  });
});

it("checks an address leniently", () => {
  expect(emailFault("a@b")).toBeUndefined();
  expect(emailFault("a b@c")).toBe("This is not an email address.");
  expect(emailFault("nobody")).toBe("This is not an email address.");
  expect(emailFault(" ")).toBe("Enter the email address of the owner.");
});

describe("humanize", () => {
  it.each([
    ["deployManifest", "Deploy manifest"],
    ["waitForManifestToStabilize", "Wait for manifest to stabilize"],
    ["runJob", "Run job"],
    ["createServerGroup_aws", "Create server group aws"],
    ["evaluateURL", "Evaluate URL"],
    ["wait", "Wait"],
    ["", ""],
  ])("%s", (from, to) => {
    expect(humanize(from)).toBe(to);
  });
});
