import { ManifestStage } from "@/components/manifest-stage";
import type { StageDetailsProps } from "../details-props";

/** The objects that were deployed, whole. */
export function DeployManifestDetails({ stage }: StageDetailsProps) {
  return <ManifestStage stage={stage} title="Deployed objects" />;
}
