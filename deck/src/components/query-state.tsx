import {} from "@mantine/core";
import { IconCloudOff } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { errorWords } from "@/api/errors";
import { ErrorState, LoadingRows } from "@/ui/states";
import { Notice } from "@/ui/notice";

interface QueryStateProps<T> {
  query: UseQueryResult<T>;
  /** In place of the default grey bars. */
  loading?: ReactNode;
  /** In place of the default error, for errors the page has better words for. */
  onError?: (error: Error) => ReactNode;
  children: (data: T) => ReactNode;
}

/** Loading, failed, or the data; data that could no longer be renewed stays, with a note above it. */
export function QueryState<T>({ query, loading, onError, children }: QueryStateProps<T>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <StaleNote error={query.error} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) {
    const own = onError?.(query.error);
    if (own) return own;
    const words = errorWords(query.error);
    return (
      <ErrorState
        title={words.title}
        message={words.message}
        onRetry={() => void query.refetch()}
      />
    );
  }
  return loading ?? <LoadingRows />;
}

function StaleNote({ error }: { error: Error }) {
  return (
    <Notice tone="warning" icon={<IconCloudOff size={16} />} role="status">
      Not up to date: {errorWords(error).message}
    </Notice>
  );
}
