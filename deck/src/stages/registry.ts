import {
  IconBox,
  IconBoxOff,
  IconBriefcase,
  IconClockHour4,
  IconGavel,
  IconGitBranch,
  IconPuzzle,
  type Icon,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { humanize } from "@/lib/names";
import { DeleteManifestDetails } from "./delete-manifest/details";
import { DeployManifestDetails } from "./deploy-manifest/details";
import type { StageDetailsProps } from "./details-props";
import { ManualJudgmentDetails } from "./manual-judgment/details";
import { PipelineDetails } from "./pipeline/details";
import { RunJobManifestDetails } from "./run-job-manifest/details";
import { WaitDetails } from "./wait/details";

export interface StageKind {
  label: string;
  icon: Icon;
  /** The stage type's own part of the details panel, above what all stages show. */
  Details?: ComponentType<StageDetailsProps>;
}

/** Every stage type that has more to show than its tasks, context and outputs. */
export const STAGE_KINDS: Record<string, StageKind> = {
  deleteManifest: {
    label: "Delete manifest",
    icon: IconBoxOff,
    Details: DeleteManifestDetails,
  },
  deployManifest: { label: "Deploy manifest", icon: IconBox, Details: DeployManifestDetails },
  manualJudgment: { label: "Manual judgment", icon: IconGavel, Details: ManualJudgmentDetails },
  pipeline: { label: "Pipeline", icon: IconGitBranch, Details: PipelineDetails },
  runJob: { label: "Run job", icon: IconBriefcase, Details: RunJobManifestDetails },
  runJobManifest: { label: "Run job", icon: IconBriefcase, Details: RunJobManifestDetails },
  wait: { label: "Wait", icon: IconClockHour4, Details: WaitDetails },
};

/** The kind of a stage type; one the UI does not know still has a readable name. */
export function stageKind(type: string): StageKind {
  return Object.hasOwn(STAGE_KINDS, type)
    ? (STAGE_KINDS[type] as StageKind)
    : { label: humanize(type), icon: IconPuzzle };
}
