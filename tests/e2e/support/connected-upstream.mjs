// A real upstream MCP server that wants a token: the stock SDK's server and bearer check, with tokens of a real authorization server.
//
// Not here: the authorization server (authorization-server.mjs), a server in a Worker that is both at once (worker-upstream.mjs).

import { bearerAuthChallengeResponse, OAuthError, OAuthErrorCode, verifyBearerToken } from "@modelcontextprotocol/server";

import { startBendingProxy } from "./bending-proxy.mjs";
import { startUpstream } from "./upstream.mjs";

const PATH = "/mcp";
const METADATA = "/.well-known/oauth-protected-resource";

/**
 * Starts one that takes the tokens of `servers`.
 * - `scopes`: what every call needs, and what a challenge asks for; `toolScopes`: {tool: [scope, …]} asked for on top by a 403
 * - `scopesSupported`: what its metadata names
 * - `metadata: "path" | "root" | "unhinted" | "none"`: where its metadata is and whether the challenge says so
 * - `modernOnly`: it refuses the older revisions
 * - `within`: the authorization server whose origin it shares
 */
export async function startConnectedUpstream({ servers, name, scopes = ["read"], scopesSupported, toolScopes = {}, metadata = "path", within, modernOnly }) {
  const front = within?.front ?? (await startBendingProxy());
  const url = `${front.origin}${PATH}`;
  const metadataPath = metadata === "root" ? METADATA : `${METADATA}${PATH}`;
  const settings = { issuers: [], resource: url, scopes, toolScopes };
  const trusted = [];
  const trust = (server) => (trusted.push(server), server.serves(url), settings.issuers.includes(server.issuer) || settings.issuers.push(server.issuer));

  servers.forEach(trust);

  const verifier = {
    async verifyAccessToken(token) {
      for (const server of trusted) {
        const found = await server.introspect(token);
        if (found) return { token, ...found, resource: new URL(found.resource), extra: { account: found.account, issuer: server.issuer } };
      }
      throw new OAuthError(OAuthErrorCode.InvalidToken, "This token is not known here");
    },
  };

  async function admit(request, response, json) {
    const { pathname } = new URL(request.url, url);
    if (pathname === metadataPath && metadata !== "none") {
      return answer(response, Response.json({ resource: settings.resource, authorization_servers: settings.issuers, scopes_supported: scopesSupported }));
    }
    if (pathname !== PATH) return true;
    const tool = json?.method === "tools/call" ? (settings.toolScopes[json.params?.name] ?? []) : [];
    const options = {
      verifier,
      requiredScopes: [...settings.scopes, ...tool],
      resourceMetadataUrl: metadata === "path" || metadata === "root" ? `${front.origin}${metadataPath}` : undefined,
      expectedResource: new URL(url),
    };
    try {
      request.auth = await verifyBearerToken(request.headers.authorization, options);
      upstream.requests.at(-1).auth = request.auth;
      return true;
    } catch (error) {
      return answer(response, bearerAuthChallengeResponse(error, options));
    }
  }

  const upstream = await startUpstream({
    path: PATH,
    name,
    modernOnly,
    admit,
    extend: (mcp) =>
      mcp.registerTool("who_am_i", { description: "Says whose token it was called with" }, ({ http }) => ({
        content: [{ type: "text", text: http?.authInfo?.extra?.account ?? "a machine" }],
      })),
  });
  const { port } = new URL(upstream.url);
  for (const under of within ? [PATH, METADATA] : ["/"]) front.passTo(port, under);

  return {
    ...upstream,
    url,
    settings,
    /** Takes the tokens of one more authorization server, and names it in its metadata. */
    trust,
    bend: front.bend,
    straighten: front.straighten,
    /** The bearer tokens that ever arrived, good or not. */
    tokensSeen: () => new Set(upstream.requests.map(({ headers }) => headers.authorization?.replace(/^Bearer /, "")).filter(Boolean)),
    /** The calls that were let in. */
    served: (method) => upstream.calls(method).filter(({ auth }) => auth),
    async stop() {
      await Promise.all([within ? undefined : front.stop(), upstream.stop()]);
    },
  };
}

/** Writes a web answer to Node's; says that the request is done with. */
async function answer(response, web) {
  response.writeHead(web.status, Object.fromEntries(web.headers)).end(Buffer.from(await web.arrayBuffer()));
  return false;
}
