import { useSyncExternalStore } from "react";

/** One clock for the whole page: everything that counts seconds turns over at the same moment. */
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function onVisibility(): void {
  if (!document.hidden) tick();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    now = Date.now();
    timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", onVisibility);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", onVisibility);
    }
  };
}

/** The current time in milliseconds, renewed every second while `running`. */
export function useNow(running = true): number {
  return useSyncExternalStore(running ? subscribe : neverChanges, () =>
    // A component that mounts between two ticks must not see a time before its own data.
    listeners.size === 0 ? (now = floorSecond(Date.now())) : now,
  );
}

function neverChanges(): () => void {
  return () => undefined;
}

function floorSecond(time: number): number {
  return Math.floor(time / 1000) * 1000;
}
