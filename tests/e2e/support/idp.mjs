// Login providers: a certified OpenID Provider (oidc-provider) in process, and a hand-written one whose ID tokens can be forged.
//
// Not here: how the gateway is configured to use them (login-oidc.test.mjs).

import { generateKeyPairSync, randomBytes } from "node:crypto";
import http from "node:http";

import { SignJWT, exportJWK } from "jose";
import Provider from "oidc-provider";

import { listen } from "./listen.mjs";

const CLIENT_ID = "gateway";
const CLIENT_SECRET = "login-secret-of-the-gateway";

const SIGN_IN_PAGE = '<!doctype html><link rel="icon" href="data:,"><form method="post"><input name="login"><button>Sign in</button></form>';

const keyPairs = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
};

/** The `login` of a configuration that uses a provider. */
export const oidcLogin = (idp, rest = {}) => ({
  kind: "oidc",
  issuer: idp.issuer,
  client_id: CLIENT_ID,
  client_secret: { secret: "LOGIN_CLIENT_SECRET" },
  ...rest,
});

/** The secret that configuration names. */
export const LOGIN_SECRETS = { LOGIN_CLIENT_SECRET: CLIENT_SECRET };

/**
 * oidc-provider with one client, the gateway at `gatewayUrl`. A person types a login name into its form.
 * Whoever is `putOut` is let in no more. With `saysGoodbye` it tells the gateway of whoever signs out. `groupsOf(name)` are the groups it tells of them, in the ID token, or at userinfo alone where `claimsAtUserinfo` says so.
 */
export async function startProvider(
  gatewayUrl,
  { algorithm = "RS256", authentication = "client_secret_basic", groupsOf = () => undefined, claimsAtUserinfo = false, saysGoodbye = false, putOut = new Set() } = {},
) {
  const handler = { serve: undefined };
  const { origin: issuer, stop } = await listen(http.createServer((request, response) => handler.serve(request, response)));
  const { privateKey } = keyPairs[algorithm]();
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: algorithm, use: "sig", kid: "only" }] },
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: authentication === "none" ? undefined : CLIENT_SECRET,
        redirect_uris: [`${gatewayUrl}/login/callback`],
        response_types: ["code"],
        grant_types: ["authorization_code", "refresh_token"],
        id_token_signed_response_alg: algorithm,
        token_endpoint_auth_method: authentication,
        ...(saysGoodbye && { backchannel_logout_uri: `${gatewayUrl}/oauth/backchannel-logout`, backchannel_logout_session_required: true }),
      },
    ],
    ttl: { Interaction: 600, Grant: 600, Session: 600 },
    cookies: { keys: [randomBytes(16).toString("hex")] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: saysGoodbye } },
    pkce: { required: () => true },
    issueRefreshToken: () => true,
    // The gateway is on this machine, where a provider on the internet would not look for it.
    fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
    // Nobody is asked what the gateway may learn: the gateway asks for its own consent.
    async loadExistingGrant(context) {
      const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    claims: { openid: ["sub"], profile: ["name", "groups"], email: ["email"] },
    conformIdTokenClaims: claimsAtUserinfo,
    findAccount(_context, id) {
      if (putOut.has(id)) return undefined;
      return { accountId: id, claims: () => ({ sub: id, name: `${id} of the provider`, email: `${id}@example.com`, groups: groupsOf(id) }) };
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  });
  const serveProvider = provider.callback();
  handler.serve = async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return serveProvider(request, response);
    if (request.method === "GET") {
      return response.writeHead(200, { "content-type": "text/html" }).end(SIGN_IN_PAGE);
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    await provider.interactionFinished(request, response, { login: { accountId: new URLSearchParams(body).get("login") } });
  };
  return { issuer, stop };
}

/**
 * A provider that signs everybody in as `sub` and makes whatever ID token `forge` says.
 * `forge({claims, sign, keys})` answers the token; the default is an honest one. `discovery`, `callback` and `jwks` bend the other answers;
 * `refresh(token)` makes {status, json} of who is asked about again, and `userinfo()` makes {status, text} of the endpoint that its document names.
 */
export async function startForger({ algorithm = "RS256", keyPair = keyPairs[algorithm] } = {}) {
  const keys = { honest: keyPair(), stranger: keyPair() };
  const pending = new Map();
  const server = http.createServer(serve);
  const { origin: issuer, stop } = await listen(server);
  const idp = {
    issuer,
    stop,
    sub: "alice",
    forge: ({ claims, sign }) => sign(claims),
    discovery: (document) => document,
    callback: (parameters) => parameters,
    jwks: (keys) => keys,
    refresh: () => ({ status: 400, json: { error: "invalid_grant" } }),
    userinfo: () => ({ status: 200, text: JSON.stringify({ sub: idp.sub }) }),
    requests: [],
    sign,
    keys,
  };
  return idp;

  async function serve(request, response) {
    const url = new URL(request.url, issuer);
    let body = "";
    for await (const chunk of request) body += chunk;
    idp.requests.push({ method: request.method, path: url.pathname, query: url.searchParams, headers: request.headers, body });
    const json = (value, status = 200) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return json(idp.discovery(discoveryDocument()));
      case "/jwks":
        return json({ keys: idp.jwks([{ ...(await exportJWK(keys.honest.publicKey)), kid: "honest", use: "sig", alg: algorithm }]) });
      case "/authorize": {
        const code = randomBytes(8).toString("hex");
        pending.set(code, url.searchParams);
        const back = new URL(url.searchParams.get("redirect_uri"));
        const parameters = idp.callback({ code, state: url.searchParams.get("state") });
        for (const [name, value] of Object.entries(parameters)) if (value !== undefined) back.searchParams.set(name, value);
        return response.writeHead(303, { location: String(back) }).end();
      }
      case "/token": {
        if (new URLSearchParams(body).get("grant_type") === "refresh_token") {
          const { status, json: answer } = idp.refresh(new URLSearchParams(body).get("refresh_token"));
          return json(answer, status);
        }
        const asked = pending.get(new URLSearchParams(body).get("code"));
        if (!asked) return json({ error: "invalid_grant" }, 400);
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: issuer, aud: CLIENT_ID, sub: idp.sub, nonce: asked.get("nonce"), iat: now, exp: now + 300, name: "Alice" };
        const refresh_token = asked.get("scope").includes("offline_access") ? randomBytes(8).toString("hex") : undefined;
        return json({ access_token: "of no use", token_type: "Bearer", expires_in: 300, refresh_token, id_token: await idp.forge({ claims, sign, keys }) });
      }
      case "/userinfo": {
        const { status, text } = idp.userinfo();
        return response.writeHead(status, { "content-type": "application/json" }).end(text);
      }
      default:
        return json({ error: "not_found" }, 404);
    }
  }

  function discoveryDocument() {
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: [algorithm],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
      code_challenge_methods_supported: ["S256"],
    };
  }

  function sign(claims, { key = keys.honest.privateKey, header = {} } = {}) {
    return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: "honest", ...header }).sign(key);
  }
}

/** A token without a signature. */
export function unsigned(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`;
}

/** A token signed with HS256 under the provider's public key, as if the verifier would take the key for a secret. */
export async function signedWithPublicKey(claims, publicKey) {
  const secret = new TextEncoder().encode(publicKey.export({ type: "spki", format: "pem" }));
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "honest" }).sign(secret);
}
