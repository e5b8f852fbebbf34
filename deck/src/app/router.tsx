import { createBrowserRouter, Navigate, useParams } from "react-router";
import { paths } from "@/lib/paths";
import { ApplicationLayout } from "./layouts/application-layout";
import { RootLayout } from "./layouts/root-layout";
import { LoadingRows } from "@/ui/states";
import { NotFoundPage } from "./not-found-page";
import { RouteErrorPage } from "./route-error-page";

/** Pages are loaded when they are first shown; the frame around them is always there. */
export const routes = [
  {
    path: "/",
    element: <RootLayout />,
    errorElement: <RouteErrorPage />,
    HydrateFallback: LoadingRows,
    children: [
      { index: true, element: <Navigate to={paths.applications()} replace /> },
      {
        path: "applications",
        lazy: async () => {
          const { ApplicationsPage } =
            await import("@/features/applications/pages/applications-page");
          return { Component: ApplicationsPage };
        },
      },
      {
        path: "applications/:application",
        element: <ApplicationLayout />,
        children: [
          { index: true, element: <ToExecutions /> },
          {
            path: "executions",
            lazy: async () => {
              const { ExecutionsPage } =
                await import("@/features/executions/pages/executions-page");
              return { Component: ExecutionsPage };
            },
          },
          {
            path: "executions/:execution",
            lazy: async () => {
              const { ExecutionPage } = await import("@/features/executions/pages/execution-page");
              return { Component: ExecutionPage };
            },
          },
          {
            path: "pipelines",
            lazy: async () => {
              const { PipelinesPage } = await import("@/features/pipelines/pages/pipelines-page");
              return { Component: PipelinesPage };
            },
          },
          {
            path: "pipelines/-/new",
            lazy: async () => {
              const { NewPipelinePage } =
                await import("@/features/pipelines/pages/new-pipeline-page");
              return { Component: NewPipelinePage };
            },
          },
          {
            path: "pipelines/:pipeline",
            lazy: async () => {
              const { PipelinePage } = await import("@/features/pipelines/pages/pipeline-page");
              return { Component: PipelinePage };
            },
          },
          {
            path: "tasks",
            lazy: async () => {
              const { TasksPage } = await import("@/features/tasks/pages/tasks-page");
              return { Component: TasksPage };
            },
          },
          {
            path: "config",
            lazy: async () => {
              const { ConfigPage } = await import("@/features/applications/pages/config-page");
              return { Component: ConfigPage };
            },
          },
          { path: "*", element: <NotFoundPage /> },
        ],
      },
      {
        path: "api-tokens",
        lazy: async () => {
          const { TokensPage } = await import("@/features/tokens/pages/tokens-page");
          return { Component: TokensPage };
        },
      },
      {
        path: "audit",
        lazy: async () => {
          const { AuditPage } = await import("@/features/audit/pages/audit-page");
          return { Component: AuditPage };
        },
      },
      { path: "*", element: <NotFoundPage /> },
    ],
  },
];

export function createRouter() {
  return createBrowserRouter(routes);
}

function ToExecutions() {
  const { application = "" } = useParams();
  return <Navigate to={paths.executions(application)} replace />;
}
