import { http, HttpResponse, type HttpHandler } from "msw";
import type { Db } from "../db";

export function systemHandlers(db: Db): HttpHandler[] {
  return [
    http.get("/settings.json", () =>
      HttpResponse.json({
        gateUrl: "/gate",
        temporalUiUrl: "http://127.0.0.1:8233",
        temporalNamespace: "default",
      }),
    ),
    http.get("/gate/credentials", () => HttpResponse.json(db.accounts)),
    http.get("/gate/version", () => HttpResponse.json({ version: "0.1.0-mock" })),
  ];
}
