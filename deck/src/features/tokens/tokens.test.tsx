import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
import type { ApiToken, User } from "@/api/types";
import { renderUi } from "@/test-utils";
import { TokensPage } from "./pages/tokens-page";
import { expiry, hasEnded, lifetimes, scopeWords } from "./scopes";

const DAY = 24 * 60 * 60 * 1000;

const mira: User = {
  username: "mira",
  canMintApiTokens: true,
  isAdmin: false,
  maxUserTokenLifetimeDays: 90,
  maxServiceAccountTokenLifetimeDays: 365,
};

function aToken(changes: Partial<ApiToken> = {}): ApiToken {
  return {
    id: "T1",
    name: "ci",
    principalType: "USER",
    principalId: "mira",
    scopes: ["READ", "EXECUTE"],
    createdByUserId: "mira",
    createdAt: new Date(Date.now() - DAY).toISOString(),
    expiresAt: new Date(Date.now() + DAY).toISOString(),
    ...changes,
  };
}

beforeEach(() => {
  vi.restoreAllMocks();
  vi.spyOn(gate, "user").mockResolvedValue(mira);
});

describe("what is said of a token", () => {
  it("puts scopes in words, none being everything", () => {
    expect(scopeWords([])).toBe("Everything");
    expect(scopeWords(["EXECUTE", "READ"])).toBe("Read, Execute");
  });

  it("offers lifetimes up to the longest, which the server decides", () => {
    expect(lifetimes(90)).toEqual([7, 30, 90]);
    expect(lifetimes(5)).toEqual([5]);
    expect(lifetimes(365)).toEqual([7, 30, 90, 180, 365]);
    expect(expiry(7, 90, 0)).toBe("1970-01-08T00:00:00.000Z");
    expect(expiry(90, 90, 0)).toBeUndefined();
  });

  it("tells one that has ended", () => {
    const token = aToken({ expiresAt: "2026-01-01T00:00:00Z" });
    expect(hasEnded(token, Date.parse("2025-12-31T23:59:59Z"))).toBe(false);
    expect(hasEnded(token, Date.parse("2026-01-01T00:00:00Z"))).toBe(true);
  });
});

