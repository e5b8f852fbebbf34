import { useRouteError } from "react-router";
import { errorWords } from "@/api/errors";
import { ErrorState } from "@/ui/states";

/** A fault of the UI itself, or a part of it that could not be loaded after an upgrade. */
export function RouteErrorPage() {
  const error = useRouteError();
  const stale = error instanceof Error && /import|module|chunk/i.test(error.message);
  return (
    <main>
      <ErrorState
        title={stale ? "This page could not be loaded" : "This page has failed"}
        message={
          stale
            ? "Gennaker may have been upgraded since this tab was opened, or the server is away."
            : errorWords(error).message
        }
        onRetry={() => window.location.reload()}
      />
    </main>
  );
}
