// What a stranger costs, counted on the built Worker: no request without a session, token or secret of ours stores anything or asks an object.
//
// Not here: what the answers say.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { OAuthClient, signedIn } from "./support/oauth-client.mjs";

const NOWHERE = "http://localhost:9/mcp";
const CALLBACK = "https://stranger.example/cb";
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

/** Every path of the table in src/web/route.rs, and one of each kind that is made of a slug. */
function paths() {
  const source = readFileSync(new URL("../../src/web/route.rs", import.meta.url), "utf8");
  const fixed = [...source.matchAll(/path: "(\/[^"]*)"/g)].map(([, path]) => path);
  assert.ok(fixed.length >= 16, `only ${fixed.length} paths were found`);
  const known = ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
  const made = ["/connect/personal", "/v1/mcp/alpha", "/v1/mcp/personal", "/v1/mcp/nowhere", "/admin/subjects/alice", "/admin/servers/personal/connection", "/nothing"];
  return [...fixed, ...known, ...known.map((path) => `${path}/v1/mcp/alpha`), ...made];
}

describe("a stranger", () => {
  let gateway, client;
  before(async () => {
    gateway = await startGateway({ counted: true, config: configuration({ alpha: NOWHERE, personal: { url: NOWHERE, auth: { kind: "oauth" } } }) });
    client = (await register({ redirect_uris: [CALLBACK], token_endpoint_auth_method: "none" })).json;
    await gateway.fetch("/");
    await gateway.stored();
  });
  after(() => gateway?.stop());

  const register = (json) => gateway.fetch("/oauth/register", { method: "POST", json });
  const nothing = { writes: 0, objects: 0 };

  /** What they can make up, or have seen the form of, in every place that is looked at. */
  function guises() {
    const [random, sealed] = ["A".repeat(43), `AQAAAAE${"A".repeat(80)}`];
    const cookie = `__mcp_session=${random}; mcp_session=${random}; __Host-mcp_session=${random}; mcp_login_${random}=${sealed}`;
    const token = `mcpg_rt_${"A".repeat(86)}`;
    const form = { grant_type: "refresh_token", refresh_token: token, token, client_id: client.client_id, ticket: sealed, form: sealed, state: random, action: "revoke", decision: "approve", account: "alice" };
    const code = { grant_type: "authorization_code", code: `mcpg_code_${"A".repeat(86)}`, code_verifier: random, client_id: client.client_id };
    return [
      {},
      { headers: { cookie } },
      { headers: { cookie }, form },
      { form: code },
      { headers: { authorization: `Bearer ${token}` }, form },
      { headers: { authorization: "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA" }, json: { jsonrpc: "2.0", id: 1, method: "tools/call" } },
    ];
  }

  for (const path of paths()) {
    test(`at ${path} stores nothing and asks no object`, async () => {
      const queries = ["", `?state=${"A".repeat(43)}&code=x&link=AQAAAAE${"A".repeat(80)}&client_id=mcpg_client_${"A".repeat(22)}`];
      for (const query of queries) {
        for (const method of METHODS) {
          const bodies = method === "GET" || method === "HEAD" ? guises().slice(0, 2) : guises();
          for (const guise of bodies) await gateway.fetch(path + query, { method, ...guise });
        }
      }
      assert.deepEqual(await gateway.stored(), nothing);
    });
  }

  test("who only registers, or begins to authorize, stores nothing and asks no object", async () => {
    for (const method of ["none", "client_secret_basic", "client_secret_post"]) {
      const answer = await register({ client_name: "Stranger", redirect_uris: [CALLBACK], token_endpoint_auth_method: method });
      assert.equal(answer.status, 201, answer.text);
    }
    const query = new URLSearchParams({
      response_type: "code", client_id: client.client_id, redirect_uri: CALLBACK, code_challenge: "A".repeat(43), code_challenge_method: "S256",
      resource: gateway.mcpUrl("alpha"),
    });
    assert.equal((await gateway.fetch(`/oauth/authorize?${query}`)).status, 303);
    assert.deepEqual(await gateway.stored(), nothing);
  });

  test("the counter counts: who signs in and gets a token is stored", async () => {
    await signedIn(gateway, "alpha");
    const { writes, objects } = await gateway.stored();
    assert.ok(writes > 0 && objects > 0, `${writes} ${objects}`);
  });
});

describe("a registration", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: NOWHERE }) });
  });
  after(() => gateway?.stop());

  const stored = async () => (await (await gateway.kv()).list({ prefix: "client:" })).keys.map(({ name }) => name);

  test("[H5] is stored with its first token, under a digest, whatever it registered", async () => {
    for (const method of ["none", "client_secret_basic", "client_secret_post"]) {
      const before = (await stored()).length;
      const client = new OAuthClient(gateway, { slug: "alpha", method });
      await client.register();
      assert.match(client.id, /^mcpg_client_/);
      assert.ok(client.id.length > 100 && client.id.length <= 1000, `${client.id.length} characters`);
      assert.equal((await stored()).length, before);
      assert.ok((await client.signIn()).access_token);
      const names = await stored();
      assert.equal(names.length, before + 1);
      assert.ok(names.every((name) => !name.includes(client.id)));
    }
  });

  test("[H5] with more to say than an id holds works as well", async () => {
    const uris = Array.from({ length: 15 }, (_, index) => `https://editor.example/${"p".repeat(100)}/${index}`);
    const answer = await gateway.fetch("/oauth/register", { method: "POST", json: { redirect_uris: uris, token_endpoint_auth_method: "none" } });
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(answer.json.redirect_uris, uris);
    const client = new OAuthClient(gateway, { slug: "alpha", id: answer.json.client_id, method: "none", redirectUri: uris[7] });
    assert.ok((await client.signIn()).access_token);
  });

  test("[H5] of which a character is changed is no client, and says no secret in the log", async () => {
    const client = new OAuthClient(gateway, { slug: "alpha", method: "client_secret_post" });
    await client.register();
    const changed = client.id.slice(0, -1) + (client.id.endsWith("A") ? "B" : "A");
    const answer = await gateway.fetch("/oauth/token", { method: "POST", form: { grant_type: "refresh_token", refresh_token: "x", client_id: changed, client_secret: client.secret } });
    assert.equal(answer.status, 401);
    assert.equal(answer.json.reason, "client_unknown");
    assert.ok(!gateway.logs.toString().includes(client.id) && !gateway.logs.toString().includes(client.secret));
  });
});
