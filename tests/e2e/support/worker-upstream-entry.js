// An upstream as many are deployed: one Worker that is authorization server and MCP server at once, on @cloudflare/workers-oauth-provider
// and the stock SDK. It signs everybody in as the account that the proxy in front of it names.
//
// Not here: how it is started and watched (worker-upstream.mjs).

import { AuthorizationError, OAuthProvider } from "@cloudflare/workers-oauth-provider";
import { McpServer, createMcpHandler } from "@modelcontextprotocol/server";

let provider;
let tokens = 0;

export default {
  fetch(request, env, context) {
    provider ??= build(env);
    return provider.fetch(request, env, context);
  },
};

function build({ ORIGIN, OPTIONS }) {
  const { registration = true, refreshTokens = true, accessTtl = 3600, requiredScopes = ["read"] } = OPTIONS;
  return new OAuthProvider({
    apiRoute: "/mcp",
    apiHandler: { fetch: serveMcp },
    defaultHandler: { fetch: serveRest },
    authorizeEndpoint: "/authorize",
    tokenEndpoint: "/token",
    clientRegistrationEndpoint: registration ? "/register" : undefined,
    accessTokenTTL: accessTtl,
    ...(refreshTokens ? {} : { refreshTokenTTL: 0 }),
    scopesSupported: ["read", "write", "offline_access"],
    requiredScopes,
    resourceMetadata: { resource: `${ORIGIN}/mcp`, authorization_servers: [ORIGIN] },
  });
}

/** Behind the bearer check. Its legacy half keeps no sessions, as a Worker without storage would. */
function serveMcp(request, _env, context) {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "worker-upstream", version: "1" }, { capabilities: { tools: {} } });
    const tool = (name, answer) => server.registerTool(name, { description: name }, () => ({ content: [{ type: "text", text: answer() }] }));
    tool("who_am_i", () => context.props.account);
    tool("test_simple_text", () => "This is a simple text response for testing.");
    return server;
  });
  return handler.fetch(request);
}

async function serveRest(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  const oauth = env.OAUTH_PROVIDER;
  switch (pathname) {
    case "/authorize":
      return authorize(request, oauth);
    case "/__clients": {
      const client = await oauth.createClient(await request.json());
      return Response.json(client);
    }
    case "/__expire":
      return Response.json(await remove(env.OAUTH_KV, "token:"));
    case "/__forget-clients":
      return Response.json(await remove(env.OAUTH_KV, "client:"));
    case "/__revoke": {
      const account = searchParams.get("account");
      const { items } = await oauth.listUserGrants(account);
      for (const { id } of items) await oauth.revokeGrant(id, account);
      return Response.json(items.length);
    }
    default:
      return new Response("not found", { status: 404 });
  }
}

async function authorize(request, oauth) {
  try {
    const asked = await oauth.parseAuthRequest(request);
    const account = request.headers.get("x-account");
    const { redirectTo } = await oauth.completeAuthorization({
      request: asked,
      userId: account,
      metadata: {},
      scope: asked.scope,
      props: { account, number: (tokens += 1) },
      revokeExistingGrants: false,
    });
    return Response.redirect(redirectTo, 302);
  } catch (error) {
    if (error instanceof AuthorizationError && error.redirectTo) return Response.redirect(error.redirectTo, 302);
    return new Response(String(error), { status: 400 });
  }
}

async function remove(kv, prefix) {
  const { keys } = await kv.list({ prefix });
  for (const { name } of keys) await kv.delete(name);
  return keys.length;
}
