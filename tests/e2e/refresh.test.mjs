// Keeping a connection: tokens are refreshed before they end and when the upstream refuses them, once for everybody everywhere, and
// whatever happens to the answer, a connection is lost only when the upstream really ended it.
//
// Not here: making one (connect.test.mjs), killing the gateway in the middle of it (refresh-interrupted.test.mjs).

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { REFRESH, startAuthorizationServer } from "./support/authorization-server.mjs";
import { answerWith, change, delayAnswer, doubled, dropAnswer, dropRequest, twice } from "./support/bending-proxy.mjs";
import { clientOf, connect, people, startIsolates } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { eventually } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { startUpstream } from "./support/upstream.mjs";
import { startWorkerUpstream } from "./support/worker-upstream.mjs";

const NOTES = (upstream) => ({ name: "Notes", url: upstream.url, auth: { kind: "oauth" } });
const PEOPLE = Array.from({ length: 20 }, (_, index) => `person-${index}`);

/** Each way an authorization server treats refresh tokens, and whether it bears that one is used twice. */
const VARIANTS = {
  "oidc-provider, refresh tokens kept": { forgiving: true, start: () => withServer({ rotation: "none" }) },
  "oidc-provider, rotated, reuse kills the grant": { forgiving: false, start: () => withServer({ rotation: "strict" }) },
  "workers-oauth-provider, rotated, the previous one stays good": {
    forgiving: true,
    start: async () => {
      const upstream = await startWorkerUpstream();
      return { server: upstream, upstream };
    },
  },
};

async function withServer(options) {
  const server = await startAuthorizationServer(options);
  return { server, upstream: await startConnectedUpstream({ servers: [server], scopes: ["read"] }) };
}

