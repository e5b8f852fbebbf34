import { useCallback } from "react";
import { useSearchParams } from "react-router";

/**
 * The parameters of the page's address, and a way to change some of them: an empty value takes
 * one out. A change is no step of the browser's history.
 */
export function useParameters(): [URLSearchParams, (changes: Record<string, string>) => void] {
  const [parameters, setParameters] = useSearchParams();
  const change = useCallback(
    (changes: Record<string, string>) =>
      setParameters(
        (previous) => {
          const next = new URLSearchParams(previous);
          for (const [key, value] of Object.entries(changes)) {
            if (value) next.set(key, value);
            else next.delete(key);
          }
          return next;
        },
        { replace: true },
      ),
    [setParameters],
  );
  return [parameters, change];
}
