import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { renderUi } from "@/test-utils";
import { JsonView } from "./json-view";

it("opens and closes branches, and renders none that are closed", async () => {
  const user = userEvent.setup();
  renderUi(<JsonView value={{ metadata: { name: "shop" }, list: [1, 2] }} openDepth={1} />);
  expect(screen.queryByText("shop")).not.toBeInTheDocument();
  expect(screen.getByText("{ 1 key }")).toBeVisible();
  expect(screen.getByText("[ 2 items ]")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Expand metadata" }));
  expect(screen.getByText("shop")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Collapse metadata" }));
  expect(screen.queryByText("shop")).not.toBeInTheDocument();
});

it("shows text as text", () => {
  renderUi(<JsonView value={{ html: "<b>bold</b>", empty: "", none: null, flag: false }} />);
  expect(screen.getByText("<b>bold</b>")).toBeVisible();
  expect(screen.getByText('""')).toBeVisible();
  expect(screen.getByText("null")).toBeVisible();
  expect(screen.getByText("false")).toBeVisible();
});

it("shows long lists a page at a time", async () => {
  const user = userEvent.setup();
  renderUi(<JsonView value={Array.from({ length: 250 }, (_, index) => `item-${index}`)} />);
  expect(screen.getByText("item-99")).toBeVisible();
  expect(screen.queryByText("item-100")).not.toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Show 100 more of 250" }));
  await user.click(screen.getByRole("button", { name: "Show 50 more of 250" }));
  expect(screen.getByText("item-249")).toBeVisible();
});
