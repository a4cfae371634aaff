// A real authorization server for upstreams: oidc-provider, which signs everybody in by itself, behind a proxy that tests can bend.
//
// Not here: the MCP server that takes its tokens (connected-upstream.mjs), login at the gateway (idp.mjs).

import { generateKeyPairSync, randomBytes } from "node:crypto";
import http from "node:http";

import { exportJWK } from "jose";
import Provider, { errors } from "oidc-provider";

import { startBendingProxy } from "./bending-proxy.mjs";
import { listen } from "./listen.mjs";

const TOKEN_PATH = "/token";

/**
 * Starts one.
 * - `registration`: dynamic registration (RFC 7591); `clients`: those it knows beforehand
 * - `rotation`: "strict" rotates refresh tokens and revokes the grant when an old one comes again; "none" keeps them
 * - `refreshTokens: false`: issues none
 * - `accessTtl`: seconds; also settable later
 * - `scopes`: what its resources understand; `offlineAccess: false` does not advertise `offline_access`
 * - `metadataDocuments`: a `fetch` for Client ID Metadata Documents, which it then takes for clients
 */
export async function startAuthorizationServer({
  registration = true,
  clients = [],
  rotation = "none",
  refreshTokens = true,
  accessTtl = 3600,
  scopes = ["read", "write"],
  offlineAccess = true,
  metadataDocuments,
} = {}) {
  const front = await startBendingProxy({ rewrite: forgetSession });
  const issuer = front.origin;
  const store = new Store();
  const settings = { account: "alice", consent: "approve", accessTtl, resources: new Set() };

  const provider = new Provider(issuer, {
    adapter: (model) => store.adapter(model),
    clients: clients.map((client) => ({
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: [],
      ...client,
    })),
    cookies: { keys: [randomBytes(16).toString("hex")] },
    jwks: { keys: [{ ...(await exportJWK(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)), alg: "ES256", use: "sig" }] },
    scopes: ["openid", ...(offlineAccess ? ["offline_access"] : []), ...scopes],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    routes: { authorization: "/authorize", token: TOKEN_PATH, registration: "/register", revocation: "/revoke" },
    pkce: { required: () => true },
    ttl: {
      AccessToken: () => settings.accessTtl,
      ClientCredentials: () => settings.accessTtl,
      RefreshToken: 86_400,
      Interaction: 600,
      Grant: 86_400,
      Session: 600,
    },
    issueRefreshToken: async (_context, client) => refreshTokens && client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: rotation !== "none",
    loadExistingGrant,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: registration },
      revocation: { enabled: true, allowedPolicy: () => true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_context, _client, asked) => asked ?? [...settings.resources].at(0),
        useGrantedResource: () => true,
        getResourceServerInfo(_context, resource) {
          if (!settings.resources.has(resource)) throw new errors.InvalidTarget();
          return { scope: scopes.join(" "), audience: resource, accessTokenFormat: "opaque" };
        },
      },
      ...(metadataDocuments && { clientIdMetadataDocument: { enabled: true, ack: "draft-02" } }),
    },
    ...(metadataDocuments && { fetch: metadataDocuments }),
  });

  /** A grant of its own for every authorization, so that revoking one leaves the others alone. */
  async function loadExistingGrant({ oidc }) {
    const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope(["openid", "offline_access", ...scopes].join(" "));
    for (const resource of settings.resources) grant.addResourceScope(resource, scopes.join(" "));
    await grant.save();
    return grant;
  }

  const serveProvider = provider.callback();
  const inner = await listen(
    http.createServer((request, response) => {
      if (!request.url.startsWith("/interaction/")) return serveProvider(request, response);
      const result =
        settings.consent === "approve"
          ? { login: { accountId: settings.account }, consent: {} }
          : { error: "access_denied", error_description: "The person said no." };
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    }),
  );
  front.passTo(inner.port);

  const asked = (path, method = "POST") => front.exchanges.filter((exchange) => exchange.path === path && exchange.method === method);
  return {
    issuer,
    provider,
    settings,
    front,
    bend: front.bend,
    straighten: front.straighten,
    /** Its tokens may name this resource from now on. */
    serves: (resource) => settings.resources.add(resource),
    /** Every token request of that grant type that arrived. */
    tokenRequests: (grantType) => asked(TOKEN_PATH).filter(({ form }) => form.grant_type === grantType),
    authorizations: () => asked("/authorize", "GET"),
    registrations: () => asked("/register"),
    revocations: () => asked("/revoke"),
    /** Who a token belongs to, for the MCP server; nothing when it is no token of this server. */
    async introspect(token) {
      const found = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
      return found && { account: found.accountId, clientId: found.clientId, scopes: [...found.scopes], expiresAt: found.exp, resource: found.aud };
    },
    /** Every access token is forgotten now; refresh tokens stay good. */
    expireAccessTokens: () => store.remove(({ model }) => model === "AccessToken" || model === "ClientCredentials"),
    /** Everything that account granted is gone: access and refresh tokens. */
    revokeGrants: (account) => store.remove(({ model, payload }) => model !== "Session" && payload.accountId === account),
    /** Every client that registered itself is forgotten. */
    forgetClients: () => store.remove(({ model }) => model === "Client"),
    /** How many refresh tokens of that account somebody could still use. */
    liveRefreshTokens: (account) => store.count(({ model, payload }) => model === "RefreshToken" && payload.accountId === account && !payload.consumed),
    async stop() {
      await Promise.all([front.stop(), inner.stop()]);
    },
  };
}

/** A refresh request, for bending. */
export const REFRESH = ({ path, form }) => path === TOKEN_PATH && form.grant_type === "refresh_token";

/** Nobody stays signed in between two authorizations, so that a test can choose another account each time. */
function forgetSession(headers, { path }) {
  if (!path.startsWith("/authorize") || !headers.cookie) return headers;
  return { ...headers, cookie: headers.cookie.split("; ").filter((pair) => !pair.startsWith("_session")).join("; ") };
}

/** What oidc-provider keeps, within reach of the tests. */
class Store {
  records = new Map();

  adapter(model) {
    const { records } = this;
    const key = (id) => `${model}:${id}`;
    const first = (fits) => [...records.values()].find((record) => record.model === model && fits(record.payload))?.payload;
    return {
      upsert: async (id, payload) => void records.set(key(id), { model, payload }),
      find: async (id) => records.get(key(id))?.payload,
      findByUid: async (uid) => first((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => first((payload) => payload.userCode === userCode),
      consume: async (id) => void (records.get(key(id)).payload.consumed = Math.floor(Date.now() / 1000)),
      destroy: async (id) => void records.delete(key(id)),
      revokeByGrantId: async (grantId) => this.remove(({ payload }) => payload.grantId === grantId),
    };
  }

  remove(fits) {
    for (const [key, record] of this.records) if (fits(record)) this.records.delete(key);
  }

  count(fits) {
    return [...this.records.values()].filter(fits).length;
  }
}
