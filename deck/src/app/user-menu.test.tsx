import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { gate } from "@/api/gate";
import { renderUi } from "@/test-utils";
import { UserMenu } from "./user-menu";

it("offers what the caller may use, and the way out", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "user").mockResolvedValue({
    username: "mira",
    isAdmin: true,
    canMintApiTokens: true,
  });
  renderUi(<UserMenu />);
  await user.click(await screen.findByRole("button", { name: "mira" }));
  expect(await screen.findByRole("menuitem", { name: "API tokens" })).toHaveAttribute(
    "href",
    "/api-tokens",
  );
  expect(screen.getByRole("menuitem", { name: "Audit log" })).toHaveAttribute("href", "/audit");
  expect(screen.getByRole("menuitem", { name: "Sign out" })).toHaveAttribute(
    "href",
    expect.stringContaining("/auth/logout"),
  );
});

it("offers to others the way out alone", async () => {
  const user = userEvent.setup();
  vi.spyOn(gate, "user").mockResolvedValue({ username: "tom" });
  renderUi(<UserMenu />);
  await user.click(await screen.findByRole("button", { name: "tom" }));
  expect(await screen.findAllByRole("menuitem")).toHaveLength(1);
});

it("is only a name where nobody has to sign in", async () => {
  vi.spyOn(gate, "user").mockResolvedValue({ username: "anonymous" });
  renderUi(<UserMenu />);
  expect(await screen.findByText("anonymous")).toBeVisible();
  expect(screen.queryByRole("button")).toBeNull();
});

it("leads nobody to sign in, by itself only once", async () => {
  sessionStorage.setItem("gennaker.signInTried", String(Date.now()));
  vi.spyOn(gate, "user").mockResolvedValue(undefined);
  renderUi(<UserMenu />);
  expect(await screen.findByRole("link", { name: "Sign in" })).toHaveAttribute(
    "href",
    expect.stringContaining("/auth/redirect?to="),
  );
});
