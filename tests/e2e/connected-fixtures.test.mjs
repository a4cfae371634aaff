// The upstreams that want a token, without the gateway: a stock client meets what the other suites rely on them to do.
//
// Not here: the gateway in between (connect.test.mjs, refresh.test.mjs).

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { startAuthorizationServer, REFRESH } from "./support/authorization-server.mjs";
import { dropAnswer, twice } from "./support/bending-proxy.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { SdkHost, connectSdk1 } from "./support/sdk-host.mjs";
import { startWorkerUpstream } from "./support/worker-upstream.mjs";

const textOf = ({ content }) => content[0].text;

/** An upstream, and a stock client that has signed in to it. */
async function connected(t, serverOptions = {}, upstreamOptions = {}) {
  const server = await startAuthorizationServer(serverOptions);
  t.after(server.stop);
  const upstream = await startConnectedUpstream({ servers: [server], scopes: ["read"], ...upstreamOptions });
  t.after(upstream.stop);
  return { server, upstream, ...(await signedIn(t, upstream, server)) };
}

async function signedIn(t, upstream, server) {
  const host = new SdkHost(server.issuer);
  const { client } = await connectSdk1(upstream.url, { host });
  t.after(() => client.close());
  return { host, whoAmI: async () => textOf(await client.callTool({ name: "who_am_i" })), call: (name) => client.callTool({ name }) };
}

const refresh = (host, server, tokens) =>
  fetch(`${server.issuer}/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: tokens.refresh_token, client_id: host.client.client_id }),
  });

describe("an upstream with an authorization server of its own", () => {
  test("a stock client signs in, calls as that account, and refreshes when its token is forgotten", async (t) => {
    const { server, upstream, host, whoAmI } = await connected(t);
    server.settings.account = "somebody else, later";
    assert.equal(await whoAmI(), "alice");
    assert.equal(server.registrations().length, 1);
    assert.equal(server.tokenRequests("authorization_code").length, 1);
    assert.equal(server.authorizations()[0].query.get("resource"), upstream.url);
    server.expireAccessTokens();
    assert.equal(await whoAmI(), "alice");
    assert.equal(server.tokenRequests("refresh_token").length, 1);
    assert.deepEqual(upstream.tokensSeen(), new Set(host.issued.map(({ access_token: token }) => token)));
  });

  test("rotation-strict: a refresh token used twice kills the grant", async (t) => {
    const { server, host } = await connected(t, { rotation: "strict" });
    const [first] = host.issued;
    const second = await (await refresh(host, server, first)).json();
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal((await refresh(host, server, first)).status, 400);
    assert.equal((await refresh(host, server, second)).status, 400, "its successor is dead too");
    assert.equal(server.liveRefreshTokens("alice"), 0);
  });

  test("a grant can be revoked, and then neither token works", async (t) => {
    const { server, host } = await connected(t);
    server.revokeGrants("alice");
    assert.equal(await server.introspect(host.issued[0].access_token), undefined);
    assert.equal((await refresh(host, server, host.issued[0])).status, 400);
  });

  test("answers can be dropped and requests repeated", async (t) => {
    const { server, host } = await connected(t, { rotation: "strict" });
    server.bend(REFRESH, dropAnswer, { times: 1 });
    await assert.rejects(refresh(host, server, host.issued[0]));
    assert.equal(server.tokenRequests("refresh_token").at(-1).status, 200, "it was done, and nobody heard");
    const other = await connected(t, { rotation: "strict" });
    other.server.bend(REFRESH, twice, { times: 1 });
    assert.equal((await refresh(other.host, other.server, other.host.issued[0])).status, 200);
    assert.equal(other.server.liveRefreshTokens("alice"), 0, "the repetition killed the grant");
  });

  test("a tool that needs more is refused with the scopes to ask for", async (t) => {
    const { upstream, host } = await connected(t, {}, { toolScopes: { test_simple_text: ["write"] } });
    const refused = await fetch(upstream.url, {
      method: "POST",
      headers: { authorization: `Bearer ${host.issued[0].access_token}`, "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "test_simple_text" } }),
    });
    assert.equal(refused.status, 403);
    assert.match(refused.headers.get("www-authenticate"), /insufficient_scope.*scope="read write"/);
  });

  test("it can be without registration, without refresh tokens, and with tokens that end soon", async (t) => {
    const closed = await startAuthorizationServer({ registration: false });
    t.after(closed.stop);
    const metadata = await (await fetch(`${closed.issuer}/.well-known/oauth-authorization-server`)).json();
    assert.equal(metadata.registration_endpoint, undefined);
    const { host } = await connected(t, { refreshTokens: false, accessTtl: 2 });
    assert.equal(host.issued[0].refresh_token, undefined);
    assert.equal(host.issued[0].expires_in, 2);
  });
});

describe("an upstream that is its own authorization server, in a Worker", () => {
  test("a stock client signs in, calls, refreshes, and loses its grant", async (t) => {
    const upstream = await startWorkerUpstream();
    t.after(upstream.stop);
    const { whoAmI, host } = await signedIn(t, upstream, upstream);
    assert.equal(await whoAmI(), "alice");
    await upstream.expireAccessTokens();
    assert.equal(await whoAmI(), "alice");
    assert.equal(upstream.tokenRequests("refresh_token").length, 1);
    assert.deepEqual(upstream.tokensSeen(), new Set(host.issued.map(({ access_token: token }) => token)));
    assert.equal(await upstream.revokeGrants("alice"), 1);
    await assert.rejects(whoAmI());
  });
});
