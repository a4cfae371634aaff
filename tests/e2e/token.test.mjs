// The token endpoint: one winner per code, rotation with a window for lost answers, and what a token is good for.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused, eventually } from "./support/expect.mjs";
import { configuration, keyRing, startGateway } from "./support/gateway.mjs";
import { callTool, modernCall } from "./support/mcp.mjs";
import { OAuthClient, challengeOf, pkce, signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("tokens", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({
      config: configuration({ alpha: upstream.url, beta: upstream.url }, { consent: "never" }),
    });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const works = async (token, slug = "alpha") => (await callTool(gateway.mcpUrl(slug), token)).status;

  /** A client with a code in its hand. */
  async function withCode(options = {}, overrides = {}) {
    const oauth = new OAuthClient(gateway, { slug: "alpha", scope: "mcp:tools offline_access", ...options });
    await oauth.register();
    const arrived = await oauth.authorize(overrides);
    assert.ok(arrived.params?.get("code"), arrived.text);
    return { oauth, code: arrived.params.get("code") };
  }

  describe("redeeming a code", () => {
    test("[N5] [S1] a code becomes an access token of one hour and, with offline_access, a refresh token", async () => {
      const { oauth, code } = await withCode();
      const answer = await oauth.redeem(code);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers["cache-control"], "no-store");
      const { access_token, refresh_token, token_type, expires_in, scope, ...rest } = answer.json;
      assert.equal(token_type, "Bearer");
      assert.equal(expires_in, 3600);
      assert.equal(scope, "mcp:tools offline_access");
      assert.ok(refresh_token);
      assert.ok(Object.values(rest).every((value) => value !== null));
      assert.equal(await works(access_token), 200);
    });

    test("[S1] without offline_access there is no refresh token", async () => {
      const { tokens } = await signedIn(gateway, "alpha", { scope: "mcp:tools" });
      assert.equal(tokens.refresh_token, undefined);
    });

    test("a code redeemed twice: the second is refused and the first one's tokens die", async () => {
      const { oauth, code } = await withCode();
      const first = await oauth.redeem(code);
      assertRefused(await oauth.redeem(code), { status: 400, error: "invalid_grant" });
      assert.equal(await works(first.json.access_token), 401);
      assertRefused(await oauth.refresh(first.json.refresh_token), { status: 400, error: "invalid_grant" });
    });

    test("a code redeemed many times at once has one winner at most", async () => {
      const { oauth, code } = await withCode();
      const answers = await Promise.all(Array.from({ length: 8 }, () => oauth.redeem(code)));
      assert.equal(answers.filter(({ status }) => status === 200).length, 1);
      for (const answer of answers.filter(({ status }) => status !== 200)) assertRefused(answer, { status: 400, error: "invalid_grant" });
    });

    test("another client's code is refused, and not used up by the attempt", async () => {
      const { oauth, code } = await withCode();
      const thief = new OAuthClient(gateway, { slug: "alpha" });
      await thief.register();
      thief.last = oauth.last;
      assertRefused(await thief.redeem(code), { status: 400, error: "invalid_grant" });
      assert.equal((await oauth.redeem(code)).status, 200);
    });

    const wrong = {
      "no verifier": [{ code_verifier: undefined }, "invalid_request|invalid_grant"],
      "another verifier": [{ code_verifier: pkce().verifier }, "invalid_grant"],
      "the challenge as verifier, as plain would have it": [(oauth) => ({ code_verifier: oauth.last.challenge }), "invalid_grant|invalid_request"],
      "a verifier too short to be one": [{ code_verifier: "short" }, "invalid_grant|invalid_request"],
      "another redirect URI": [{ redirect_uri: "https://evil.example/callback" }, "invalid_grant"],
      "another loopback port": [{ redirect_uri: "http://127.0.0.1:1/callback" }, "invalid_grant"],
      "another server as resource": [() => ({ resource: gateway.mcpUrl("beta") }), "invalid_target"],
      "a code nobody issued": [{ code: "mcpg_code_AAAA" }, "invalid_grant"],
      "an altered code": [(_, code) => ({ code: code.slice(0, -2) + (code.endsWith("AA") ? "BB" : "AA") }), "invalid_grant"],
      "no code": [{ code: undefined }, "invalid_request"],
      "the code twice": [(_, code) => ({ code: [code, code] }), "invalid_request"],
      "no grant type": [{ grant_type: undefined }, "invalid_request"],
      "the password grant": [{ grant_type: "password", username: "a", password: "b" }, "unsupported_grant_type"],
    };
    for (const [name, [overrides, errors]] of Object.entries(wrong)) {
      test(`refused with ${name}, and the honest request still works`, async () => {
        const { oauth, code } = await withCode();
        const bent = typeof overrides === "function" ? overrides(oauth, code) : overrides;
        const answer = await oauth.redeem(code, bent);
        assert.equal(answer.status, 400, answer.text);
        assertRefused(answer, { status: 400 });
        assert.match(answer.json.error, new RegExp(`^(${errors})$`), answer.text);
        assert.equal((await oauth.redeem(code)).status, 200, "the honest request");
      });
    }

    test("[H5] resource and redirect_uri may be left out: 2.1 clients send no redirect_uri", async () => {
      const { oauth, code } = await withCode();
      const answer = await oauth.redeem(code, { redirect_uri: undefined, resource: undefined });
      assert.equal(answer.status, 200, answer.text);
    });

    test("a body that is no form is refused", async () => {
      const { oauth, code } = await withCode();
      const answer = await gateway.fetch("/oauth/token", { method: "POST", json: { grant_type: "authorization_code", code, client_id: oauth.id } });
      assert.ok([400, 415].includes(answer.status), answer.text);
      assert.equal((await gateway.fetch("/oauth/token")).status, 405);
    });
  });

  describe("[H5] confidential clients", () => {
    for (const method of ["client_secret_basic", "client_secret_post"]) {
      test(`[H5] ${method} works with the right secret and with nothing else`, async () => {
        const { oauth, code } = await withCode({ method });
        assert.ok(oauth.secret);
        const basic = (id, secret) => `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
        const form = (fields) => gateway.fetch("/oauth/token", {
          method: "POST",
          form: { grant_type: "authorization_code", code, code_verifier: oauth.last.verifier, redirect_uri: oauth.redirectUri, ...fields },
        });
        for (const fields of [{ client_id: oauth.id }, { client_id: oauth.id, client_secret: "wrong" }, {}]) {
          assertRefused(await form(fields), { status: 401, error: "invalid_client" });
        }
        const header = await oauth.redeem(code, { client_id: undefined, client_secret: undefined }, { authorization: basic(oauth.id, "wrong") });
        assertRefused(header, { status: 401, error: "invalid_client" });
        assert.match(header.headers["www-authenticate"], /^Basic /);
        assert.equal((await oauth.redeem(code)).status, 200);
      });
    }

    test("a Basic header not form-urlencoded, as the SDKs send it, works too", async () => {
      const { oauth, code } = await withCode({ method: "client_secret_basic" });
      const answer = await oauth.redeem(code, {}, { authorization: `Basic ${Buffer.from(`${oauth.id}:${oauth.secret}`).toString("base64")}` });
      assert.equal(answer.status, 200, answer.text);
    });

    test("two ways of authenticating at once are refused", async () => {
      const { oauth, code } = await withCode({ method: "client_secret_basic" });
      const answer = await oauth.redeem(code, { client_id: oauth.id, client_secret: oauth.secret });
      assert.ok([400, 401].includes(answer.status), answer.text);
    });
  });

  test("[S3] a client_id that was never issued here: invalid_client, and what to clear", async () => {
    const { oauth, code } = await withCode();
    const answer = await oauth.redeem(code, { client_id: "mcpg_client_AAAAAAAAAAAAAAAAAAAAAA" });
    assertRefused(answer, { status: 401, error: "invalid_client", fix: /clear.*credentials/i });
  });

  describe("refreshing", () => {
    test("[N5] a refresh rotates: new access token, new refresh token, same scope", async () => {
      const { oauth, tokens } = await signedIn(gateway, "alpha");
      const { status, json } = await oauth.refresh(tokens.refresh_token);
      assert.equal(status, 200);
      assert.notEqual(json.refresh_token, tokens.refresh_token);
      assert.notEqual(json.access_token, tokens.access_token);
      assert.equal(json.scope, tokens.scope);
      assert.equal(await works(json.access_token), 200);
    });

    test("[X4] parallel refreshes, and one repeated because its answer was lost, get the same successor", async () => {
      const { oauth, tokens } = await signedIn(gateway, "alpha");
      const answers = await Promise.all(Array.from({ length: 5 }, () => oauth.refresh(tokens.refresh_token)));
      answers.push(await oauth.refresh(tokens.refresh_token));
      assert.deepEqual(answers.map(({ status }) => status), answers.map(() => 200), answers.map(({ text }) => text).join("\n"));
      const successors = new Set(answers.map(({ json }) => json.refresh_token));
      assert.equal(successors.size, 1);
      for (const { json } of answers) assert.equal(await works(json.access_token), 200);
      assert.equal((await oauth.refresh([...successors][0])).status, 200);
    });

    test("[X4] a refresh token two generations old ends the whole family", async () => {
      const { oauth, tokens } = await signedIn(gateway, "alpha");
      const second = (await oauth.refresh(tokens.refresh_token)).json;
      const third = (await oauth.refresh(second.refresh_token)).json;
      assertRefused(await oauth.refresh(tokens.refresh_token), { status: 400, error: "invalid_grant" });
      assertRefused(await oauth.refresh(third.refresh_token), { status: 400, error: "invalid_grant" });
      for (const { access_token } of [tokens, second, third]) assert.equal(await works(access_token), 401);
    });

    test("a refresh token works for its own client only", async () => {
      const { oauth, tokens } = await signedIn(gateway, "alpha");
      const thief = new OAuthClient(gateway, { slug: "alpha" });
      await thief.register();
      assertRefused(await thief.refresh(tokens.refresh_token), { status: 400, error: "invalid_grant" });
      assert.equal((await oauth.refresh(tokens.refresh_token)).status, 200);
    });

    test("scope may be narrowed, never widened; another resource is invalid_target", async () => {
      const { oauth, tokens } = await signedIn(gateway, "alpha");
      const narrowed = await oauth.refresh(tokens.refresh_token, { scope: "offline_access" });
      assert.equal(narrowed.json.scope, "offline_access");
      assert.equal(await works(narrowed.json.access_token), 403);
      const back = await oauth.refresh(narrowed.json.refresh_token);
      assert.equal(back.json.scope, "mcp:tools offline_access");

      const modest = await signedIn(gateway, "alpha", { scope: "offline_access" });
      assertRefused(await modest.oauth.refresh(modest.tokens.refresh_token, { scope: "mcp:tools offline_access" }), { status: 400, error: "invalid_scope" });
      assertRefused(await modest.oauth.refresh(modest.tokens.refresh_token, { resource: gateway.mcpUrl("beta") }), { status: 400, error: "invalid_target" });
    });

    test("a refresh token nobody issued is invalid_grant", async () => {
      const { oauth, tokens } = await signedIn(gateway, "alpha");
      for (const forged of ["mcpg_rt_AAAA", "x", tokens.refresh_token.slice(0, -2), tokens.access_token]) {
        assertRefused(await oauth.refresh(forged), { status: 400, error: "invalid_grant" });
      }
    });
  });

  test("[N5] lifetimes are configurable, and an ended one sends the client to authorize again", async () => {
    const own = await startGateway({
      config: configuration({ alpha: upstream.url }, { consent: "never", tokens: { access_ttl_seconds: 1, refresh_ttl_seconds: 2 } }),
    });
    try {
      const { oauth, tokens, token } = await signedIn(own, "alpha");
      assert.equal(tokens.expires_in, 1);
      await eventually(async () => {
        const answer = await callTool(own.mcpUrl("alpha"), token);
        assertRefused(answer, { status: 401, error: "invalid_token", says: /^Invalid or expired access token$/ });
        assert.equal(challengeOf(answer).error, "invalid_token");
      });
      const refreshed = await oauth.refresh(tokens.refresh_token);
      assert.equal(refreshed.status, 200, refreshed.text);
      // The last token is not presented while it lives: each use would prolong it.
      await new Promise((resolve) => setTimeout(resolve, 3000));
      assertRefused(await oauth.refresh(refreshed.json.refresh_token), { status: 400, error: "invalid_grant", fix: /authoriz/i });
    } finally {
      await own.stop();
    }
  });

  describe("what a token is good for", () => {
    test("[Z2] [N4] a token without the scope: 403 with the scope to ask for, and stepping up works", async () => {
      const { oauth, token } = await signedIn(gateway, "alpha", { scope: "offline_access" });
      const refused = await callTool(gateway.mcpUrl("alpha"), token);
      assertRefused(refused, { status: 403, error: "insufficient_scope", says: /^Missing required scope: mcp:tools$/ });
      const challenge = challengeOf(refused);
      assert.equal(challenge.error, "insufficient_scope");
      assert.equal(challenge.scope, "mcp:tools");
      assert.equal(challenge.resource_metadata, `${gateway.url}/.well-known/oauth-protected-resource/v1/mcp/alpha`);
      const stepped = await oauth.signIn({ scope: `offline_access ${challenge.scope}` });
      assert.equal(await works(stepped.access_token), 200);
    });

    test("[N9] [N4] a token of another server: 401 invalid_token", async () => {
      const { token } = await signedIn(gateway, "alpha");
      assert.equal(await works(token, "alpha"), 200);
      const refused = await callTool(gateway.mcpUrl("beta"), token);
      assertRefused(refused, { status: 401, error: "invalid_token", says: /^Invalid or expired access token$/, slug: "beta" });
      assert.equal(challengeOf(refused).error, "invalid_token");
    });

    test("[N9] a token of an old public URL: 401 invalid_token", async () => {
      const own = await startGateway({
        secrets: { KEY_RING: keyRing() },
        config: configuration({ alpha: upstream.url }, { consent: "never" }),
      });
      try {
        const { token } = await signedIn(own, "alpha");
        await own.configure(configuration({ alpha: upstream.url }, { consent: "never", public_url: "http://localhost:1" }));
        assertRefused(await callTool(own.at("http://localhost:1").mcpUrl("alpha"), token), { status: 401, error: "invalid_token" });
      } finally {
        await own.stop();
      }
    });

    test("[H12] an altered, unsigned or foreign token: 401 invalid_token", async () => {
      const { token, tokens } = await signedIn(gateway, "alpha");
      const [header, payload, signature] = token.split(".");
      const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const claims = JSON.parse(Buffer.from(payload, "base64url"));
      const stranger = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "never" }) });
      const foreign = await signedIn(stranger, "alpha");
      await stranger.stop();
      const forgeries = {
        "another subject": `${header}.${part({ ...claims, sub: "dev:bob" })}.${signature}`,
        "no algorithm": `${part({ alg: "none", typ: "at+jwt" })}.${payload}.`,
        "no signature": `${header}.${payload}.`,
        "a gateway with other keys": foreign.token,
        "a refresh token": tokens.refresh_token,
        "an endless one": `${token}${"A".repeat(8000)}`,
      };
      for (const [name, forged] of Object.entries(forgeries)) {
        const answer = await callTool(gateway.mcpUrl("alpha"), forged);
        assert.equal(answer.status, 401, `${name}: ${answer.text}`);
        assertRefused(answer, { status: 401, error: "invalid_token" });
      }
    });

    test("an access token says who, for what, and nothing it should not", async () => {
      const { oauth, token } = await signedIn(gateway, "alpha");
      const [header, payload] = token.split(".").slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url")));
      assert.equal(header.typ, "at+jwt");
      assert.equal(header.alg, "HS256");
      assert.equal(payload.iss, gateway.url);
      assert.equal(payload.aud, gateway.mcpUrl("alpha"));
      assert.equal(payload.client_id, oauth.id);
      assert.ok(payload.sub && payload.jti && payload.exp - payload.iat === 3600);
    });
  });

  test("[S4] [X13] ids, codes and tokens have recognisable prefixes", async () => {
    const { oauth, code } = await withCode();
    const { json } = await oauth.redeem(code);
    assert.match(oauth.id, /^mcpg_client_/);
    assert.match(code, /^mcpg_code_/);
    assert.match(json.refresh_token, /^mcpg_rt_/);
  });
});

describe("[X17] key rotation", () => {
  test("[X17] tokens and refresh tokens of the old key go on working while the ring holds it, and no longer", async () => {
    const [old, both] = [keyRing(1), keyRing(2)];
    const upstream = await startUpstream();
    const gateway = await startGateway({
      isolates: [{ KEY_RING: old }, { KEY_RING: `${old},${both}` }, { KEY_RING: both }],
      config: configuration({ alpha: upstream.url }, { consent: "never" }),
    });
    try {
      const [before, during, afterwards] = [0, 1, 2].map((isolate) => gateway.at(gateway.url, { isolate }));
      const post = async (seen, token) => {
        const { headers, json } = modernCall("tools/list");
        return (await seen.fetch("/v1/mcp/alpha", { method: "POST", json, headers: { ...headers, authorization: `Bearer ${token}` } })).status;
      };
      const { oauth, tokens, token } = await signedIn(before, "alpha");
      assert.equal(await post(before, token), 200);
      assert.equal(await post(during, token), 200, "old token, both keys");
      assert.equal(await post(afterwards, token), 401, "old token, new key only");
      oauth.gateway = during;
      const renewed = await oauth.refresh(tokens.refresh_token);
      assert.equal(renewed.status, 200, renewed.text);
      assert.equal(await post(afterwards, renewed.json.access_token), 200, "new token, new key only");
      assert.equal(await post(before, renewed.json.access_token), 401, "new token, old key only");
      oauth.gateway = afterwards;
      assert.equal((await oauth.refresh(renewed.json.refresh_token)).status, 200, "new refresh token, new key only");
    } finally {
      await gateway.stop();
      await upstream.stop();
    }
  });
});
