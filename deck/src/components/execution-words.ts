import { asText } from "@/lib/records";
import { humanize } from "@/lib/names";
import type { Execution } from "@/api/types";

/** What set an execution off, in a few words: "Manual start", "Jenkins build-app #42". */
export function triggerWords(execution: Execution): string {
  const { trigger } = execution;
  const type = asText(trigger.type) ?? "none";
  switch (type) {
    case "manual":
      return "Manual start";
    case "pipeline": {
      const parent =
        asText(trigger.parentExecution?.name) ?? asText(trigger.parentPipelineName) ?? "";
      return parent ? `Pipeline ${parent}` : "Pipeline";
    }
    case "jenkins":
    case "concourse":
    case "travis":
    case "wercker": {
      const job = asText(trigger["job"]);
      const number = asText(trigger["buildNumber"]);
      return [humanize(type), job, number && `#${number}`].filter(Boolean).join(" ");
    }
    case "git": {
      const slug = [asText(trigger["project"]), asText(trigger["slug"])].filter(Boolean).join("/");
      const branch = asText(trigger["branch"]);
      return ["Git", slug, branch && `(${branch})`].filter(Boolean).join(" ");
    }
    case "docker": {
      const repository = asText(trigger["repository"]);
      const tag = asText(trigger["tag"]);
      return ["Docker", repository && (tag ? `${repository}:${tag}` : repository)]
        .filter(Boolean)
        .join(" ");
    }
    case "cron":
      return "Schedule";
    case "none":
      return "Unknown trigger";
    default: {
      const source = asText(trigger["source"]);
      return source ? `${humanize(type)} ${source}` : humanize(type);
    }
  }
}

export function executionTitle(execution: Execution): string {
  return execution.name ?? execution.description ?? execution.id;
}
