import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { paths } from "@/lib/paths";
import { asText, dig, isObject } from "@/lib/records";
import { Facts } from "@/ui/facts";
import { StatusBadge } from "@/ui/status";
import type { StageDetailsProps } from "../details-props";

/** The execution this stage has started, with a way to it. */
export function PipelineDetails({ execution, stage }: StageDetailsProps) {
  const { context } = stage;
  const childId = asText(context["executionId"]);
  const application =
    asText(context["pipelineApplication"]) ||
    asText(context["application"]) ||
    execution.application;
  const name =
    asText(context["executionName"]) ?? asText(context["name"]) ?? asText(context["pipeline"]);
  const status = asText(context["status"]);
  const parameters = context["pipelineParameters"];
  return (
    <Facts
      items={[
        [
          "Child execution",
          childId ? (
            <Anchor component={Link} to={paths.execution(application, childId)} fz="sm" fw={550}>
              {name ?? childId}
            </Anchor>
          ) : (
            "not started yet"
          ),
        ],
        ["Application", application],
        ["Child status", status ? <StatusBadge status={status} /> : undefined],
        ["Waits for it", dig(context, "waitForCompletion") === false ? "no" : "yes"],
        [
          "Parameters",
          isObject(parameters) && Object.keys(parameters).length > 0
            ? Object.entries(parameters)
                .map(([key, value]) => `${key}=${asText(value) ?? JSON.stringify(value)}`)
                .join(", ")
            : undefined,
        ],
      ]}
    />
  );
}
