// What a user would build instead: Cloudflare's own OAuth library with its KV, its bearer check and its consent helpers, and a proxy behind.
// Written after its README. It parses no message, which the gateway does.
import { OAuthProvider } from "@cloudflare/workers-oauth-provider";

interface Env {
  UPSTREAM: string;
  OAUTH_PROVIDER: import("@cloudflare/workers-oauth-provider").OAuthHelpers;
}

const origin = "http://localhost:8787";

const proxy = {
  fetch(request: Request, env: Env): Promise<Response> {
    const headers = new Headers(request.headers);
    headers.delete("authorization"); // the client's token is not the upstream's
    return fetch(env.UPSTREAM, { method: request.method, headers, body: request.body });
  },
};

const authorize = {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (new URL(request.url).pathname !== "/oauth/authorize") return new Response(null, { status: 404 });
    const oauth = env.OAUTH_PROVIDER;
    if (request.method === "GET") {
      const consent = await oauth.beginConsent(await oauth.parseAuthRequest(request));
      consent.headers.set("content-type", "text/html; charset=utf-8");
      const page = `<form method="post"><input type="hidden" name="handle" value="${consent.handle}"><button name="decision" value="approve">Allow</button></form>`;
      return new Response(page, { headers: consent.headers });
    }
    const form = await request.formData();
    const approved = await oauth.approveConsent(request, String(form.get("handle")));
    const { redirectTo } = await oauth.completeAuthorization({
      request: approved.request,
      userId: "alice",
      metadata: {},
      scope: approved.request.scope,
      props: { userId: "alice" },
    });
    approved.headers.set("location", redirectTo);
    return new Response(null, { status: 302, headers: approved.headers });
  },
};

export default new OAuthProvider<Env>({
  apiRoute: "/v1/mcp/bench",
  apiHandler: proxy,
  defaultHandler: authorize,
  authorizeEndpoint: "/oauth/authorize",
  tokenEndpoint: "/oauth/token",
  clientRegistrationEndpoint: "/oauth/register",
  scopesSupported: ["mcp:tools", "offline_access"],
  resourceMetadata: { resource: `${origin}/v1/mcp/bench`, authorization_servers: [origin] },
  requiredScopes: ["mcp:tools"],
});
