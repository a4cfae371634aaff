// Access tokens and assertions of another authorization server, a real one: verified with WebCrypto, asked about, rotated under load, forged, exchanged.
//
// Not here: every claim and every way an issuer can fail (tests/journeys, tests/attacks).

import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { exportJWK } from "jose";

import { assertRefused } from "./support/expect.mjs";
import { GATEWAY, startExternalIssuer } from "./support/external-issuer.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { startUpstream } from "./support/upstream.mjs";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("an external authorization server", () => {
  let gateway, upstream, issuer, opaque, url, mail;
  before(async () => {
    [upstream, issuer, opaque] = await Promise.all([startUpstream(), startExternalIssuer(), startExternalIssuer({ format: "opaque" })]);
    const server = (accepts) => ({ url: upstream.url, auth: { kind: "none" }, accepts });
    gateway = await startGateway({
      secrets: { ISSUER_SECRET: GATEWAY.client_secret },
      config: configuration(
        { docs: server(["own", "corp"]), mail: server(["opaque"]) },
        {
          issuers: {
            corp: { issuer: issuer.origin },
            opaque: { issuer: opaque.origin, introspection: { client_id: GATEWAY.client_id, client_secret: { secret: "ISSUER_SECRET" } } },
            ci: { kind: "workload", issuer: issuer.origin, require: { repository: ["acme/app"] } },
          },
        },
      ),
    });
    [url, mail] = ["docs", "mail"].map((slug) => `${gateway.url}/v1/mcp/${slug}`);
  });
  after(() => Promise.all([upstream, gateway, issuer, opaque].map((part) => part?.stop())));

  const works = async (at, token) => {
    const answer = await callTool(at, token);
    assert.ok(answer.message?.result, `${answer.status} ${answer.text}`);
  };
  const refused = async (at, token, expected) => {
    const answer = await callTool(at, token);
    assertRefused(answer, { status: 401, error: "invalid_token", ...expected });
  };

  test("[H1] its access token calls a tool, and the resource metadata names it", async () => {
    const metadata = await gateway.fetch("/.well-known/oauth-protected-resource/v1/mcp/docs");
    assert.deepEqual(metadata.json.authorization_servers, [gateway.url, issuer.origin]);
    const others = await gateway.fetch("/.well-known/oauth-protected-resource/v1/mcp/mail");
    assert.deepEqual(others.json.authorization_servers, [opaque.origin]);
    await works(url, await issuer.token(url));
  });

  for (const algorithm of ["RS256", "PS384", "ES256", "ES384", "EdDSA"]) {
    test(`[H1] ${algorithm} is verified`, async () => {
      const claims = { aud: url, sub: "ann", client_id: "agent", scope: "mcp:tools" };
      const token = await issuer.sign(claims, { algorithm });
      await works(url, token);
      const [header, payload, signature] = token.split(".");
      const bytes = Buffer.from(signature, "base64url");
      bytes[20] ^= 1;
      await refused(url, `${header}.${payload}.${bytes.toString("base64url")}`, { reason: "external_token_wrong_signature" });
    });
  }

  test("[H1] forged tokens are refused, each for its reason", async () => {
    const claims = { aud: url, sub: "ann", client_id: "agent", scope: "mcp:tools" };
    const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const header = { kid: issuer.keys.ES256.kid };
    const forged = { key: { kid: header.kid, privateKey: own.privateKey } };
    const publicKey = JSON.stringify((await (await fetch(`${issuer.origin}/jwks`)).json()).keys[0]);
    const shared = `${encoded({ alg: "HS256", typ: "at+jwt", ...header })}.${encoded({ iss: issuer.origin, exp: 4e9, ...claims })}`;
    for (const [token, reason] of [
      [await issuer.sign({ ...claims, aud: mail }), "external_token_wrong_audience"],
      [await issuer.sign({ ...claims, aud: [mail, `${url}/`] }), "external_token_wrong_audience"],
      [await issuer.sign({ ...claims, iss: `${issuer.origin}/` }), "token_issuer_not_accepted"],
      [await issuer.sign({ ...claims, iss: opaque.origin }), "token_issuer_not_accepted"],
      [await issuer.sign({ ...claims, exp: 1 }), "external_token_expired"],
      [await issuer.sign(claims, { header: { typ: "JWT" } }), "external_token_wrong_type"],
      [await issuer.sign(claims, forged), "external_token_wrong_signature"],
      [await issuer.sign(claims, { ...forged, header: { jwk: await exportJWK(own.publicKey), jku: `${opaque.origin}/jwks` } }), "external_token_wrong_signature"],
      [`${shared}.${createHmac("sha256", publicKey).update(shared).digest("base64url")}`, "external_token_unsupported_algorithm"],
      [`${encoded({ alg: "none", typ: "at+jwt" })}.${encoded({ iss: issuer.origin, exp: 4e9, ...claims })}.`, "external_token_unsupported_algorithm"],
    ]) {
      await refused(url, token, { reason });
    }
  });

  test("[H1] keys that are rotated under load are asked for once", async () => {
    await works(url, await issuer.token(url));
    await issuer.rotate();
    const before = issuer.asked["/jwks"];
    const tokens = await Promise.all(Array.from({ length: 10 }, () => issuer.token(url)));
    await Promise.all([...tokens, ...tokens, ...tokens].map((token) => works(url, token)));
    assert.equal(issuer.asked["/jwks"] - before, 1);
    const claims = { aud: url, sub: "ann", client_id: "agent", scope: "mcp:tools" };
    const key = (kid) => ({ key: { kid, privateKey: issuer.keys.ES256.privateKey } });
    const strangers = await Promise.all(Array.from({ length: 10 }, (_, at) => issuer.sign(claims, key(`made-up-${at}`))));
    await Promise.all(strangers.map((token) => refused(url, token, { reason: "external_token_unknown_key" })));
    assert.equal(issuer.asked["/jwks"] - before, 1, "nobody has it asked again by making up key ids");
  });

  test("[H1] a token without a form is asked about, and no answer lets nobody in", async () => {
    opaque.down.add("/introspect");
    const token = await opaque.token(mail);
    const down = await callTool(mail, token);
    assertRefused(down, { status: 503, reason: "issuer_unavailable" });
    assert.equal(down.headers.get?.("retry-after") ?? down.headers["retry-after"], "5");
    opaque.down.clear();
    const other = await opaque.token(mail);
    const before = opaque.asked["/introspect"];
    await Promise.all(Array.from({ length: 8 }, () => works(mail, other)));
    assert.equal(opaque.asked["/introspect"] - before, 1, "parallel calls share one answer");
    const revoked = await opaque.token(mail);
    await opaque.revoke(revoked);
    await refused(mail, revoked, { reason: "external_token_inactive" });
    await refused(mail, await opaque.token(url), { reason: "external_token_wrong_audience" });
  });

  test("[X32] a job's own token is exchanged, once, for a short access token", async () => {
    const metadata = await gateway.fetch("/.well-known/oauth-authorization-server");
    assert.ok(metadata.json.grant_types_supported.includes(GRANT_TYPE));
    const job = (claims = {}) =>
      issuer.sign({ aud: gateway.url, sub: "repo:acme/app:ref:refs/heads/main", repository: "acme/app", jti: randomUUID(), ...claims }, { algorithm: "RS256", header: { typ: "JWT" } });
    const exchange = (assertion) => gateway.fetch("/oauth/token", { method: "POST", form: { grant_type: GRANT_TYPE, assertion, resource: url } });
    const assertion = await job();
    const answers = await Promise.all([exchange(assertion), exchange(assertion)]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400], answers.map(({ text }) => text).join());
    const { json } = answers.find(({ status }) => status === 200);
    assert.equal(json.refresh_token, undefined);
    assert.ok(json.expires_in <= 900);
    await works(url, json.access_token);
    assertRefused(await exchange(assertion), { status: 400, error: "invalid_grant", reason: "assertion_used" });
    for (const [claims, reason] of [
      [{ repository: "evil/app" }, "assertion_requirement_unmet"],
      [{ aud: [gateway.url, "https://evil.example"] }, "assertion_wrong_audience"],
      [{ iss: opaque.origin }, "assertion_wrong_issuer"],
    ]) {
      assertRefused(await exchange(await job(claims)), { status: 400, error: "invalid_grant", reason });
    }
  });
});
