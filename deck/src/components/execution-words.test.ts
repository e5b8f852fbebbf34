import { describe, expect, it } from "vitest";
import { anExecution } from "@/test-utils";
import { triggerWords } from "./execution-words";

describe("triggerWords", () => {
  it.each([
    [{ type: "manual" }, "Manual start"],
    [{ type: "pipeline", parentExecution: { name: "Build" } }, "Pipeline Build"],
    [{ type: "pipeline" }, "Pipeline"],
    [{ type: "jenkins", job: "shop/build", buildNumber: 42 }, "Jenkins shop/build #42"],
    [{ type: "git", project: "example", slug: "shop", branch: "main" }, "Git example/shop (main)"],
    [{ type: "docker", repository: "shop", tag: "2.0" }, "Docker shop:2.0"],
    [{ type: "cron" }, "Schedule"],
    [{ type: "webhook", source: "ci" }, "Webhook ci"],
    [{ type: "pubsub" }, "Pubsub"],
    [{}, "Unknown trigger"],
  ])("%j is %s", (trigger, words) => {
    expect(triggerWords(anExecution({ trigger }))).toBe(words);
  });
});
