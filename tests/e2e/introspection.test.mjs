// Introspection (RFC 7662) as a stock library asks, in the runtime: every kind of token, and its end.
//
// Not here: every rule of it (tests/journeys/introspection.rs), who may not ask (tests/attacks/introspection.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as oauth from "oauth4webapi";

import { assertRefused } from "./support/expect.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const SECRET = "the resource server's secret";
const LOOPBACK = { [oauth.allowInsecureRequests]: true };

describe("introspection", () => {
  let gateway, upstream, server;
  before(async () => {
    upstream = await startUpstream();
    const secret = { secret: "RS_SECRET" };
    gateway = await startGateway({
      secrets: { RS_SECRET: SECRET },
      isolates: [{}, {}],
      config: configuration(
        { alpha: upstream.url, beta: upstream.url },
        {
          accepts: ["own", "keys"],
          clients: {
            preregistered: [
              { client_id: "alpha-rs", client_secret: secret, introspects: ["alpha"] },
              { client_id: "beta-rs", client_secret: secret, introspects: ["beta"] },
              { client_id: "ci", client_secret: secret, machine: { servers: ["alpha"] } },
            ],
          },
        },
      ),
    });
    const issuer = new URL(gateway.url);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...LOOPBACK }));
  });
  after(() => Promise.all([gateway, upstream].map((one) => one?.stop())));

  /** What a resource server is told, as a stock library reads it. */
  async function asked(token, client_id = "alpha-rs", authentication = oauth.ClientSecretBasic(SECRET)) {
    const answer = await oauth.introspectionRequest(server, { client_id }, authentication, token, LOOPBACK);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    return oauth.processIntrospectionResponse(server, { client_id }, answer);
  }

  const operator = (path, options) => gateway.fetch(path, { method: "POST", ...options, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });

  test("[H10] a resource server hears of a person's token, by either way of authenticating, until it is revoked", async () => {
    const { oauth: client, tokens, token } = await signedIn(gateway, "alpha");
    for (const authentication of [oauth.ClientSecretBasic(SECRET), oauth.ClientSecretPost(SECRET)]) {
      const told = await asked(token, "alpha-rs", authentication);
      assert.deepEqual([told.active, told.aud, told.iss, told.token_type, told.client_id], [true, gateway.mcpUrl("alpha"), gateway.url, "Bearer", client.id]);
      assert.ok(told.scope.split(" ").includes("mcp:tools") && told.sub && told.exp > told.iat);
    }
    assert.deepEqual(await asked(token, "beta-rs"), { active: false });
    assert.deepEqual(await asked(tokens.refresh_token), { active: false });
    await client.revoke(tokens.refresh_token);
    assert.deepEqual(await asked(token), { active: false });
    const elsewhere = await gateway.at(gateway.url, { isolate: 1 }).fetch("/oauth/introspect", { method: "POST", form: { token, client_id: "alpha-rs", client_secret: SECRET } });
    assert.deepEqual(elsewhere.json, { active: false });
  });

  test("[H10] it hears of a program's token and of an API key, and of nothing that was made up", async () => {
    const form = { grant_type: "client_credentials", client_id: "ci", client_secret: SECRET };
    const program = await gateway.fetch("/oauth/token", { method: "POST", form });
    assert.equal((await asked(program.json.access_token)).sub, "machine:ci");
    const key = await operator("/admin/keys", { json: { name: "Nightly report", expires_in_days: 30, servers: ["alpha"] } });
    assert.deepEqual((await asked(key.json.key)).aud, [gateway.mcpUrl("alpha")]);
    assert.deepEqual(await asked(key.json.key, "beta-rs"), { active: false });
    for (const made_up of ["x", "a.b.c", `${program.json.access_token}x`, `mcpg_key_${"A".repeat(49)}`, `mcpg_rt_${"A".repeat(86)}`]) {
      assert.deepEqual(await asked(made_up), { active: false });
    }
  });

  test("[H10] the operator hears of everything, and nobody else of anything", async () => {
    const { tokens, token } = await signedIn(gateway, "beta");
    assert.equal((await operator("/oauth/introspect", { form: { token } })).json.aud, gateway.mcpUrl("beta"));
    const refresh = (await operator("/oauth/introspect", { form: { token: tokens.refresh_token } })).json;
    assert.deepEqual([refresh.active, refresh.token_type], [true, undefined]);
    const ask = (fields) => gateway.fetch("/oauth/introspect", { method: "POST", form: { token, ...fields } });
    assertRefused(await ask({}), { status: 401, error: "invalid_client", reason: "client_missing" });
    assertRefused(await ask({ client_id: "alpha-rs", client_secret: "wrong" }), { status: 401, error: "invalid_client", reason: "client_secret_wrong" });
    assertRefused(await ask({ client_id: "ci", client_secret: SECRET }), { status: 403, error: "unauthorized_client", reason: "introspection_not_allowed" });
  });
});
