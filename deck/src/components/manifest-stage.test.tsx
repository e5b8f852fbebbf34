import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { aStage, renderUi } from "@/test-utils";
import { ManifestStage } from "./manifest-stage";

it("says that it rolls back, and what it rolled back", () => {
  renderUi(
    <ManifestStage
      title="Deployed objects"
      stage={aStage({
        status: "TERMINAL",
        context: {
          rollback: { onFailure: true },
          rolledBack: [
            { manifestName: "deployment web", location: "shop", revision: 3, stable: true },
          ],
          notRolledBack: [
            { manifestName: "job test", location: "shop", reason: "a job has no revisions" },
          ],
        },
      })}
    />,
  );
  expect(screen.getByText("on failure")).toBeVisible();
  const items = screen.getAllByRole("listitem");
  expect(items[0]).toHaveTextContent(
    "deployment web in shop: rolled back to revision 3, which is stable",
  );
  expect(items[1]).toHaveTextContent(
    "job test in shop: not rolled back, because a job has no revisions",
  );
});

it("is silent about rollbacks where there is none", () => {
  renderUi(<ManifestStage title="Deployed objects" stage={aStage({ context: {} })} />);
  expect(screen.queryByText("Rollback")).not.toBeInTheDocument();
});
