// Tokens that are bound to a client's key (RFC 9449), with a stock implementation of it, in the runtime.
//
// Not here: every rule of a proof (tests/journeys/dpop.rs), who has a token without its key (tests/attacks/dpop.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import * as oauth from "oauth4webapi";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool, modernCall } from "./support/mcp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const SECRET = "the program's secret";
const ANSWER = "This is a simple text response for testing.";
const LOOPBACK = { [oauth.allowInsecureRequests]: true };

describe("DPoP", () => {
  let gateway, upstream, server;
  before(async () => {
    upstream = await startUpstream();
    const ci = { client_id: "ci", client_secret: { secret: "CI_SECRET" }, machine: { servers: ["alpha", "bound"] } };
    gateway = await startGateway({
      secrets: { CI_SECRET: SECRET },
      isolates: [{}, {}],
      config: configuration({ alpha: upstream.url, bound: { url: upstream.url, dpop_bound_access_tokens_required: true } }, { clients: { preregistered: [ci] } }),
    });
    const issuer = new URL(gateway.url);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...LOOPBACK }));
  });
  after(() => Promise.all([gateway, upstream].map((one) => one?.stop())));

  const CI = { client_id: "ci" };

  /** A program's token that is bound to a new key of an algorithm. */
  async function bound(slug = "alpha", algorithm = "ES256") {
    const DPoP = oauth.DPoP(CI, await oauth.generateKeyPair(algorithm));
    const answer = await oauth.clientCredentialsGrantRequest(server, CI, oauth.ClientSecretPost(SECRET), { resource: gateway.mcpUrl(slug) }, { DPoP, ...LOOPBACK });
    const tokens = await oauth.processClientCredentialsResponse(server, CI, answer);
    assert.equal(tokens.token_type, "dpop");
    return { token: tokens.access_token, DPoP };
  }

  /** `fetch` as a client makes it that has a key: with a proof for each request, and once more with the nonce that is asked for. */
  const proving = ({ token, DPoP }, seen = []) => async (url, { method = "GET", headers, body } = {}) => {
    const send = () => oauth.protectedResourceRequest(token, method, new URL(url), new Headers(headers), body, { DPoP, ...LOOPBACK });
    try {
      return await send();
    } catch (error) {
      seen.push(error);
      if (oauth.isDPoPNonceError(error)) return send();
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
      throw error;
    }
  };

  const call = (holder, slug = "alpha") => {
    const { headers, json } = modernCall("tools/call", { name: "test_simple_text", arguments: {} });
    return proving(holder)(gateway.mcpUrl(slug), { method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(json) });
  };

  for (const algorithm of ["ES256", "RS256", "PS256", "Ed25519"]) {
    test(`[X27] a stock implementation with a key of ${algorithm} gets a token that is bound to it, and calls with proofs`, async () => {
      const holder = await bound("alpha", algorithm);
      const answer = await call(holder);
      assert.equal(answer.status, 200);
      assert.equal((await answer.json()).result.content[0].text, ANSWER);
    });
  }

  test("[X27] a stock MCP client speaks to a server that takes bound tokens only", async (t) => {
    const seen = [];
    const holder = await bound("bound");
    const client = new Client({ name: "program", version: "1" });
    t.after(() => client.close());
    await client.connect(new StreamableHTTPClientTransport(new URL(gateway.mcpUrl("bound")), { fetch: proving(holder, seen) }));
    const { content } = await client.callTool({ name: "test_simple_text", arguments: {} });
    assert.equal(content[0].text, ANSWER);
    assert.equal(seen.filter((error) => oauth.isDPoPNonceError(error)).length, 1, "one nonce is good for what follows");
    const anonymous = await gateway.fetch("/v1/mcp/bound", { method: "POST", json: {} });
    assert.match(anonymous.headers["www-authenticate"], /^DPoP resource_metadata="[^"]+", scope="mcp:tools", algs="RS256 /);
    const metadata = (await gateway.fetch("/.well-known/oauth-protected-resource/v1/mcp/bound")).json;
    assert.equal(metadata.dpop_bound_access_tokens_required, true);
  });

  test("[X27] a person's client binds code and refresh token to its key", async () => {
    const client = new OAuthClient(gateway, { slug: "alpha", scope: "mcp:tools offline_access" });
    await client.register();
    const own = { client_id: client.id };
    const DPoP = oauth.DPoP(own, await oauth.generateKeyPair("ES256"));
    const arrived = await client.authorize({ dpop_jkt: await DPoP.calculateThumbprint() });
    const params = oauth.validateAuthResponse(server, own, arrived.params, client.last.state);
    const redeem = (options) => oauth.authorizationCodeGrantRequest(server, own, oauth.None(), params, client.redirectUri, client.last.verifier, { ...options, ...LOOPBACK });
    assertRefused(await client.redeem(arrived.params.get("code")), { status: 400, error: "invalid_dpop_proof", reason: "grant_proof_missing" });
    const tokens = await oauth.processAuthorizationCodeResponse(server, own, await redeem({ DPoP }));
    assert.equal(tokens.token_type, "dpop");
    assertRefused(await client.refresh(tokens.refresh_token), { status: 400, error: "invalid_dpop_proof", reason: "grant_proof_missing" });
    const other = oauth.DPoP(own, await oauth.generateKeyPair("ES256"));
    const refresh = (with_) => oauth.refreshTokenGrantRequest(server, own, oauth.None(), tokens.refresh_token, { DPoP: with_, ...LOOPBACK });
    assert.equal((await (await refresh(other)).json()).reason, "grant_wrong_key");
    const renewed = await oauth.processRefreshTokenResponse(server, own, await refresh(DPoP));
    assert.equal((await call({ token: renewed.access_token, DPoP })).status, 200);
    assertRefused(await callTool(gateway.mcpUrl("alpha"), renewed.access_token), { status: 401, error: "invalid_token", reason: "token_bound" });
  });

  test("[X27] one proof at the token endpoint that reaches two isolates at once is good in one of them", async () => {
    let proof;
    const DPoP = oauth.DPoP(CI, await oauth.generateKeyPair("ES256"));
    const catching = { [oauth.customFetch]: async (_, { headers }) => ((proof = new Headers(headers).get("dpop")), Response.json({})) };
    await oauth.clientCredentialsGrantRequest(server, CI, oauth.ClientSecretPost(SECRET), { resource: gateway.mcpUrl("alpha") }, { DPoP, ...catching, ...LOOPBACK });
    const form = { grant_type: "client_credentials", client_id: "ci", client_secret: SECRET, resource: gateway.mcpUrl("alpha") };
    const send = (isolate, dpop) => gateway.at(gateway.url, { isolate }).fetch("/oauth/token", { method: "POST", form, headers: { dpop } });
    const answers = await Promise.all([0, 1, 0, 1].map((isolate) => send(isolate, proof)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400]);
    for (const isolate of [0, 1]) assertRefused(await send(isolate, proof), { status: 400, error: "invalid_dpop_proof", reason: "dpop_proof_used" });
    const { token } = await bound();
    assertRefused(await gateway.fetch("/v1/mcp/alpha", { method: "POST", json: {}, headers: { authorization: `DPoP ${token}`, dpop: proof } }), { status: 401, reason: "dpop_proof_elsewhere" });
  });
});
