import { gateUrl } from "./client";

/** Where a browser signs in and comes back to a page of Deck. */
export function signInUrl(page: string = window.location.href): string {
  return gateUrl("/auth/redirect", { to: page });
}

/** Where a browser ends its session, here and at a provider. */
export function signOutUrl(): string {
  return gateUrl("/auth/logout");
}

const TRIED_KEY = "gennaker.signInTried";
/** A sign-in that ends here again within this time did not work, and is not begun by itself once more. */
const AGAIN_MS = 15_000;

/** Reports whether to send the browser to sign in by itself, and remembers that it was. */
export function maySignIn(storage: Storage = window.sessionStorage, now = Date.now()): boolean {
  const tried = Number(storage.getItem(TRIED_KEY));
  if (tried > 0 && now - tried < AGAIN_MS) return false;
  storage.setItem(TRIED_KEY, String(now));
  return true;
}

/** Remembers that signing in works here: after a sign-out it is begun by itself again. */
export function signInWorked(storage: Storage = window.sessionStorage): void {
  storage.removeItem(TRIED_KEY);
}
