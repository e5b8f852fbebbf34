import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it } from "vitest";
import { renderUi } from "@/test-utils";
import { focusPageSearch, SearchField } from "./search-field";

/** An owner whose value follows late, as an address does. */
function Late() {
  const [value, setValue] = useState("");
  return (
    <>
      <SearchField
        label="Search"
        value={value}
        onChange={(text) => setTimeout(() => setValue(text), 20)}
      />
      <output>{value}</output>
      <button type="button" onClick={() => setValue("elsewhere")}>
        set
      </button>
    </>
  );
}

it("keeps every letter although its owner is slow", async () => {
  const user = userEvent.setup({ delay: null });
  renderUi(<Late />);
  expect(focusPageSearch()).toBe(true);
  await user.keyboard("stock");
  expect(screen.getByRole("searchbox", { name: "Search" })).toHaveValue("stock");
  expect(await screen.findByText("stock")).toBeVisible();
});

it("is emptied by Escape, then left by it, and follows its owner when not in use", async () => {
  const user = userEvent.setup();
  renderUi(<Late />);
  const field = screen.getByRole("searchbox", { name: "Search" });
  await user.type(field, "x");
  await user.keyboard("{Escape}");
  expect(field).toHaveValue("");
  expect(field).toHaveFocus();
  await user.keyboard("{Escape}");
  expect(field).not.toHaveFocus();
  await user.click(screen.getByRole("button", { name: "set" }));
  expect(field).toHaveValue("elsewhere");
});

it("says when a page has none", () => {
  renderUi(<p>nothing</p>);
  expect(focusPageSearch()).toBe(false);
});
