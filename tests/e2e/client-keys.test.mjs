// Clients that nobody set up and that sign (private_key_jwt), with a stock implementation: by a metadata document, and by registering.
//
// Not here: who has their codes without their keys (tests/attacks/client_keys.rs), clients of the operator's (machines.test.mjs).

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";

import * as oauth from "oauth4webapi";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { CALLBACK, OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const LOOPBACK = { [oauth.allowInsecureRequests]: true };

describe("clients with keys of their own", () => {
  let gateway, upstream, publisher, server, keys, jwk;
  const documents = new Map();
  before(async () => {
    keys = await oauth.generateKeyPair("ES256", { extractable: true });
    jwk = { ...(await crypto.subtle.exportKey("jwk", keys.publicKey)), kid: "own", key_ops: ["verify"] };
    const host = http.createServer((request, response) => {
      const document = documents.get(request.url);
      response.writeHead(document ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(document ?? {}));
    });
    [upstream, publisher] = await Promise.all([startUpstream(), listen(host)]);
    gateway = await startGateway({ isolates: [{}, {}], config: configuration({ alpha: upstream.url }) });
    const issuer = new URL(gateway.url);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...LOOPBACK }));
    documents.set("/jwks", { keys: [jwk] });
  });
  after(() => Promise.all([gateway, upstream, publisher].map((one) => one?.stop())));

  /** Signs in, redeems and refreshes with assertions; neither works without one. */
  async function works(client) {
    const own = { client_id: client.id };
    const signed = (key = keys.privateKey) => oauth.PrivateKeyJwt({ key, kid: "own" });
    const arrived = await client.authorize();
    const params = oauth.validateAuthResponse(server, own, arrived.params, client.last.state);
    const redeem = (authentication) => oauth.authorizationCodeGrantRequest(server, own, authentication, params, client.redirectUri, client.last.verifier, LOOPBACK);
    const code = params.get("code");
    assertRefused(await client.redeem(code), { status: 401, error: "invalid_client", reason: "client_assertion_missing" });
    const stranger = await redeem(signed((await oauth.generateKeyPair("ES256")).privateKey));
    assert.deepEqual([stranger.status, (await stranger.json()).reason], [401, "client_assertion_wrong_signature"]);
    const tokens = await oauth.processAuthorizationCodeResponse(server, own, await redeem(signed()));
    assert.equal((await callTool(gateway.mcpUrl("alpha"), tokens.access_token)).status, 200);
    const elsewhere = gateway.at(gateway.url, { isolate: 1 });
    const unsigned = await elsewhere.fetch("/oauth/token", { method: "POST", form: { grant_type: "refresh_token", refresh_token: tokens.refresh_token, client_id: client.id } });
    assert.deepEqual([unsigned.status, unsigned.json.error], [401, "invalid_client"]);
    const renewed = await oauth.refreshTokenGrantRequest(server, own, signed(), tokens.refresh_token, LOOPBACK);
    assert.equal((await oauth.processRefreshTokenResponse(server, own, renewed)).token_type, "bearer");
  }

  const scope = "mcp:tools offline_access";
  const method = { token_endpoint_auth_method: "private_key_jwt" };

  test("[X27] [S2] a published client proves itself with the keys at its own origin", async () => {
    const id = `${publisher.origin}/client.json`;
    documents.set("/client.json", { client_id: id, client_name: "Published", redirect_uris: [CALLBACK], ...method, jwks_uri: `${publisher.origin}/jwks` });
    assert.ok(server.token_endpoint_auth_methods_supported.includes("private_key_jwt"));
    await works(new OAuthClient(gateway, { slug: "alpha", id, scope }));
  });

  test("[X27] a client registers its keys and gets no secret", async () => {
    const client = new OAuthClient(gateway, { slug: "alpha", scope });
    const answer = await client.register({ ...method, jwks: { keys: [jwk] } });
    assert.deepEqual([answer.status, answer.json.client_secret, answer.json.token_endpoint_auth_method], [201, undefined, "private_key_jwt"]);
    await works(client);
    const elsewhere = await client.register({ ...method, jwks_uri: "https://victim.example/jwks" });
    assertRefused(elsewhere, { status: 400, error: "invalid_client_metadata", reason: "registration_metadata" });
  });
});
