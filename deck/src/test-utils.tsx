import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";
import type { Execution, Stage, StageTask } from "@/api/types";
import { theme } from "@/app/theme";

/** A cache that gives up at once, so that a test sees an error without waiting for retries. */
export function testClient(): QueryClient {
  return new QueryClient({
    defaultOptions: { queries: { retry: false }, mutations: { retry: false } },
  });
}

export interface RenderOptions {
  client?: QueryClient;
  /** Address of the page. */
  at?: string;
}

/** Renders inside all that a component may rely on; links lead to a page that shows its address. */
export function renderUi(
  ui: ReactNode,
  { client = testClient(), at = "/here" }: RenderOptions = {},
) {
  const router = createMemoryRouter(
    [
      { path: "/here", element: ui },
      { path: "*", element: <p>elsewhere</p> },
    ],
    { initialEntries: [at] },
  );
  const result = render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...result, client, router };
}

export function aTask(changes: Partial<StageTask> = {}): StageTask {
  return { id: "1", name: "deployManifest", status: "SUCCEEDED", ...changes };
}

export function aStage(changes: Partial<Stage> = {}): Stage {
  return {
    id: `stage-${changes.refId ?? "1"}`,
    refId: "1",
    type: "deployManifest",
    name: "Deploy",
    status: "NOT_STARTED",
    context: {},
    outputs: {},
    tasks: [],
    requisiteStageRefIds: [],
    ...changes,
  };
}

export function anExecution(changes: Partial<Execution> = {}): Execution {
  return {
    type: "PIPELINE",
    id: "01JEXECUTION",
    application: "shop",
    name: "Release",
    pipelineConfigId: "release-id",
    status: "RUNNING",
    buildTime: 1_000,
    startTime: 1_000,
    trigger: { type: "manual", user: "mira", parameters: {} },
    stages: [],
    ...changes,
  };
}