describe("TokensPage", () => {
  it("lists tokens with their principals, scopes and last use", async () => {
    vi.spyOn(gate, "apiTokens").mockResolvedValue([
      aToken(),
      aToken({
        id: "T2",
        name: "robot",
        principalType: "SERVICE_ACCOUNT",
        principalId: "robot@example.com",
        scopes: [],
        expiresAt: "2026-01-01T00:00:00Z",
        lastUsedAt: new Date(Date.now() - 2 * 60 * 60 * 1000).toISOString(),
      }),
    ]);
    renderUi(<TokensPage />);
    const robot = await screen.findByRole("row", { name: /robot@example.com/ });
    expect(robot).toHaveTextContent("service account");
    expect(robot).toHaveTextContent("Everything");
    expect(robot).toHaveTextContent("Expired");
    expect(robot).toHaveTextContent("by mira");
    expect(robot).toHaveTextContent(/2 hr/);
    const own = screen.getByRole("row", { name: /^ci/ });
    expect(own).toHaveTextContent("Read, Execute");
    expect(own).toHaveTextContent("Never");
    expect(own).not.toHaveTextContent("Expired");
  });

  it("makes a token and shows it once", async () => {
    const user = userEvent.setup();
    vi.spyOn(gate, "apiTokens").mockResolvedValue([]);
    const create = vi
      .spyOn(gate, "createApiToken")
      .mockRejectedValueOnce(new ApiError(409, "There is a token 'ci' already."))
      .mockResolvedValue({ ...aToken({ name: "ci 2" }), token: "spk_secret" });
    const { client } = renderUi(<TokensPage />);
    expect(await screen.findByRole("heading", { name: "No API tokens yet" })).toBeVisible();
    await user.click(screen.getAllByRole("button", { name: "New token" })[0]!);
    const dialog = await screen.findByRole("dialog", { name: "New API token" });
    await user.click(within(dialog).getByRole("button", { name: "Make token" }));
    expect(within(dialog).getByText(/^Enter a name/)).toBeVisible();
    expect(create).not.toHaveBeenCalled();
    await user.type(within(dialog).getByLabelText(/^Name/), "ci");
    expect(within(dialog).queryByLabelText(/^Acts as/)).toBeNull();
    await user.click(within(dialog).getByRole("checkbox", { name: "Read" }));
    await user.click(within(dialog).getByRole("button", { name: "Make token" }));
    expect(within(dialog).getByText("Choose at least one scope.")).toBeVisible();
    expect(create).not.toHaveBeenCalled();
    await user.click(within(dialog).getByRole("checkbox", { name: "Execute" }));
    await user.click(within(dialog).getByRole("button", { name: "Make token" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent(
      "There is a token 'ci' already.",
    );
    await user.type(within(dialog).getByLabelText(/^Name/), " 2");
    await user.click(within(dialog).getByRole("button", { name: "Make token" }));
    const made = await screen.findByRole("dialog", { name: "Copy the token now" });
    expect(made).toHaveTextContent("spk_secret");
    expect(made).toHaveTextContent("the only time");
    expect(within(made).getByRole("button", { name: "Copy token" })).toBeVisible();
    const asked = create.mock.calls.at(-1)?.[0];
    expect(asked).toMatchObject({ name: "ci 2", principalType: "USER", scopes: ["EXECUTE"] });
    expect(Date.parse(asked?.expiresAt ?? "") - Date.now()).toBeGreaterThan(29 * DAY);
    await user.click(within(made).getByRole("button", { name: "I have copied it" }));
    await waitFor(() => expect(screen.queryByText("spk_secret")).toBeNull());
    const cached = client.getQueryCache().getAll();
    expect(JSON.stringify(cached.map((query) => query.state.data))).not.toContain("spk_secret");
  });

  it("lets administrators make tokens of service accounts, with their own longest life", async () => {
    const user = userEvent.setup();
    vi.spyOn(gate, "user").mockResolvedValue({ ...mira, isAdmin: true });
    vi.spyOn(gate, "apiTokens").mockResolvedValue([aToken()]);
    const create = vi
      .spyOn(gate, "createApiToken")
      .mockRejectedValue(new ApiError(404, "No such."));
    renderUi(<TokensPage />);
    await user.click(await screen.findByRole("button", { name: "New token" }));
    const dialog = await screen.findByRole("dialog", { name: "New API token" });
    await user.type(within(dialog).getByLabelText(/^Name/), "robot");
    await user.click(within(dialog).getByRole("combobox", { name: "Acts as" }));
    await user.click(await screen.findByRole("option", { name: "A service account" }));
    await user.click(within(dialog).getByRole("button", { name: "Make token" }));
    expect(within(dialog).getByText("Enter the name of the service account.")).toBeVisible();
    await user.type(within(dialog).getByLabelText(/^Service account/), "robot@example.com");
    await user.click(within(dialog).getByRole("combobox", { name: "Expires" }));
    await user.click(await screen.findByRole("option", { name: "After 365 days" }));
    await user.click(within(dialog).getByRole("button", { name: "Make token" }));
    await waitFor(() =>
      expect(create).toHaveBeenCalledWith({
        name: "robot",
        principalType: "SERVICE_ACCOUNT",
        principalId: "robot@example.com",
        scopes: ["READ"],
        expiresAt: undefined,
      }),
    );
  });

  it("revokes after asking, and takes one that is gone for revoked", async () => {
    const user = userEvent.setup();
    const list = vi.spyOn(gate, "apiTokens").mockResolvedValue([aToken()]);
    const revoke = vi
      .spyOn(gate, "revokeApiToken")
      .mockRejectedValueOnce(new ApiError(403, "Access is denied: it is not yours."))
      .mockRejectedValue(new ApiError(404, "There is no such token."));
    renderUi(<TokensPage />);
    await user.click(await screen.findByRole("button", { name: "Revoke ci" }));
    const dialog = await screen.findByRole("dialog", { name: "Revoke API token" });
    expect(revoke).not.toHaveBeenCalled();
    await user.click(within(dialog).getByRole("button", { name: "Revoke token" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("it is not yours");
    list.mockResolvedValue([]);
    await user.click(within(dialog).getByRole("button", { name: "Revoke token" }));
    expect(await screen.findByRole("heading", { name: "No API tokens yet" })).toBeVisible();
    expect(revoke).toHaveBeenCalledWith("T1");
  });

  it("shows why the list cannot be read, and nothing to those who may not make tokens", async () => {
    const list = vi
      .spyOn(gate, "apiTokens")
      .mockRejectedValue(new ApiError(503, "The bucket does not answer."));
    const first = renderUi(<TokensPage />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The bucket does not answer.");
    first.unmount();
    list.mockClear();
    vi.spyOn(gate, "user").mockResolvedValue({ username: "tom", canMintApiTokens: false });
    renderUi(<TokensPage />);
    expect(
      await screen.findByRole("heading", { name: "You may not make API tokens" }),
    ).toBeVisible();
    expect(list).not.toHaveBeenCalled();
  });
});
