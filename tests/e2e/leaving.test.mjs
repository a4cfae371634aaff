// Who leaves loses access: the identity provider says that somebody signed out, and what is refreshed ends some day.
//
// Not here: what people, clients and operators end (revocation.test.mjs, connections.test.mjs, people.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startForger, startProvider } from "./support/idp.mjs";
import { callTool } from "./support/mcp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ONLINE = "mcp:tools";
const OFFLINE = "mcp:tools offline_access";
const EVENT = "http://schemas.openid.net/event/backchannel-logout";

let upstream, gateway;
before(async () => {
  [upstream, gateway] = await Promise.all([startUpstream(), startGateway({ secrets: LOGIN_SECRETS })]);
});
after(() => Promise.all([upstream?.stop(), gateway?.stop()]));

const configure = (provider, login, rest = {}) =>
  gateway.configure(configuration({ alpha: upstream.url }, { login: oidcLogin(provider, login), consent: "never", ...rest }));

/** A client that a person has signed in for, in their browser. */
async function arrives(provider, browser, { as, scope }) {
  const oauth = new OAuthClient(gateway, { slug: "alpha", scope });
  await oauth.register();
  const tokens = await oauth.signIn({ scope, browser, as });
  return { oauth, tokens, call: () => callTool(gateway.mcpUrl("alpha"), tokens.access_token) };
}

/** Whether the gateway takes the browser for signed in, without asking anybody. */
const isSignedIn = async (browser) => {
  const silent = new Browser(gateway.url);
  silent.cookies = browser.cookies;
  return !(await silent.open(`${gateway.url}/connections`)).landed;
};

describe("a certified provider whose people sign out there", () => {
  let provider;
  before(async () => {
    provider = await startProvider(gateway.url, { saysGoodbye: true });
  });
  after(() => provider?.stop());

  const signsOut = async (browser) => {
    const page = await browser.open(`${provider.issuer}/session/end`);
    const [, action] = /action="([^"]+)"/.exec(page.html ?? page.text);
    const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(page.html ?? page.text);
    await browser.open(action, { method: "POST", form: { xsrf, logout: "yes" } });
  };

  test("[X40] signing out at the provider ends the browser's session and what clients have without offline_access", async () => {
    await configure(provider);
    const [browser, other] = [new Browser(gateway.url, provider.issuer), new Browser(gateway.url, provider.issuer)];
    const online = await arrives(provider, browser, { as: "carol", scope: ONLINE });
    const offline = await arrives(provider, browser, { as: "carol", scope: OFFLINE });
    const bystander = await arrives(provider, other, { as: "dave", scope: ONLINE });
    assert.ok((await online.call()).message.result && (await isSignedIn(browser)));
    await signsOut(browser);
    assertRefused(await online.call(), { status: 401, error: "invalid_token" });
    assert.equal(await isSignedIn(browser), false);
    assert.ok((await offline.call()).message.result);
    assert.equal((await offline.oauth.refresh(offline.tokens.refresh_token)).status, 200);
    assert.ok((await bystander.call()).message.result && (await isSignedIn(other)));
  });

  test("[X40] where the operator wants that, it ends everything of that person", async () => {
    await configure(provider, { backchannel_logout: "everything" });
    const browser = new Browser(gateway.url, provider.issuer);
    const offline = await arrives(provider, browser, { as: "erin", scope: OFFLINE });
    await signsOut(browser);
    assertRefused(await offline.call(), { status: 401, error: "invalid_token" });
    assertRefused(await offline.oauth.refresh(offline.tokens.refresh_token), { status: 400, error: "invalid_grant" });
  });
});

describe("a certified provider that is asked again", () => {
  const putOut = new Set();
  let provider;
  before(async () => {
    provider = await startProvider(gateway.url, { putOut, groupsOf: () => ["support"] });
  });
  after(() => provider?.stop());

  /** Refreshes until the provider's last word is old: what the first refusal says. */
  const refusedAtLast = async ({ oauth, tokens }) => {
    let latest = tokens.refresh_token;
    for (const began = Date.now(); Date.now() - began < 15_000; ) {
      const answer = await oauth.refresh(latest);
      if (answer.status !== 200) return { answer, latest };
      latest = answer.json.refresh_token;
    }
    throw new Error("never refused");
  };

  test("[X40] who is put out there is out when a client of theirs refreshes, and nobody else is", async () => {
    await configure(provider, { recheck_seconds: 1 });
    const [browser, other] = [new Browser(gateway.url, provider.issuer), new Browser(gateway.url, provider.issuer)];
    const frank = await arrives(provider, browser, { as: "frank", scope: OFFLINE });
    const online = await arrives(provider, browser, { as: "frank", scope: ONLINE });
    const grace = await arrives(provider, other, { as: "grace", scope: OFFLINE });
    putOut.add("frank");
    const { answer } = await refusedAtLast(frank);
    assertRefused(answer, { status: 400, error: "invalid_grant" });
    assert.equal(answer.json.reason, "login_recheck_gone");
    assertRefused(await frank.call(), { status: 401, error: "invalid_token" });
    assertRefused(await online.call(), { status: 401, error: "invalid_token" });
    assert.equal(await isSignedIn(browser), false);
    let latest = grace.tokens.refresh_token;
    for (let times = 0; times < 3; times += 1) {
      const refreshed = await grace.oauth.refresh(latest);
      assert.equal(refreshed.status, 200, refreshed.text);
      latest = refreshed.json.refresh_token;
    }
  });
});

