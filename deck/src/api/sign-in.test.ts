import { expect, test } from "vitest";
import { configureClient } from "./client";
import { DEFAULT_SETTINGS } from "./settings";
import { maySignIn, signInUrl, signInWorked, signOutUrl } from "./sign-in";

test("a sign-in comes back to the page, whatever is in its address", () => {
  configureClient({ ...DEFAULT_SETTINGS, gateUrl: "/gate" });
  expect(signInUrl("http://deck.example:9000/applications?q=a b&c")).toBe(
    "/gate/auth/redirect?to=http%3A%2F%2Fdeck.example%3A9000%2Fapplications%3Fq%3Da+b%26c",
  );
  expect(signOutUrl()).toBe("/gate/auth/logout");
});

test("a sign-in that does not work is not begun for ever", () => {
  window.sessionStorage.clear();
  expect(maySignIn(window.sessionStorage, 100_000)).toBe(true);
  expect(maySignIn(window.sessionStorage, 101_000)).toBe(false);
  expect(maySignIn(window.sessionStorage, 200_000)).toBe(true);
  signInWorked();
  expect(maySignIn(window.sessionStorage, 201_000)).toBe(true);
});
