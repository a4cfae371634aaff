// An upstream in a Worker under workerd that is authorization server and MCP server at one origin, behind a proxy that tests can bend.
//
// Not here: what the Worker does (worker-upstream-entry.js), an upstream with an authorization server of its own (connected-upstream.mjs).

import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

import { startBendingProxy } from "./bending-proxy.mjs";
import { request } from "./http.mjs";

const ENTRY = fileURLToPath(new URL("worker-upstream-entry.js", import.meta.url));

/** Starts one. `options`: registration, refreshTokens, accessTtl, requiredScopes. It stands for its own authorization server. */
export async function startWorkerUpstream(options = {}) {
  const settings = { account: "alice" };
  const front = await startBendingProxy({ rewrite: (headers) => ({ ...headers, "x-account": settings.account }) });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: () => {},
      workers: [
        {
          name: "upstream",
          modules: [{ type: "ESModule", path: "entry.js", contents: await bundled() }],
          compatibilityDate: "2025-11-01",
          compatibilityFlags: ["nodejs_compat"],
          bindings: { ORIGIN: front.origin, OPTIONS: options },
          kvNamespaces: ["OAUTH_KV"],
          unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        },
      ],
    }),
  );
  await miniflare.ready;
  const { port } = await miniflare.unsafeGetDirectURL("upstream");
  front.passTo(port);

  const control = async (path, json) => (await request(`http://localhost:${port}${path}`, { method: "POST", json })).json;
  const asked = (path, method = "POST") => front.exchanges.filter((exchange) => exchange.path === path && exchange.method === method);
  const calls = (method) => asked("/mcp").filter(({ json }) => json?.method === method);
  return {
    url: `${front.origin}/mcp`,
    issuer: front.origin,
    settings,
    front,
    bend: front.bend,
    straighten: front.straighten,
    tokenRequests: (grantType) => asked("/token").filter(({ form }) => form.grant_type === grantType),
    authorizations: () => asked("/authorize", "GET"),
    registrations: () => asked("/register"),
    /** The library takes revocations at its token endpoint. */
    revocations: () => asked("/token").filter(({ form }) => !form.grant_type && form.token),
    calls,
    served: (method) => calls(method).filter(({ status }) => status === 200),
    tokensSeen: () => new Set(asked("/mcp").map(({ headers }) => headers.authorization?.replace(/^Bearer /, "")).filter(Boolean)),
    createClient: (client) => control("/__clients", client),
    expireAccessTokens: () => control("/__expire"),
    revokeGrants: (account) => control(`/__revoke?account=${encodeURIComponent(account)}`),
    forgetClients: () => control("/__forget-clients"),
    async stop() {
      await Promise.all([front.stop(), miniflare.dispose()]);
    },
  };
}

async function bundled() {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  });
  return outputFiles[0].text;
}
