// Two isolates of one deployment, as in two cities: they share KV and objects and nothing else. A balancer in front decides which one answers.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Browser } from "./support/browser.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { callTool, legacyCall, openSession, post } from "./support/mcp.mjs";
import { OAuthClient, signedIn } from "./support/oauth-client.mjs";
import { startReverseProxy } from "./support/reverse-proxy.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("two isolates of one deployment", () => {
  let isolates, balancer, gateway, upstream;
  /** Which isolate answers the next request. */
  let choose;
  const alternate = () => {
    let last = 1;
    return () => (last = 1 - last);
  };

  before(async () => {
    upstream = await startUpstream();
    isolates = await startGateway({ isolates: [{}, {}], config: configuration({ alpha: upstream.url }) });
    balancer = await startReverseProxy(() => ({ port: new URL(isolates.urls[choose()]).port }));
    gateway = {
      url: balancer.url,
      fetch: (target, options) => request(new URL(target, balancer.url), options),
      mcpUrl: (slug) => `${balancer.url}/v1/mcp/${slug}`,
    };
  });
  beforeEach(() => {
    choose = alternate();
  });
  after(async () => {
    await balancer?.stop();
    await Promise.all([isolates?.stop(), upstream?.stop()]);
  });

  /** What `work` answers when that isolate serves all of it. */
  async function at(isolate, work) {
    const before = choose;
    choose = () => isolate;
    try {
      return await work();
    } finally {
      choose = before;
    }
  }
  const statusAt = (isolate, token) => at(isolate, async () => (await callTool(gateway.mcpUrl("alpha"), token)).status);

  /** A client with a code in its hand. */
  async function withCode() {
    const oauth = new OAuthClient(gateway, { slug: "alpha", scope: "mcp:tools offline_access" });
    await oauth.register();
    const arrived = await oauth.authorize();
    assert.ok(arrived.params?.get("code"), arrived.text);
    return { oauth, code: arrived.params.get("code") };
  }

  test("everything from registration to a call works when each request meets the other isolate", async () => {
    const { token, oauth, tokens } = await signedIn(gateway, "alpha");
    for (const isolate of [0, 1]) assert.equal(await statusAt(isolate, token), 200);
    const next = await oauth.refresh(tokens.refresh_token);
    assert.equal(next.status, 200, next.text);
    for (const isolate of [0, 1]) assert.equal(await statusAt(isolate, next.json.access_token), 200);
  });

  test("[X26] a session opened through one isolate goes on in the other, and ends for both", async () => {
    const { token } = await signedIn(gateway, "alpha");
    const url = gateway.mcpUrl("alpha");
    const { session } = await at(0, () => openSession(url, token));
    const call = legacyCall("tools/call", { name: "test_simple_text" }, { session });
    const there = await at(1, () => post(url, token, call));
    assert.equal(there.message?.result?.content[0].text, "This is a simple text response for testing.", there.text);
    assert.equal(there.headers["mcp-session-id"], undefined, "one session, one id: the one it was opened with");
    const ended = await at(1, () => gateway.fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${token}`, "mcp-session-id": session } }));
    assert.equal(ended.status, 200, ended.text);
    assert.equal((await at(0, () => post(url, token, call))).status, 404);
  });

  test("a code redeemed at both isolates at once has one winner, and losing revokes what the winner got", async () => {
    const { oauth, code } = await withCode();
    const answers = await Promise.all(Array.from({ length: 8 }, () => oauth.redeem(code)));
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1, answers.map(({ status, text }) => `${status} ${text}`).join("\n"));
    for (const lost of answers) if (lost !== won[0]) assert.equal(lost.json.error, "invalid_grant", lost.text);
    for (const isolate of [0, 1]) assert.equal(await statusAt(isolate, won[0].json.access_token), 401);
    assert.equal((await oauth.refresh(won[0].json.refresh_token)).json.error, "invalid_grant");
  });

  test("a consent form answered at both isolates at once gives one code", async () => {
    const oauth = new OAuthClient(gateway, { slug: "alpha" });
    await oauth.register();
    const browser = new Browser(gateway.url);
    const login = await browser.open(oauth.authorizationUrl());
    const page = await browser.press(login, login.button("account", (value) => value.endsWith("alice")));
    const approve = page.button("decision", (value) => value === "approve");
    const answers = await Promise.all(Array.from({ length: 6 }, () => browser.press(page, approve)));
    const codes = answers.filter((answer) => answer.params?.has("code"));
    assert.equal(codes.length, 1, answers.map(({ landed, text }) => landed ?? text).join("\n"));
  });

  test("[X4] refreshes at both isolates at once all get the same successor, and so does one that repeats them", async () => {
    const { oauth, tokens } = await signedIn(gateway, "alpha");
    const answers = await Promise.all(Array.from({ length: 8 }, () => oauth.refresh(tokens.refresh_token)));
    answers.push(await oauth.refresh(tokens.refresh_token));
    for (const answer of answers) assert.equal(answer.status, 200, answer.text);
    assert.equal(new Set(answers.map(({ json }) => json.refresh_token)).size, 1, "one successor");
    for (const [index, { json }] of answers.entries()) assert.equal(await statusAt(index % 2, json.access_token), 200);
    assert.equal((await oauth.refresh(answers[0].json.refresh_token)).status, 200, "the successor works");
  });

  test("[X4] a refresh token used after its successor revokes the family at both isolates", async () => {
    const { oauth, tokens } = await signedIn(gateway, "alpha");
    const second = await at(0, () => oauth.refresh(tokens.refresh_token));
    const third = await at(1, () => oauth.refresh(second.json.refresh_token));
    assert.equal((await at(0, () => oauth.refresh(tokens.refresh_token))).json.error, "invalid_grant");
    for (const isolate of [0, 1]) {
      assert.equal((await at(isolate, () => oauth.refresh(third.json.refresh_token))).json.error, "invalid_grant");
      assert.equal(await statusAt(isolate, third.json.access_token), 401);
    }
  });

  test("[N8] a token revoked at one isolate is refused at once by one that has not met it", async () => {
    const { oauth, tokens, token } = await signedIn(gateway, "alpha");
    assert.equal((await at(0, () => oauth.revoke(tokens.refresh_token))).status, 200);
    for (const isolate of [0, 1]) assert.equal(await statusAt(isolate, token), 401);
    for (const isolate of [0, 1]) assert.equal((await at(isolate, () => oauth.refresh(tokens.refresh_token))).json.error, "invalid_grant");
  });

  test("[N8] [P10] an isolate that knew better learns of a revocation and of a configuration within half a minute", async () => {
    const { oauth, token } = await signedIn(gateway, "alpha");
    const stays = (await signedIn(gateway, "alpha", { as: "bob" })).token;
    for (const known of [token, stays]) assert.equal(await statusAt(1, known), 200);
    const began = Date.now();
    assert.equal((await at(0, () => oauth.revoke(token))).status, 200);
    assert.equal(await statusAt(0, token), 401, "at once where it was revoked");
    const added = configuration({ alpha: upstream.url, beta: upstream.url });
    assert.equal((await isolates.configure(added)).status, 200);
    const betaAt = (isolate) => at(isolate, async () => (await gateway.fetch("/.well-known/oauth-protected-resource/v1/mcp/beta")).status);
    assert.equal(await betaAt(0), 200, "at once where it was put");

    const learned = async () => (await statusAt(1, token)) === 401 && (await betaAt(1)) === 200;
    while (!(await learned())) {
      assert.ok(Date.now() - began < 35_000, "it should have learned by now");
      assert.equal(await statusAt(1, stays), 200, "meanwhile it serves");
      await pause(250);
    }
    assert.equal(await statusAt(1, stays), 200, "and who was not revoked goes on");
  });
});