for (const [name, { forgiving, start }] of Object.entries(VARIANTS)) {
  describe(`refreshing at ${name}`, () => {
    let gateway, server, upstream, alice, refreshes;
    let number = 0;
    before(async () => {
      ({ server, upstream } = await start());
      gateway = await startIsolates({ config: configuration({ notes: NOTES(upstream) }, people(...PEOPLE)) });
    });
    after(() => Promise.all([gateway?.stop(), upstream?.stop(), server !== upstream && server?.stop()]));

    /** A person of their own for each test, connected and known to both isolates. */
    beforeEach(async () => {
      const as = PEOPLE[(number += 1)];
      server.settings.account = `${as}@notes`;
      alice = await clientOf(gateway, "notes", [server], { as });
      for (let times = 0; times < 2; times += 1) assert.equal((await alice.call()).said, server.settings.account);
      const before = server.tokenRequests("refresh_token").length;
      refreshes = () => server.tokenRequests("refresh_token").slice(before);
    });
    afterEach(() => server.straighten());

    const hundred = () => Promise.all(Array.from({ length: 100 }, () => alice.call()));
    const assertAllServed = (answers) => {
      const failed = answers.filter(({ said }) => !said);
      assert.equal(failed.length, 0, `${failed.length} of ${answers.length} failed, such as: ${failed[0]?.status} ${failed[0]?.text}`);
    };
    /** The connection works, or asks for renewal because nothing is left of it upstream. */
    async function assertKeptOrReallyGone() {
      const answer = await alice.call();
      if (answer.said) return "kept";
      assert.equal(forgiving, false, `lost for nothing: ${answer.text}`);
      const session = await alice.session();
      const asked = await session.call();
      assert.equal(asked.signal?.state, "reconsent_required", asked.text);
      assert.equal(server.liveRefreshTokens(server.settings.account), 0, "the upstream still held it good");
      await connect(alice.browser, asked.signal.url);
      assert.ok((await session.call()).said);
      return "gone";
    }

    test("[Z5] upstream 401 is refreshed and retried", async () => {
      const session = await alice.session();
      assert.ok((await session.call()).said);
      await server.expireAccessTokens();
      const answer = await session.call();
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.said, answer.text);
      assert.equal(refreshes().length, 1);
      assert.equal(refreshes()[0].form.resource, upstream.url, "RFC 8707 on a refresh too");
    });

    test("[X3] a hundred parallel calls with an expired token, through two isolates: one refresh, no failed call", async () => {
      await server.expireAccessTokens();
      assertAllServed(await hundred());
      assert.equal(refreshes().length, 1);
    });

    test("[X3] the same with an answer that takes ten seconds", async () => {
      await server.expireAccessTokens();
      server.bend(REFRESH, delayAnswer(10_000), { times: 1 });
      assertAllServed(await hundred());
      assert.equal(refreshes().length, 1);
    });

    test("[X3] the same with an answer that is lost", { timeout: 120_000 }, async () => {
      await server.expireAccessTokens();
      server.bend(REFRESH, dropAnswer, { times: 1 });
      const answers = await hundred();
      if (forgiving) assertAllServed(answers);
      await assertKeptOrReallyGone();
      assert.ok(refreshes().length <= 3, `${refreshes().length} refreshes`);
    });

    test("[X3] the same with a request that is lost", { timeout: 120_000 }, async () => {
      await server.expireAccessTokens();
      server.bend(REFRESH, dropRequest, { times: 1 });
      await hundred();
      const end = await assertKeptOrReallyGone();
      assert.equal(end, "kept", "the upstream never saw the first one");
    });

    test("[X3] the same with a request that arrives twice", { timeout: 120_000 }, async () => {
      await server.expireAccessTokens();
      server.bend(REFRESH, twice, { times: 1 });
      const answers = await hundred();
      if (forgiving) assertAllServed(answers);
      await assertKeptOrReallyGone();
    });

    test("[X3] the same with an answer that comes doubled", { timeout: 120_000 }, async () => {
      await server.expireAccessTokens();
      server.bend(REFRESH, doubled, { times: 1 });
      await hundred();
      await assertKeptOrReallyGone();
    });

    test("[Z4] a grant that the upstream revoked asks to be renewed, once, and renewing replaces the tokens", async () => {
      const session = await alice.session();
      await server.expireAccessTokens();
      await server.revokeGrants(server.settings.account);
      const asked = await session.call();
      assert.equal(asked.signal?.state, "reconsent_required", asked.text);
      assert.match(asked.text, /Notes authorization must be renewed\./);
      for (let times = 0; times < 5; times += 1) assert.equal((await session.call()).signal?.state, "reconsent_required");
      assert.ok(refreshes().length <= 1, `${refreshes().length} refreshes of a dead grant`);
      await connect(alice.browser, asked.signal.url);
      assert.ok((await session.call()).said);
      assert.ok((await alice.call()).said);
    });

    test("an authorization server that is down for a while loses nobody's connection", { timeout: 120_000 }, async () => {
      await server.expireAccessTokens();
      server.bend(REFRESH, answerWith(503, { error: "temporarily_unavailable" }));
      const answers = await Promise.all([alice.call(), alice.call()]);
      for (const answer of answers) {
        assert.equal(answer.signal, undefined, "nobody is asked to do anything");
        assert.ok(answer.status >= 500 || answer.message?.error, `${answer.status} ${answer.text}`);
      }
      assert.ok(refreshes().length <= 3, `${refreshes().length} requests to a server that is down`);
      server.straighten();
      await eventually(async () => assert.ok((await alice.call()).said), { within: 60_000, every: 500 });
    });

    test("[P11] a refresh answer without a new refresh token keeps the old one; without expires_in, or with a wrong one, calls go on", async () => {
      /** The upstream forgets the token, and either isolate calls: with the old one first, with what the other got after that. */
      const callsGoOn = async (what) => {
        await server.expireAccessTokens();
        for (let times = 0; times < 2; times += 1) {
          const answer = await alice.call();
          assert.ok(answer.said, `${what}: ${answer.text}`);
        }
      };
      if (forgiving) {
        for (let times = 0; times < 2; times += 1) {
          server.bend(REFRESH, change(({ refresh_token: _kept, ...rest }) => rest), { times: 1 });
          await callsGoOn("no new refresh token");
        }
      }
      for (const expires of [undefined, 0, -5, "3600", 1e12, null, 0.5]) {
        server.bend(REFRESH, change((answer) => ({ ...answer, expires_in: expires })), { times: 1 });
        await callsGoOn(`expires_in ${expires}`);
      }
      server.straighten();
      await callsGoOn("as usual");
      const settled = refreshes().length;
      for (let times = 0; times < 5; times += 1) assert.ok((await alice.call()).said);
      assert.equal(refreshes().length, settled);
    });
  });
}

