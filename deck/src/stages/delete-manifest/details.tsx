import { ManifestStage } from "@/components/manifest-stage";
import type { StageDetailsProps } from "../details-props";

/** The objects that were deleted, by name. */
export function DeleteManifestDetails({ stage }: StageDetailsProps) {
  return <ManifestStage stage={stage} title="Deleted objects" />;
}
