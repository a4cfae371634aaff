// Upstreams as the TypeScript SDKs' documents say to build them: SDK 1.x with its own authorization server (`mcpAuthRouter`) and as a proxy of
// another one (`ProxyOAuthServerProvider`), SDK 2.x for Express, which leaves tokens to an authorization server beside it.
//
// Not here: a server in a Worker (worker-upstream.mjs), servers in Python (python-upstreams.mjs).

import { randomUUID } from "node:crypto";
import http from "node:http";

import * as express2 from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { DemoInMemoryAuthProvider } from "@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js";
import { InvalidGrantError, InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { ProxyOAuthServerProvider } from "@modelcontextprotocol/sdk/server/auth/providers/proxyProvider.js";
import { getOAuthProtectedResourceMetadataUrl, mcpAuthRouter } from "@modelcontextprotocol/sdk/server/auth/router.js";
import * as sdk1 from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { McpServer, OAuthError, OAuthErrorCode, createMcpHandler } from "@modelcontextprotocol/server";
import express from "express";

import { startBendingProxy } from "./bending-proxy.mjs";
import { listen } from "./listen.mjs";

/** SDK 1.x on its own example's provider, which issues no refresh tokens; or with them and revocation, as its interface has them. */
export const startSdk1 = ({ refreshTokens }) =>
  startApp((app, url) => {
    const provider = refreshTokens ? new RefreshingProvider() : new DemoProvider();
    app.use(mcpAuthRouter({ provider, issuerUrl: new URL(url.origin), resourceServerUrl: url, scopesSupported: ["mcp:tools"] }));
    serveSdk1(app, url, provider);
    return { expireAccessTokens: () => provider.tokens.clear() };
  });

/** SDK 1.x in front of `server`, whose tokens its clients get. */
export const startSdk1Proxy = (server) =>
  startApp((app, url) => {
    const clients = new Map();
    const provider = new (class extends ProxyOAuthServerProvider {
      get clientsStore() {
        const { getClient, registerClient } = super.clientsStore;
        const keep = (client) => (clients.set(client.client_id, client), client);
        return { getClient, registerClient: async (client) => keep(await registerClient(client)) };
      }
    })({
      endpoints: {
        authorizationUrl: `${server.issuer}/authorize`,
        tokenUrl: `${server.issuer}/token`,
        revocationUrl: `${server.issuer}/revoke`,
        registrationUrl: `${server.issuer}/register`,
      },
      getClient: async (id) => clients.get(id),
      verifyAccessToken: (token) => verified(server, token, (message) => new InvalidTokenError(message)),
    });
    server.serves(url.href);
    app.use(mcpAuthRouter({ provider, issuerUrl: new URL(url.origin), resourceServerUrl: url, scopesSupported: ["read"] }));
    serveSdk1(app, url, provider);
    return { expireAccessTokens: server.expireAccessTokens };
  });

/** SDK 2.x with its parts for Express, and `server` to issue tokens. */
export const startSdk2 = (server) =>
  startApp(async (app, url) => {
    server.serves(url.href);
    const oauthMetadata = await (await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).json();
    app.use(express2.mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: url, scopesSupported: ["read"] }));
    const verifier = { verifyAccessToken: (token) => verified(server, token, (message) => new OAuthError(OAuthErrorCode.InvalidToken, message)) };
    const options = { verifier, requiredScopes: ["read"], resourceMetadataUrl: express2.getOAuthProtectedResourceMetadataUrl(url) };
    const handler = createMcpHandler(() => withTool(new McpServer({ name: "on SDK 2", version: "1" })));
    app.all(url.pathname, express2.requireBearerAuth(options), toNodeHandler(handler));
    return { expireAccessTokens: server.expireAccessTokens };
  });

/** An Express application behind a proxy that remembers what was asked. `build` is given the address of its endpoint. */
async function startApp(build) {
  const front = await startBendingProxy();
  const url = new URL("/mcp", front.origin);
  const app = express();
  app.set("trust proxy", 1);
  const built = await build(app, url);
  const inner = await listen(http.createServer(app));
  front.passTo(inner.port);
  return {
    ...built,
    origin: front.origin,
    url: url.href,
    asked: (path, fits = () => true) => front.exchanges.filter((exchange) => exchange.path === path && exchange.method === "POST" && fits(exchange)),
    stop: () => Promise.all([front.stop(), inner.stop()]),
  };
}

/** Without sessions, as its documents have it: a server for each request. */
function serveSdk1(app, url, verifier) {
  const bearer = requireBearerAuth({ verifier, resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(url) });
  app.post(url.pathname, bearer, express.json(), async (request, response) => {
    const server = withTool(new sdk1.McpServer({ name: "on SDK 1", version: "1" }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    response.on("close", () => (transport.close(), server.close()));
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
}

function withTool(server) {
  server.registerTool("who_am_i", { description: "Says who was asked" }, () => ({ content: [{ type: "text", text: "a server on an SDK" }] }));
  return server;
}

async function verified(server, token, error) {
  const found = await server.introspect(token);
  if (!found) throw error("This token is not known here");
  return { token, clientId: found.clientId, scopes: found.scopes, expiresAt: found.expiresAt };
}

/** The example's, with the error that the SDK answers 401 to; the example's own is a 500. */
class DemoProvider extends DemoInMemoryAuthProvider {
  verifyAccessToken(token) {
    return super.verifyAccessToken(token).catch(({ message }) => Promise.reject(new InvalidTokenError(message)));
  }
}

class RefreshingProvider extends DemoProvider {
  #refreshTokens = new Map();

  async exchangeAuthorizationCode(client, code) {
    return this.#with(client, await super.exchangeAuthorizationCode(client, code));
  }

  async exchangeRefreshToken(client, token) {
    if (this.#refreshTokens.get(token) !== client.client_id) throw new InvalidGrantError("This refresh token is not known here");
    this.#refreshTokens.delete(token);
    const access = { token: randomUUID(), clientId: client.client_id, scopes: [], expiresAt: Date.now() + 3_600_000 };
    this.tokens.set(access.token, access);
    return this.#with(client, { access_token: access.token, token_type: "bearer", expires_in: 3600 });
  }

  async revokeToken(_client, { token }) {
    this.tokens.delete(token);
    this.#refreshTokens.delete(token);
  }

  #with(client, tokens) {
    const token = randomUUID();
    this.#refreshTokens.set(token, client.client_id);
    return { ...tokens, refresh_token: token };
  }
}
