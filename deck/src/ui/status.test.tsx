import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { STATUS_LOOKS, STATUSES } from "@/lib/status";
import { renderUi } from "@/test-utils";
import { StatusBadge } from "./status";

it.each(STATUSES)("shows %s by its label", (status) => {
  renderUi(<StatusBadge status={status} />);
  const badge = screen.getByText(STATUS_LOOKS[status].label);
  expect(badge).toBeVisible();
  expect(badge).toHaveAttribute("data-status", status);
});
