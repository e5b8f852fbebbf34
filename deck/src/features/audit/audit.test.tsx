import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { gate } from "@/api/gate";
import { AUDIT_PAGE, auditEvents } from "@/api/queries";
import type { AuditEvent } from "@/api/types";
import { renderUi } from "@/test-utils";
import { AuditPage } from "./pages/audit-page";
import { means, touched } from "./words";

function anEvent(changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    time: 1_767_225_600_000,
    user: "mira",
    mode: "basic",
    address: "10.0.0.7",
    method: "PUT",
    route: "/pipelines/{id}/cancel",
    status: 200,
    allowed: true,
    applications: ["shop"],
    target: "id=01J",
    request: "r1",
    ...changes,
  };
}

beforeEach(() => {
  vi.restoreAllMocks();
  vi.spyOn(gate, "user").mockResolvedValue({ username: "mira", isAdmin: true });
});

describe("what is said of an event", () => {
  it("names what was touched", () => {
    expect(touched(anEvent({ accounts: ["prod"] }))).toBe("shop, account prod, id=01J");
    expect(touched(anEvent({ applications: undefined, target: undefined }))).toBe("–");
  });

  it("names the means", () => {
    expect(means(anEvent({ mode: "token", token: "T1" }))).toBe("token T1");
    expect(means(anEvent())).toBe("basic");
    expect(means(anEvent({ mode: "none" }))).toBeUndefined();
  });

  it("keeps what several answers hold once", () => {
    const [a, b, c] = ["a", "b", "c"].map((request) => anEvent({ request }));
    expect(auditEvents([[a!, b!], [b!, c!], []]).map(({ request }) => request)).toEqual([
      "a",
      "b",
      "c",
    ]);
  });
});

describe("AuditPage", () => {
  it("shows who did what, on what, from where, and why not", async () => {
    vi.spyOn(gate, "audit").mockResolvedValue([
      anEvent(),
      anEvent({
        request: "r2",
        user: "tom",
        method: "POST",
        route: "/pipelines/v2/{application}/{name}",
        status: 403,
        allowed: false,
        reason: "Access is denied: EXECUTE on the application 'shop'",
      }),
    ]);
    renderUi(<AuditPage />);
    const allowed = await screen.findByRole("row", { name: /PUT/ });
    expect(allowed).toHaveTextContent("mira");
    expect(allowed).toHaveTextContent("10.0.0.7");
    expect(allowed).toHaveTextContent("shop, id=01J");
    expect(within(allowed).getByText("Yes")).toBeVisible();
    const refused = screen.getByRole("row", { name: /tom/ });
    expect(within(refused).getByText("No")).toBeVisible();
    expect(refused).toHaveTextContent("EXECUTE on the application 'shop'");
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });

  it("reads on without losing events of the same millisecond, to the end", async () => {
    const user = userEvent.setup();
    const all = Array.from({ length: AUDIT_PAGE + 2 }, (_, index) =>
      // The last of the first answer and the first of the second share a time.
      anEvent({ request: `r${index}`, time: 5_000 - Math.ceil(index / 2), target: `id=${index}` }),
    );
    const audit = vi
      .spyOn(gate, "audit")
      .mockImplementation((_, { to, limit }) =>
        Promise.resolve(all.filter(({ time }) => time < (to ?? Infinity)).slice(0, limit)),
      );
    renderUi(<AuditPage />);
    await user.click(await screen.findByRole("button", { name: "Show more" }));
    expect(await screen.findByText(`shop, id=${AUDIT_PAGE + 1}`)).toBeVisible();
    expect(screen.getAllByRole("row")).toHaveLength(all.length + 1);
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
    expect(audit).toHaveBeenCalledTimes(2);
  });

  it("keeps what is shown when more cannot be read", async () => {
    const user = userEvent.setup();
    const full = Array.from({ length: AUDIT_PAGE }, (_, index) =>
      anEvent({ request: `r${index}`, time: 5_000 - index }),
    );
    vi.spyOn(gate, "audit")
      .mockResolvedValueOnce(full)
      .mockRejectedValue(new ApiError(503, "The bucket does not answer."));
    renderUi(<AuditPage />);
    await user.click(await screen.findByRole("button", { name: "Show more" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("The bucket does not answer.");
    expect(screen.getAllByRole("row")).toHaveLength(AUDIT_PAGE + 1);
    expect(screen.getByRole("button", { name: "Show more" })).toBeVisible();
  });

  it("filters, and offers to clear the filters", async () => {
    const user = userEvent.setup();
    const audit = vi
      .spyOn(gate, "audit")
      .mockImplementation(({ denied }) => Promise.resolve(denied ? [] : [anEvent()]));
    renderUi(<AuditPage />);
    await screen.findByRole("row", { name: /PUT/ });
    await user.type(screen.getByRole("textbox", { name: "Filter by user" }), "tom");
    await user.type(screen.getByRole("textbox", { name: "Filter by application" }), "shop");
    await user.click(screen.getByRole("checkbox", { name: "Refused only" }));
    await waitFor(() =>
      expect(audit).toHaveBeenCalledWith(
        { user: "tom", application: "shop", denied: true },
        { to: undefined, limit: AUDIT_PAGE },
        expect.anything(),
      ),
    );
    expect(await screen.findByRole("heading", { name: "No event matches" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Clear filters" }));
    expect(await screen.findByRole("row", { name: /PUT/ })).toBeVisible();
  });

  it("is for administrators", async () => {
    const audit = vi.spyOn(gate, "audit").mockResolvedValue([]);
    vi.spyOn(gate, "user").mockResolvedValue({ username: "tom", isAdmin: false });
    renderUi(<AuditPage />);
    expect(
      await screen.findByRole("heading", { name: "The audit log is for administrators" }),
    ).toBeVisible();
    expect(audit).not.toHaveBeenCalled();
  });
});
