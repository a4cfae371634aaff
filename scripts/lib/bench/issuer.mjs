// The authorization server of the benchmark's upstream: it allows everything at once, on bare http, so that it takes as little as it can.
//
// `/authorize` and `/token` give tokens for an hour, `/short/token` for a few seconds. As an issuer whose tokens the gateway takes, it
// publishes the key they are signed with, and says of any other token that it is good at the resource that the token names.
// Not here: checking anything; that a real authorization server is understood is proven elsewhere.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import http from "node:http";

/** Seconds that a token of `/short/token` lives. */
export const SHORT = 2;

/** A key as text, for the process that signs and the one that publishes. */
export const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });

/** Signs access tokens for `audience`, each another one. */
export function signer(key, issuer, audience) {
  const privateKey = createPrivateKey(key);
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return () => {
    const signed = `${encoded({ alg: "ES256", typ: "at+jwt", kid: "bench" })}.${encoded({ ...claims(issuer, audience), jti: crypto.randomUUID() })}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
}

/** A token that says nothing by itself: its issuer alone knows that it is its audience. */
export const opaque = (audience) => Buffer.from(audience).toString("base64url");
const meant = (token) => Buffer.from(token, "base64url").toString();

/** What a token of this issuer says. */
function claims(issuer, audience) {
  const iat = Math.floor(Date.now() / 1000);
  return { iss: issuer, sub: "person", aud: audience, client_id: "bench", scope: "mcp:tools", iat, exp: iat + 3600 };
}

/** `refreshed` is told of every refresh; `key` is the one that is published. */
export const startIssuer = (key, refreshed) =>
  http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://issuer");
    if (pathname === "/authorize") {
      const back = new URL(searchParams.get("redirect_uri"));
      back.searchParams.set("code", "code");
      back.searchParams.set("state", searchParams.get("state"));
      return response.writeHead(302, { location: String(back) }).end();
    }
    const json = (body) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (pathname === "/jwks") return json({ keys: [{ ...createPublicKey(key).export({ format: "jwk" }), kid: "bench", alg: "ES256", use: "sig" }] });
    if (pathname.startsWith("/.well-known/")) return json(metadata(`http://${request.headers.host}`));
    let form = "";
    for await (const part of request) form += part;
    if (pathname === "/introspect") return json({ active: true, ...claims(`http://${request.headers.host}`, meant(new URLSearchParams(form).get("token"))) });
    if (new URLSearchParams(form).get("grant_type") === "refresh_token") refreshed();
    const lifetime = pathname === "/short/token" ? SHORT : 3600;
    const tokens = { access_token: crypto.randomUUID(), token_type: "Bearer", expires_in: lifetime, refresh_token: crypto.randomUUID() };
    json(tokens);
  });

const metadata = (issuer) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  introspection_endpoint: `${issuer}/introspect`,
});
