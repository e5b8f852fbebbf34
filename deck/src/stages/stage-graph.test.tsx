import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it, vi } from "vitest";
import type { Stage } from "@/api/types";
import { aStage, renderUi } from "@/test-utils";
import { StageGraph } from "./stage-graph";

const stages = [
  aStage({ refId: "1", name: "Build", status: "SUCCEEDED", startTime: 1000, endTime: 4000 }),
  aStage({ refId: "2", name: "Test", status: "RUNNING", requisiteStageRefIds: ["1"] }),
  aStage({
    refId: "3",
    name: "Ask",
    type: "manualJudgment",
    status: "RUNNING",
    requisiteStageRefIds: ["1"],
  }),
  aStage({ refId: "4", name: "Ship", requisiteStageRefIds: ["2", "3"] }),
];

function Harness({ initial, onSelect }: { initial?: string; onSelect?: (refId: string) => void }) {
  const [selected, setSelected] = useState(initial);
  return (
    <StageGraph
      stages={stages}
      label="Stages"
      selected={selected}
      onSelect={(refId) => {
        setSelected(refId);
        onSelect?.(refId);
      }}
    />
  );
}

const button = (name: RegExp) => screen.getByRole("button", { name });

it("has a button per stage, named by what it is and how it stands", () => {
  renderUi(<Harness initial="2" />);
  expect(button(/^Build, Deploy manifest, Succeeded$/)).toBeInTheDocument();
  expect(button(/^Test, .*Running$/)).toHaveAttribute("aria-pressed", "true");
  expect(button(/^Ask, Manual judgment, Awaiting judgment$/)).toBeInTheDocument();
  expect(button(/^Ship, .*Not started$/)).toHaveAttribute("aria-pressed", "false");
});

it("selects by mouse", async () => {
  const onSelect = vi.fn();
  renderUi(<Harness onSelect={onSelect} />);
  await userEvent.setup().click(button(/^Ship/));
  expect(onSelect).toHaveBeenCalledWith("4");
  expect(button(/^Ship/)).toHaveAttribute("aria-pressed", "true");
});

it("goes from stage to stage by arrows, with one stop in the order of tabs", async () => {
  const user = userEvent.setup();
  renderUi(<Harness initial="1" />);
  expect(button(/^Build/)).toHaveAttribute("tabIndex", "0");
  expect(button(/^Test/)).toHaveAttribute("tabIndex", "-1");
  button(/^Build/).focus();
  await user.keyboard("{ArrowRight}");
  expect(button(/^Test/)).toHaveFocus();
  await user.keyboard("{ArrowDown}");
  expect(button(/^Ask/)).toHaveFocus();
  expect(button(/^Ask/)).toHaveAttribute("aria-pressed", "true");
  await user.keyboard("{ArrowRight}{ArrowRight}");
  expect(button(/^Ship/)).toHaveFocus();
  await user.keyboard("{ArrowLeft}{ArrowLeft}");
  expect(button(/^Build/)).toHaveFocus();
});

it("names a retry", () => {
  const retrying: Stage = aStage({
    name: "Deploy",
    status: "RUNNING",
    context: {
      attempts: [{ task: "deployManifest", attempt: 4, error: "refused", nextRetryTime: 9 }],
    },
  });
  renderUi(
    <StageGraph stages={[retrying]} label="Stages" selected={undefined} onSelect={vi.fn()} />,
  );
  expect(button(/Retrying, attempt 4 failed$/)).toBeInTheDocument();
});

it("draws a plan without statuses", () => {
  renderUi(
    <StageGraph stages={stages} label="Stages" selected={undefined} onSelect={vi.fn()} plan />,
  );
  expect(button(/^Ship, Deploy manifest$/)).toBeInTheDocument();
});

it("shows what a stage is made of as dots on it, not as stages of their own", () => {
  const [build] = stages;
  if (!build) throw new Error("no stage");
  const part = (refId: string, status: Stage["status"]) =>
    aStage({ refId, name: `Part ${refId}`, status, parentStageId: build.id });
  renderUi(
    <StageGraph
      stages={stages}
      parts={new Map([[build.id, [part("1<1", "SUCCEEDED"), part("1>1", "RUNNING")]]])}
      label="Stages"
      selected="1"
      onSelect={vi.fn()}
    />,
  );
  expect(button(/^Build, Deploy manifest, Succeeded$/)).toHaveTextContent("1 of 2 parts");
  expect(screen.queryByRole("button", { name: /^Part/ })).not.toBeInTheDocument();
});
