import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { anExecution, aStage, renderUi } from "@/test-utils";
import { StageBar } from "./stage-bar";

it("has a segment per stage in the order they run, each leading to its stage", () => {
  renderUi(
    <StageBar
      execution={anExecution({
        stages: [
          aStage({ refId: "2", name: "Ship", requisiteStageRefIds: ["1"] }),
          aStage({ refId: "1", name: "Ask", type: "manualJudgment", status: "RUNNING" }),
          aStage({ refId: "1<1", name: "Part", parentStageId: "stage-1" }),
        ],
      })}
    />,
  );
  const links = screen.getAllByRole("link");
  expect(links.map((link) => link.getAttribute("aria-label"))).toEqual([
    "Ask: Awaiting judgment",
    "Ship: Not started",
  ]);
  expect(links[0]).toHaveAttribute("href", "/applications/shop/executions/01JEXECUTION?stage=1");
});

it("stays light with hundreds of stages", () => {
  const stages = Array.from({ length: 200 }, (_, index) =>
    aStage({ refId: String(index), id: String(index), name: `Stage ${index}` }),
  );
  renderUi(<StageBar execution={anExecution({ stages })} />);
  expect(screen.getAllByRole("link")).toHaveLength(200);
  expect(screen.getByRole("link", { name: "Stage 7: Not started" })).toHaveAttribute("title");
});
