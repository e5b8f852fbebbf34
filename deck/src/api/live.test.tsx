import { act, screen } from "@testing-library/react";
import { useQuery } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { anExecution, aStage, renderUi, testClient } from "@/test-utils";
import { FakeEventSource } from "./fake-event-source";
import { gate } from "./gate";
import {
  LAST_LOOK_MS,
  removeFromLists,
  useLiveApplication,
  useLiveExecution,
  writeToLists,
} from "./live";
import { keys, queries } from "./queries";
import type { Execution } from "./types";

beforeEach(() => {
  FakeEventSource.all = [];
  vi.stubGlobal("EventSource", FakeEventSource);
});
afterEach(() => vi.unstubAllGlobals());

function One({ id, enabled = true }: { id: string; enabled?: boolean }) {
  const query = useQuery(queries.execution(id));
  const state = useLiveExecution(id, { enabled });
  return (
    <p>
      {state}: {query.data?.status}
    </p>
  );
}

it("shows what the stream says, without another read", async () => {
  const read = vi
    .spyOn(gate, "execution")
    .mockResolvedValue(anExecution({ id: "a", status: "RUNNING" }));
  renderUi(<One id="a" />);
  expect(await screen.findByText("connecting: RUNNING")).toBeVisible();
  expect(FakeEventSource.last.url).toBe("/gate/executions/a/events");
  await act(async () => {
    FakeEventSource.last.open();
    await Promise.resolve();
  });
  const reads = read.mock.calls.length;
  act(() => FakeEventSource.last.send("execution", anExecution({ id: "a", status: "SUCCEEDED" })));
  expect(await screen.findByText("live: SUCCEEDED")).toBeVisible();
  expect(read).toHaveBeenCalledTimes(reads);
});

it("ignores what belongs to another execution or is none", async () => {
  vi.spyOn(gate, "execution").mockResolvedValue(anExecution({ id: "a", status: "RUNNING" }));
  renderUi(<One id="a" />);
  await screen.findByText("connecting: RUNNING");
  act(() => {
    FakeEventSource.last.send("execution", anExecution({ id: "b", status: "TERMINAL" }));
    FakeEventSource.last.send("execution", { id: "a" });
  });
  expect(screen.getByText("connecting: RUNNING")).toBeVisible();
});

it("does not let a slow read undo a newer event", async () => {
  let answer: (execution: Execution) => void = () => undefined;
  vi.spyOn(gate, "execution").mockReturnValue(
    new Promise<Execution>((resolve) => {
      answer = resolve;
    }),
  );
  renderUi(<One id="a" />);
  act(() => FakeEventSource.last.send("execution", anExecution({ id: "a", status: "SUCCEEDED" })));
  await screen.findByText("connecting: SUCCEEDED");
  await act(async () => {
    answer(anExecution({ id: "a", status: "RUNNING" }));
    await Promise.resolve();
  });
  expect(screen.getByText("connecting: SUCCEEDED")).toBeVisible();
});

it("has no stream for what has ended, and closes it when the page is left", async () => {
  vi.spyOn(gate, "execution").mockResolvedValue(anExecution({ id: "a", status: "SUCCEEDED" }));
  renderUi(<One id="a" enabled={false} />);
  await screen.findByText(/SUCCEEDED/);
  expect(FakeEventSource.all).toHaveLength(0);
  const { unmount } = renderUi(<One id="b" />);
  unmount();
  expect(FakeEventSource.last.closed).toBe(true);
});

function Ending({ id }: { id: string }) {
  const query = useQuery(queries.execution(id));
  useLiveExecution(id, { enabled: query.data?.status !== "CANCELED" });
  return <p>{query.data?.stages.map((stage) => stage.status).join(" ")}</p>;
}

it("looks once more after the end", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const stage = aStage({ status: "RUNNING" });
  const read = vi
    .spyOn(gate, "execution")
    .mockResolvedValue(anExecution({ id: "a", stages: [stage] }));
  renderUi(<Ending id="a" />);
  await screen.findByText("RUNNING");
  const ended = anExecution({ id: "a", status: "CANCELED", stages: [stage] });
  act(() => FakeEventSource.last.send("execution", ended));
  await vi.waitFor(() => expect(FakeEventSource.last.closed).toBe(true));
  read.mockResolvedValue({ ...ended, stages: [{ ...stage, status: "CANCELED" }] });
  await act(() => vi.advanceTimersByTimeAsync(LAST_LOOK_MS));
  expect(await screen.findByText("CANCELED")).toBeVisible();
  vi.useRealTimers();
});

function List() {
  const query = useQuery(queries.executionList("shop", { limit: 5 }));
  useLiveApplication("shop");
  return <p>{query.data?.map((execution) => `${execution.id}:${execution.status}`).join(" ")}</p>;
}

it("keeps the lists of an application", async () => {
  vi.spyOn(gate, "executions").mockResolvedValue([anExecution({ id: "a", status: "RUNNING" })]);
  renderUi(<List />);
  await screen.findByText("a:RUNNING");
  expect(FakeEventSource.last.url).toBe("/gate/applications/shop/events");
  act(() => FakeEventSource.last.send("execution", anExecution({ id: "b", status: "RUNNING" })));
  await screen.findByText("a:RUNNING b:RUNNING");
  act(() => FakeEventSource.last.send("execution", anExecution({ id: "a", status: "SUCCEEDED" })));
  await screen.findByText("b:RUNNING a:SUCCEEDED");
  act(() => FakeEventSource.last.send("deleted", { id: "b" }));
  await screen.findByText("a:SUCCEEDED");
});

it("reads the tasks again for an execution that is a task", async () => {
  vi.spyOn(gate, "executions").mockResolvedValue([]);
  const { client } = renderUi(<List />);
  const invalidate = vi.spyOn(client, "invalidateQueries");
  act(() => FakeEventSource.last.send("execution", anExecution({ type: "ORCHESTRATION" })));
  expect(invalidate).toHaveBeenCalledWith({ queryKey: keys.tasks("shop") });
  await screen.findByText("", { selector: "p" });
});

it("moves an execution in and out of filtered lists", () => {
  const client = testClient();
  const key = keys.executionList("shop", { limit: 5, statuses: ["RUNNING"] });
  const ids = () => client.getQueryData<Execution[]>(key)?.map((execution) => execution.id);
  client.setQueryData(key, []);
  writeToLists(client, "shop", anExecution({ id: "a", status: "RUNNING" }));
  expect(ids()).toEqual(["a"]);
  writeToLists(client, "shop", anExecution({ id: "a", status: "SUCCEEDED" }));
  expect(ids()).toEqual([]);
  writeToLists(client, "shop", anExecution({ id: "b", status: "RUNNING" }));
  removeFromLists(client, "shop", "b");
  expect(ids()).toEqual([]);
});
