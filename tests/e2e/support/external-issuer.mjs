// Another authorization server: oidc-provider, which issues access tokens to clients, JWTs or opaque, and can rotate its keys in mid-run.
//
// Not here: people who sign in (idp.mjs), upstreams' authorization servers (authorization-server.mjs).

import { generateKeyPairSync, randomBytes } from "node:crypto";
import http from "node:http";

import { SignJWT, exportJWK } from "jose";
import Provider from "oidc-provider";

import { listen } from "./listen.mjs";

const KEYS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS384: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

export const CLIENT = { client_id: "agent", client_secret: "secret-of-the-agent" };
export const GATEWAY = { client_id: "gateway", client_secret: "secret-of-the-gateway" };

/**
 * Starts one. `format` is that of its access tokens, for whatever resource is asked for.
 * `asked` counts requests by path; `down` makes it answer 500 to those paths.
 */
export async function startExternalIssuer({ format = "jwt" } = {}) {
  const front = { serve: undefined };
  const server = http.createServer((request, response) => {
    const path = new URL(request.url, "http://issuer").pathname;
    issuer.asked[path] = (issuer.asked[path] ?? 0) + 1;
    if (issuer.down.has(path)) return response.writeHead(500).end();
    return front.serve(request, response);
  });
  const { origin, stop } = await listen(server);
  let generation = 0;
  const issuer = { origin, asked: {}, down: new Set(), keys: {}, stop, rotate, token, sign, revoke };
  await rotate();
  return issuer;

  /** New keys for all algorithms; the old ones are not published any more. */
  async function rotate() {
    generation += 1;
    const published = [];
    for (const [algorithm, make] of Object.entries(KEYS)) {
      const { privateKey } = make();
      const kid = `${algorithm}-${generation}`;
      issuer.keys[algorithm] = { kid, privateKey };
      published.push({ ...(await exportJWK(privateKey)), alg: algorithm, use: "sig", kid });
    }
    front.serve = provider(published).callback();
  }

  function provider(keys) {
    return new Provider(origin, {
      jwks: { keys },
      clients: [
        { ...CLIENT, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
        { ...GATEWAY, grant_types: [], redirect_uris: [], response_types: [] },
      ],
      scopes: ["mcp:tools"],
      routes: { introspection: "/introspect", revocation: "/revoke", token: "/token", jwks: "/jwks" },
      cookies: { keys: [randomBytes(16).toString("hex")] },
      ttl: { ClientCredentials: 300 },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context, resource) => ({
            scope: "mcp:tools",
            audience: resource,
            accessTokenTTL: 300,
            accessTokenFormat: format,
            ...(format === "jwt" && { jwt: { sign: { alg: "ES256" } } }),
          }),
        },
      },
    });
  }

  async function ask(path, client, fields) {
    const credentials = Buffer.from(`${client.client_id}:${client.client_secret}`).toString("base64");
    const answer = await fetch(`${origin}${path}`, {
      method: "POST",
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams(fields),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }

  /** An access token for a resource, issued by the provider. */
  async function token(resource) {
    return JSON.parse(await ask("/token", CLIENT, { grant_type: "client_credentials", scope: "mcp:tools", resource })).access_token;
  }

  async function revoke(token) {
    await ask("/revoke", CLIENT, { token });
  }

  /** A token that says whatever a test says, signed with one of the keys. */
  async function sign(claims, { algorithm = "ES256", header = {}, key = issuer.keys[algorithm] } = {}) {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: origin, iat: now, exp: now + 300, ...claims })
      .setProtectedHeader({ alg: algorithm, typ: "at+jwt", kid: key.kid, ...header })
      .sign(key.privateKey);
  }
}
