import { http, HttpResponse, type HttpHandler } from "msw";
import type { ApiToken, NewApiToken, TokenRequest } from "@/api/types";
import { nothing, refuse } from "../answers";
import type { Db } from "../db";
import { currentScenario } from "../scenarios";

/** Who signed in, API tokens and the audit log. */
export function accountHandlers(db: Db): HttpHandler[] {
  const minters = () => currentScenario() === "admin";
  const noTokens = () =>
    refuse(403, "Access is denied: API tokens are made by members of developers.");
  return [
    http.get("/gate/auth/user", () => HttpResponse.json(minters() ? db.admin : db.user)),

    http.get("/gate/auth/apiTokens", () => (minters() ? HttpResponse.json(db.tokens) : noTokens())),

    http.post("/gate/auth/apiTokens", async ({ request }) => {
      if (!minters()) return noTokens();
      const asked = (await request.json()) as TokenRequest;
      if (db.tokens.some((token) => token.name === asked.name)) {
        return refuse(409, `There is a token '${asked.name}' already.`);
      }
      const token: ApiToken = {
        id: crypto.randomUUID(),
        name: asked.name,
        principalType: asked.principalType,
        principalId: asked.principalId ?? db.admin.username ?? "",
        scopes: asked.scopes,
        createdByUserId: db.admin.username ?? "",
        createdAt: new Date().toISOString(),
        expiresAt: asked.expiresAt ?? new Date(Date.now() + 90 * 86_400_000).toISOString(),
      };
      db.tokens.push(token);
      const answer: NewApiToken = { ...token, token: `spk_${token.id}` };
      return HttpResponse.json(answer, { status: 201 });
    }),

    http.delete<{ id: string }>("/gate/auth/apiTokens/:id", ({ params }) => {
      if (!db.tokens.some((token) => token.id === params.id)) {
        return refuse(404, `There is no API token ${params.id}.`);
      }
      db.tokens = db.tokens.filter((token) => token.id !== params.id);
      return nothing();
    }),

    http.get("/gate/audit", ({ request }) => {
      if (!minters()) {
        return refuse(403, "Access is denied: the user 'anonymous' is no administrator.");
      }
      const query = new URL(request.url).searchParams;
      const user = query.get("user")?.toLowerCase();
      const application = query.get("application")?.toLowerCase();
      const to = Number(query.get("to") ?? Infinity);
      return HttpResponse.json(
        db.audit
          .filter(
            (event) =>
              event.time < to &&
              (!user || event.user.toLowerCase() === user) &&
              (!application || event.applications?.includes(application)) &&
              (query.get("denied") !== "true" || !event.allowed),
          )
          .slice(0, Number(query.get("limit") ?? 100)),
      );
    }),
  ];
}
