import { setupWorker } from "msw/browser";
import { Db } from "./db";
import { Engine } from "./engine";
import { accountHandlers } from "./handlers/account";
import { applicationHandlers } from "./handlers/applications";
import { executionHandlers } from "./handlers/executions";
import { pipelineHandlers } from "./handlers/pipelines";
import { systemHandlers } from "./handlers/system";
import { seed } from "./seed";

/** Serves the whole API from this page's memory. */
export async function startMockApi(): Promise<void> {
  const db = new Db();
  const engine = new Engine(db);
  seed(db);
  const worker = setupWorker(
    ...systemHandlers(db),
    ...accountHandlers(db),
    ...applicationHandlers(db),
    ...pipelineHandlers(db, engine),
    ...executionHandlers(db, engine),
  );
  await worker.start({ onUnhandledRequest: "bypass", quiet: true });
  engine.run();
}
