import type { Execution, Stage } from "@/api/types";

/** What every stage type's own part of the details panel is given. */
export interface StageDetailsProps {
  execution: Execution;
  stage: Stage;
}
