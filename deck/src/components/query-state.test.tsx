import { useQuery } from "@tanstack/react-query";
import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { renderUi, testClient } from "@/test-utils";
import { QueryState } from "./query-state";

function Page({ read }: { read: () => Promise<string> }) {
  const query = useQuery({ queryKey: ["page"], queryFn: read });
  return <QueryState query={query}>{(data) => <p>{data}</p>}</QueryState>;
}

it("shows loading, then the data", async () => {
  renderUi(<Page read={() => Promise.resolve("hello")} />);
  expect(screen.getByRole("status", { name: "Loading" })).toBeInTheDocument();
  expect(await screen.findByText("hello")).toBeVisible();
});

it("shows what failed, and tries again when asked", async () => {
  const user = userEvent.setup();
  const read = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(new ApiError(500, "Front50 is away."))
    .mockResolvedValue("hello");
  renderUi(<Page read={read} />);
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("The server failed");
  expect(alert).toHaveTextContent("Front50 is away.");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("hello")).toBeVisible();
});

it("keeps data that can no longer be renewed, and says so", async () => {
  const client = testClient();
  client.setQueryData(["page"], "old");
  renderUi(<Page read={() => Promise.reject(new ApiError(0, "The network is down."))} />, {
    client,
  });
  expect(screen.getByText("old")).toBeVisible();
  expect(await screen.findByText("Not up to date: The network is down.")).toBeVisible();
  expect(screen.getByText("old")).toBeVisible();
});
