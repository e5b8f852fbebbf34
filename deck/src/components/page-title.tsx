import { useEffect } from "react";

/** Sets the title of the browser's tab, most particular part first. */
export function usePageTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter(Boolean), "Gennaker"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