describe("tokens that end", () => {
  async function world(t, options) {
    const { server, upstream } = await withServer(options);
    const gateway = await startGateway({ config: configuration({ notes: NOTES(upstream) }) });
    t.after(() => Promise.all([gateway.stop(), upstream.stop(), server.stop()]));
    return { server, upstream, gateway, alice: await clientOf(gateway, "notes", [server]) };
  }

  test("[P11] a short-lived token is renewed before it ends: the upstream never refuses a call", async (t) => {
    const { server, upstream, alice } = await world(t, { accessTtl: 5, rotation: "strict" });
    const refused = () => upstream.calls("tools/call").filter(({ auth }) => !auth).length;
    const end = Date.now() + 13_000;
    while (Date.now() < end) {
      assert.ok((await alice.call()).said);
      await pause(100);
    }
    assert.equal(refused(), 0);
    const count = server.tokenRequests("refresh_token").length;
    assert.ok(count >= 2 && count <= 6, `${count} refreshes in 13 seconds of tokens that live 5`);
  });

  test("[Z4] without a refresh token, the end of the access token asks for renewal and for nothing else", async (t) => {
    const { server, alice } = await world(t, { refreshTokens: false });
    assert.ok((await alice.call()).said);
    server.expireAccessTokens();
    const asked = await (await alice.session()).call();
    assert.equal(asked.signal?.state, "reconsent_required", asked.text);
    assert.equal(server.tokenRequests("refresh_token").length, 0);
    await connect(alice.browser, asked.signal.url);
    assert.ok((await alice.call()).said);
  });

  test("an upstream that refuses even a fresh token is a failure with an end, not a loop", async (t) => {
    const { server, upstream, alice } = await world(t, {});
    assert.ok((await alice.call()).said);
    upstream.bend("/mcp", answerWith(401, { error: "invalid_token" }, { "www-authenticate": 'Bearer error="invalid_token"' }));
    const answer = await alice.call();
    assert.equal(answer.said, undefined);
    assert.notEqual(answer.status, 401, "the upstream's 401 is not the client's");
    assert.ok(server.tokenRequests("refresh_token").length <= 1);
    for (let times = 0; times < 5; times += 1) await alice.call();
    assert.ok(server.tokenRequests("refresh_token").length <= 6, "no more than one a call");
    upstream.straighten();
    await eventually(async () => assert.ok((await alice.call()).said), { within: 35_000, every: 500 });
  });
});

describe("what a connected call costs", () => {
  test("[X3] warm: 0 KV, 0 objects, 1 subrequest; the first in a cold isolate: one KV read for the connection", async (t) => {
    const { server, upstream } = await withServer({});
    const plain = await startUpstream();
    const gateway = await startIsolates({ counted: true, config: configuration({ plain: plain.url, notes: NOTES(upstream) }, { consent: "never" }) });
    t.after(() => Promise.all([gateway.stop(), upstream.stop(), server.stop(), plain.stop()]));
    gateway.choose(0);
    const alice = await clientOf(gateway, "notes", [server]);
    const [one, another] = [await clientOf(gateway, "plain", [], { browser: alice.browser }), await clientOf(gateway, "plain", [], { browser: alice.browser })];
    assert.ok((await alice.call()).said);
    await gateway.counts();
    assert.ok((await alice.call()).said);
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 1 });
    const session = await alice.session();
    await session.call();
    await gateway.counts();
    assert.ok((await session.call()).said);
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 1 }, "in a legacy session too");

    gateway.choose(1);
    const costs = async (call) => {
      await gateway.counts({ isolate: 1 });
      assert.equal((await call()).status, 200);
      return gateway.counts({ isolate: 1 });
    };
    await costs(() => callTool(one.url, one.token)); // reads the configuration
    const unconnected = await costs(() => callTool(another.url, another.token));
    assert.deepEqual(await costs(() => alice.call()), { ...unconnected, kv: unconnected.kv + 1 });
    assert.ok((await alice.call()).said);
    assert.deepEqual(await gateway.counts({ isolate: 1 }), { kv: 0, objects: 0, subrequests: 1 });
  });
});