describe("a provider that does not answer who asks again", () => {
  test("[X40] gets one more interval, and then nobody goes on until it answers", async () => {
    const provider = await startForger();
    try {
      await configure(provider, { recheck_seconds: 1 });
      const { oauth, tokens } = await arrives(provider, new Browser(gateway.url, provider.issuer), { scope: OFFLINE });
      let [asked, isDown] = [0, true];
      provider.refresh = () => {
        asked += 1;
        return isDown ? { status: 503, json: {} } : { status: 200, json: { access_token: "a", token_type: "Bearer" } };
      };
      let [latest, answer] = [tokens.refresh_token];
      const refreshesUntil = async (status) => {
        for (const began = Date.now(); Date.now() - began < 20_000; ) {
          answer = await oauth.refresh(latest);
          if (answer.status === 200) latest = answer.json.refresh_token;
          if (answer.status === status) return;
        }
        assert.fail(`never ${status}: ${answer.text}`);
      };
      await refreshesUntil(503);
      assert.deepEqual([answer.json.error, answer.json.reason], ["temporarily_unavailable", "login_recheck_unavailable"]);
      assert.ok(Number(answer.headers["retry-after"]) >= 1);
      assert.ok(asked >= 1 && asked < 5, `it is left alone meanwhile: ${asked}`);
      isDown = false;
      await refreshesUntil(200);
    } finally {
      await provider.stop();
    }
  });
});

describe("what a provider may say of a logout", () => {
  let provider, browser, online;
  before(async () => {
    provider = await startForger();
    provider.forge = ({ claims, sign }) => sign({ ...claims, sid: "session-1" });
    await configure(provider);
    browser = new Browser(gateway.url, provider.issuer);
    online = await arrives(provider, browser, { scope: ONLINE });
  });
  after(() => provider?.stop());

  const claims = (more) => {
    const now = Math.floor(Date.now() / 1000);
    return { iss: provider.issuer, aud: "gateway", iat: now, exp: now + 120, jti: "1", events: { [EVENT]: {} }, ...more };
  };
  const say = (token) => gateway.fetch("/oauth/backchannel-logout", { method: "POST", form: { logout_token: token } });

  test("[X40] what is refreshed has an absolute end", async () => {
    await configure(provider, {}, { tokens: { refresh_max_seconds: 2 } });
    const offline = await arrives(provider, new Browser(gateway.url, provider.issuer), { scope: OFFLINE });
    let [answer, { refresh_token: latest }] = [undefined, offline.tokens];
    for (const began = Date.now(); Date.now() - began < 10_000; latest = answer.json.refresh_token) {
      answer = await offline.oauth.refresh(latest);
      if (answer.status !== 200) break;
    }
    assertRefused(answer, { status: 400, error: "invalid_grant" });
    assert.equal(answer.json.reason, "refresh_ended");
  });

  test("[X40] forged, for another client, or no logout token: 400, and nobody is signed out", async () => {
    const stranger = { key: provider.keys.stranger.privateKey };
    const typ = { header: { typ: "logout+jwt" } };
    for (const token of [
      await provider.sign(claims({ sub: "alice" }), { ...typ, ...stranger }),
      await provider.sign(claims({ sub: "alice", aud: "another" }), typ),
      await provider.sign(claims({ sub: "alice", nonce: "n" }), typ),
      await provider.sign(claims({ sub: "alice", events: {} }), typ),
      await provider.sign(claims({ sub: "alice" }), { header: { typ: "at+jwt" } }),
      await provider.sign(claims({}), typ),
      "nonsense",
    ]) {
      const answer = await say(token);
      assertRefused(answer, { status: 400, error: "invalid_request" });
      assert.equal(answer.headers["cache-control"], "no-store");
    }
    assert.ok((await online.call()).message.result && (await isSignedIn(browser)));
  });

  test("[X40] a logout that names the session alone ends it", async () => {
    const token = await provider.sign(claims({ sid: "session-1" }), { header: { typ: "logout+jwt" } });
    for (let times = 0; times < 2; times += 1) {
      const answer = await say(token);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers["cache-control"], "no-store");
    }
    assertRefused(await online.call(), { status: 401, error: "invalid_token" });
    assert.equal(await isSignedIn(browser), false);
  });
});
