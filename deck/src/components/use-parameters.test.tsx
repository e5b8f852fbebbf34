import { act, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router";
import { expect, it } from "vitest";
import { useParameters } from "./use-parameters";

it("changes what is named, takes out what is empty and leaves the rest", () => {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <MemoryRouter initialEntries={["/applications?q=shop&status=RUNNING"]}>{children}</MemoryRouter>
  );
  const { result } = renderHook(() => useParameters(), { wrapper });
  act(() => result.current[1]({ q: "", limit: "5" }));
  expect(result.current[0].toString()).toBe("status=RUNNING&limit=5");
});
