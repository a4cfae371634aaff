// A company's identity provider that exchanges an ID token for an assertion that a client may act for its person (RFC 8693, ID-JAG).
//
// Not here: people who sign in there; their ID tokens are signed when a test asks.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import http from "node:http";

import { SignJWT, exportJWK, jwtVerify } from "jose";

import { listen } from "./listen.mjs";

/** Starts one. `exchanged` has the form of each exchange, `assertions` what came of it. */
export async function startAssertionProvider() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" };
  const provider = { exchanged: [], assertions: [], idToken, assertion };
  const signed = (claims, typ) =>
    new SignJWT({ jti: randomUUID(), ...claims }).setProtectedHeader({ alg: "ES256", kid: "one", typ }).setIssuer(provider.origin).setIssuedAt().setExpirationTime("5m").sign(privateKey);
  const server = http.createServer(async (request, response) => {
    const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const { pathname } = new URL(request.url, "http://provider");
    if (pathname.startsWith("/.well-known/")) {
      return answer(200, {
        issuer: provider.origin,
        authorization_endpoint: `${provider.origin}/authorize`,
        token_endpoint: `${provider.origin}/token`,
        jwks_uri: `${provider.origin}/jwks`,
        response_types_supported: ["code"],
        grant_types_supported: ["urn:ietf:params:oauth:grant-type:token-exchange"],
      });
    }
    if (pathname === "/jwks") return answer(200, { keys: [jwk] });
    if (pathname !== "/token") return answer(404, {});
    let body = "";
    for await (const chunk of request) body += chunk;
    const form = Object.fromEntries(new URLSearchParams(body));
    provider.exchanged.push(form);
    const person = await jwtVerify(form.subject_token, publicKey, { issuer: provider.origin, audience: form.client_id }).catch(() => undefined);
    if (!person || form.requested_token_type !== "urn:ietf:params:oauth:token-type:id-jag") return answer(400, { error: "invalid_grant" });
    const access_token = await assertion({ sub: person.payload.sub, aud: form.audience, resource: form.resource, client_id: form.client_id, scope: form.scope });
    provider.assertions.push(access_token);
    return answer(200, { issued_token_type: form.requested_token_type, access_token, token_type: "N_A", expires_in: 300, scope: form.scope });
  });
  return Object.assign(provider, await listen(server));

  /** What says that a person signed in at a client of the company's. */
  function idToken(sub, client) {
    return signed({ sub, aud: client }, "JWT");
  }

  function assertion(claims) {
    return signed(claims, "oauth-id-jag+jwt");
  }
}
