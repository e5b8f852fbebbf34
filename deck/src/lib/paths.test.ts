import { expect, it } from "vitest";
import { paths, temporalWorkflowUrl } from "./paths";

it("builds every address", () => {
  expect({
    applications: paths.applications(),
    newApplication: paths.newApplication(),
    application: paths.application("shop"),
    executions: paths.executions("shop"),
    filtered: paths.executions("shop", { pipeline: "Release & go", status: ["RUNNING", "PAUSED"] }),
    execution: paths.execution("shop", "01J"),
    stage: paths.execution("shop", "01J", "1<2"),
    pipelines: paths.pipelines("shop"),
    newPipeline: paths.newPipeline("shop"),
    pipeline: paths.pipeline("shop", "50% / half"),
    tasks: paths.tasks("a/b"),
    config: paths.config("shop"),
    temporal: temporalWorkflowUrl("http://127.0.0.1:8233/", "default", "01J"),
  }).toMatchInlineSnapshot(`
    {
      "application": "/applications/shop",
      "applications": "/applications",
      "config": "/applications/shop/config",
      "execution": "/applications/shop/executions/01J",
      "executions": "/applications/shop/executions",
      "filtered": "/applications/shop/executions?pipeline=Release+%26+go&status=RUNNING%2CPAUSED",
      "newApplication": "/applications?create=1",
      "newPipeline": "/applications/shop/pipelines/-/new",
      "pipeline": "/applications/shop/pipelines/50%25%20%2F%20half",
      "pipelines": "/applications/shop/pipelines",
      "stage": "/applications/shop/executions/01J?stage=1%3C2",
      "tasks": "/applications/a%2Fb/tasks",
      "temporal": "http://127.0.0.1:8233/namespaces/default/workflows/01J",
    }
  `);
});
