// Sign-in at the gateway: the development accounts, any OpenID Provider, and the browser session they end in.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertRefusedOnPage, eventually } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, signedWithPublicKey, startForger, startProvider, unsigned } from "./support/idp.mjs";
import { OAuthClient, signedIn } from "./support/oauth-client.mjs";

const NOWHERE = "http://localhost:9/mcp";
const SESSION = "__mcp_session";
const subjectOf = ({ access_token }) => JSON.parse(Buffer.from(access_token.split(".")[1], "base64url")).sub;

describe("the browser session", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: NOWHERE }, { consent: "always" }) });
  });
  after(() => gateway?.stop());

  const client = async (target = gateway) => {
    const oauth = new OAuthClient(target, { slug: "alpha" });
    await oauth.register();
    return oauth;
  };
  const asksForAccount = (page) => page.button?.("account") !== undefined;

  test("[Z11] the session is a cookie of eight hours for this host's browser only", async () => {
    const browser = new Browser(gateway.url);
    await (await client()).authorize({}, { browser });
    const { attributes } = browser.cookie(SESSION);
    assert.equal(attributes["max-age"], String(8 * 3600));
    assert.equal(attributes.path, "/");
    assert.ok(attributes.httponly);
    assert.match(attributes.samesite, /^lax$/i);
    assert.equal(attributes.domain, undefined);
  });

  test("[Z11] within the session no further sign-in is asked, whatever the client", async () => {
    const browser = new Browser(gateway.url);
    await (await client()).authorize({}, { browser });
    const page = await browser.open((await client()).authorizationUrl());
    assert.ok(page.button("decision"), page.text);
  });

  test("[Z11] its lifetime is configurable; after it only the next sign-in or consent step is affected, tokens live on", async () => {
    const own = await startGateway({ config: configuration({ alpha: NOWHERE }, { login: { kind: "dev", session_ttl_seconds: 1 }, consent: "never" }) });
    try {
      const browser = new Browser(own.url);
      const { oauth, tokens } = await signedIn(own, "alpha", { browser });
      await eventually(async () => assert.ok(asksForAccount(await browser.open(oauth.authorizationUrl()))));
      assert.equal((await oauth.refresh(tokens.refresh_token)).status, 200);
    } finally {
      await own.stop();
    }
  });

  test("an id from before the sign-in is worth nothing after it: no session fixation", async () => {
    const oauth = await client();
    const browser = new Browser(gateway.url);
    const planted = "attacker-knows-this-value-attacker-knows-it";
    browser.cookies.set("planted", { name: SESSION, value: planted, host: "localhost", path: "/", attributes: {} });
    await oauth.authorize({}, { browser });
    browser.cookies.delete("planted");
    assert.notEqual(browser.cookie(SESSION).value, planted);
    const attacker = new Browser(gateway.url);
    attacker.cookies.set("planted", { name: SESSION, value: planted, host: "localhost", path: "/", attributes: {} });
    assert.ok(asksForAccount(await attacker.open(oauth.authorizationUrl())));
  });

  test("signing in again replaces the session: the old cookie is dead", async () => {
    const oauth = await client();
    const browser = new Browser(gateway.url);
    await oauth.authorize({}, { browser });
    const old = { ...browser.cookie(SESSION) };
    const page = await browser.open(`${gateway.url}/login`);
    await browser.press(page, page.button("account", (value) => value.endsWith("bob")));
    const thief = new Browser(gateway.url);
    thief.cookies.set("old", old);
    assert.ok(asksForAccount(await thief.open(oauth.authorizationUrl())));
  });

  test("signing out ends the session at the gateway, not only in the browser", async () => {
    const oauth = await client();
    const browser = new Browser(gateway.url);
    await oauth.authorize({}, { browser });
    const copy = { ...browser.cookie(SESSION) };
    const asked = await browser.open(`${gateway.url}/logout`);
    assert.ok(browser.cookie(SESSION), "opening the page ends nothing");
    const foreign = await browser.press({ ...asked, url: "https://evil.example/", headers: {} }, asked.forms[0].buttons[0]);
    assertRefusedOnPage(foreign, { status: 403, reason: "form_from_elsewhere" });
    assert.ok(browser.cookie(SESSION), "nor does another site's form");
    const page = await browser.press(asked, asked.forms[0].buttons[0]);
    assert.equal(page.status, 200);
    assert.equal(browser.cookie(SESSION), undefined);
    const thief = new Browser(gateway.url);
    thief.cookies.set("copy", copy);
    assert.ok(asksForAccount(await thief.open(oauth.authorizationUrl())));
  });

  test("[X17] a stored session moved to another person's key does not open", async () => {
    const oauth = await client();
    const kv = await gateway.kv();
    const [alice, bob] = [new Browser(gateway.url), new Browser(gateway.url)];
    const before = new Set((await kv.list({ prefix: "session:" })).keys.map(({ name }) => name));
    await oauth.authorize({}, { browser: alice, as: "alice" });
    const [aliceKey] = (await kv.list({ prefix: "session:" })).keys.map(({ name }) => name).filter((name) => !before.has(name));
    before.add(aliceKey);
    await oauth.authorize({}, { browser: bob, as: "bob" });
    const [bobKey] = (await kv.list({ prefix: "session:" })).keys.map(({ name }) => name).filter((name) => !before.has(name));
    await kv.put(bobKey, await kv.get(aliceKey));
    assert.ok(asksForAccount(await bob.open(oauth.authorizationUrl())), "bob's browser got alice's session");
  });

  test("[X17] nothing readable is stored: no cookie, no name, no token", async () => {
    const own = await startGateway({ config: configuration({ alpha: NOWHERE }, { consent: "once" }) });
    try {
      const browser = new Browser(own.url);
      const { tokens, oauth } = await signedIn(own, "alpha", { browser, method: "client_secret_post" });
      const kv = await own.kv();
      const { keys } = await kv.list();
      const stored = (await Promise.all(keys.map(async ({ name }) => `${name} ${await kv.get(name)}`))).join("\n");
      for (const [what, secret] of Object.entries({ session: browser.cookie(SESSION).value, access: tokens.access_token, refresh: tokens.refresh_token, client: oauth.secret, person: "alice" })) {
        assert.ok(!stored.replace(/"config":\{.*\}/, "").includes(secret), `${what} is readable in storage`);
      }
    } finally {
      await own.stop();
    }
  });
});

describe("the development sign-in", () => {
  let gateway, oauth;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: NOWHERE }, { consent: "never" }) });
    oauth = new OAuthClient(gateway, { slug: "alpha" });
    await oauth.register();
  });
  after(() => gateway?.stop());

  test("the chosen account becomes the subject", async () => {
    const [alice, bob] = [await oauth.signIn({ as: "alice" }), await oauth.signIn({ as: "bob" })];
    assert.match(subjectOf(alice), /alice/);
    assert.match(subjectOf(bob), /bob/);
  });

  test("a sign-in started in another browser cannot be finished: state swap", async () => {
    const attacker = new Browser(gateway.url);
    const page = await attacker.open(oauth.authorizationUrl());
    const victim = new Browser(gateway.url);
    assertRefusedOnPage(await victim.press(page, page.button("account")), { says: [/start again/i] });
    assert.equal(victim.cookie(SESSION), undefined);
  });

  test("a sign-in form works once", async () => {
    const browser = new Browser(gateway.url);
    const page = await browser.open(oauth.authorizationUrl());
    await browser.press(page, page.button("account"));
    assertRefusedOnPage(await browser.press(page, page.button("account")), { says: [/start again/i] });
  });

  test("an account that is not on the page is refused, and so is a form from elsewhere", async () => {
    const other = new Browser(gateway.url);
    const form = await other.open(oauth.authorizationUrl());
    const button = form.button("account");
    button.value = "dev:root";
    const refused = await other.press(form, button);
    assertRefusedOnPage(refused, { status: refused.status });
    assert.equal(other.cookie(SESSION), undefined);
    const third = new Browser(gateway.url);
    const page3 = await third.open(oauth.authorizationUrl());
    const foreign = await third.press({ ...page3, url: "https://evil.example/", headers: {} }, page3.button("account"));
    assertRefusedOnPage(foreign, { status: foreign.status });
  });

  test("after the sign-in one returns to a page of ours, whatever the address said", async () => {
    for (const target of ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]) {
      const browser = new Browser(gateway.url);
      const page = await browser.open(`${gateway.url}/login?return_to=${encodeURIComponent(target)}`);
      const end = page.button?.("account") ? await browser.press(page, page.button("account")) : page;
      assert.equal(end.landed, undefined, `${target} led to ${end.landed}`);
    }
  });
});

describe("sign-in with an OpenID Provider", () => {
  for (const algorithm of ["RS256", "ES256"]) {
    for (const authentication of ["client_secret_basic", "client_secret_post"]) {
      test(`${algorithm}, ${authentication}: a certified provider, from bare URL to token`, async () => {
        const gateway = await startGateway({ secrets: LOGIN_SECRETS });
        const provider = await startProvider(gateway.url, { algorithm, authentication });
        try {
          await gateway.configure(configuration({ alpha: NOWHERE }, { login: oidcLogin(provider) }));
          const browser = new Browser(gateway.url, provider.issuer);
          const { tokens } = await signedIn(gateway, "alpha", { browser, as: "carol" });
          assert.match(subjectOf(tokens), /carol/);
          assert.ok((await gateway.fetch("/status")).json.ready);
        } finally {
          await Promise.all([gateway.stop(), provider.stop()]);
        }
      });
    }
  }

  describe("what a provider might send", () => {
    let gateway, provider, oauth;
    before(async () => {
      provider = await startForger();
      gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configuration({ alpha: NOWHERE }, { login: oidcLogin(provider), consent: "never" }) });
      oauth = new OAuthClient(gateway, { slug: "alpha" });
      await oauth.register();
    });
    after(() => Promise.all([gateway?.stop(), provider?.stop()]));

    const honest = { forge: ({ claims, sign }) => sign(claims), callback: (parameters) => parameters };
    const attempt = async (bent) => {
      Object.assign(provider, honest, bent);
      const browser = new Browser(gateway.url, provider.issuer);
      const arrived = await oauth.authorize({}, { browser });
      Object.assign(provider, honest);
      return { arrived, browser };
    };

    test("an honest one signs in, with PKCE, state and nonce", async () => {
      const { arrived } = await attempt({});
      assert.ok(arrived.params?.get("code"), arrived.text);
      const { query } = provider.requests.findLast(({ path }) => path === "/authorize");
      assert.equal(query.get("code_challenge_method"), "S256");
      assert.ok(query.get("state") && query.get("nonce") && query.get("code_challenge"));
      assert.match(query.get("scope"), /\bopenid\b/);
      const { body } = provider.requests.findLast(({ path }) => path === "/token");
      assert.match(body, /code_verifier=/);
    });

    const soon = () => Math.floor(Date.now() / 1000);
    const forgeries = {
      "another issuer": ({ claims, sign }) => sign({ ...claims, iss: "https://evil.example" }),
      "the issuer with a slash more": ({ claims, sign }) => sign({ ...claims, iss: `${claims.iss}/` }),
      "another audience": ({ claims, sign }) => sign({ ...claims, aud: "somebody-else" }),
      "several audiences and another authorized party": ({ claims, sign }) => sign({ ...claims, aud: [claims.aud, "other"], azp: "other" }),
      "another nonce": ({ claims, sign }) => sign({ ...claims, nonce: "of another sign-in" }),
      "no nonce": ({ claims: { nonce, ...rest }, sign }) => sign(rest),
      "an end in the past": ({ claims, sign }) => sign({ ...claims, iat: soon() - 7200, exp: soon() - 3600 }),
      "no end": ({ claims: { exp, ...rest }, sign }) => sign(rest),
      "no subject": ({ claims: { sub, ...rest }, sign }) => sign(rest),
      "no signature": ({ claims }) => unsigned(claims),
      "HS256 with the public key as secret": ({ claims, keys }) => signedWithPublicKey(claims, keys.honest.publicKey),
      "a stranger's key under the honest name": ({ claims, sign, keys }) => sign(claims, { key: keys.stranger.privateKey }),
      "a key nobody published": ({ claims, sign, keys }) => sign(claims, { key: keys.stranger.privateKey, header: { kid: "unknown" } }),
      "something that is no token": () => "not.a.token",
    };
    for (const [name, forge] of Object.entries(forgeries)) {
      test(`an ID token with ${name} signs nobody in`, async () => {
        const { arrived, browser } = await attempt({ forge });
        assertRefusedOnPage(arrived, { status: arrived.status });
        assert.ok(arrived.status >= 400, String(arrived.status));
        assert.equal(browser.cookie(SESSION), undefined);
      });
    }

    const callbacks = {
      "another state": (parameters) => ({ ...parameters, state: "another" }),
      "no state": ({ state, ...rest }) => rest,
      "another issuer in iss": (parameters) => ({ ...parameters, iss: "https://evil.example" }),
      "no code": ({ code, ...rest }) => rest,
      "an error": ({ state }) => ({ state, error: "access_denied", error_description: "<script>alert(1)</script>" }),
    };
    for (const [name, callback] of Object.entries(callbacks)) {
      test(`an answer with ${name} signs nobody in`, async () => {
        const { arrived, browser } = await attempt({ callback });
        assertRefusedOnPage(arrived, { status: arrived.status });
        assert.ok(!arrived.html.includes("<script>alert"), "the provider's words are not escaped");
        assert.equal(browser.cookie(SESSION), undefined);
      });
    }

    test("an answer meant for another browser signs nobody in: login CSRF", async () => {
      Object.assign(provider, honest);
      const attacker = new Browser(gateway.url);
      const stopped = await attacker.open(oauth.authorizationUrl());
      assert.equal(stopped.landed.origin, provider.issuer);
      const back = await new Browser(provider.issuer).open(stopped.landed);
      const victim = new Browser(gateway.url, provider.issuer);
      assertRefusedOnPage(await victim.open(back.landed), { says: [/start again/i] });
      assert.equal(victim.cookie(SESSION), undefined);
    });

    test("an answer works once", async () => {
      Object.assign(provider, honest);
      const browser = new Browser(gateway.url);
      const out = await browser.open(oauth.authorizationUrl());
      const back = await new Browser(provider.issuer).open(out.landed);
      await browser.open(back.landed);
      assertRefusedOnPage(await browser.open(back.landed), { says: [/start again/i] });
    });
  });

  for (const algorithm of ["RS256", "ES256"]) {
    describe(`whose signature an ID token with ${algorithm} carries`, () => {
      let gateway, provider, oauth;
      before(async () => {
        provider = await startForger({ algorithm });
        gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configuration({ alpha: NOWHERE }, { login: oidcLogin(provider), consent: "never" }) });
        oauth = new OAuthClient(gateway, { slug: "alpha" });
        await oauth.register();
      });
      after(() => Promise.all([gateway?.stop(), provider?.stop()]));

      let published = 0;
      /** Signs in, with a token that `forge` makes and, where there are any, new keys, under a name not seen before. */
      const attempt = async (forge, publish) => {
        const header = publish && { kid: `key-${(published += 1)}` };
        Object.assign(provider, { forge: (token) => forge({ ...token, header }), jwks: (keys) => (publish ? publish(keys[0], header.kid) : keys) });
        const browser = new Browser(gateway.url, provider.issuer);
        return { arrived: await oauth.authorize({}, { browser }), browser };
      };
      const honest = ({ claims, sign, header }) => sign(claims, { header });
      /** The honest token with another signature. */
      const resigned = (change) => async (token) => {
        const [header, claims, signature] = (await honest(token)).split(".");
        return `${header}.${claims}.${change(Buffer.from(signature, "base64url")).toString("base64url")}`;
      };
      const signsIn = ({ arrived }) => assert.ok(arrived.params?.get("code"), arrived.text);
      const isRefused = ({ arrived, browser }, reason = "id_token_wrong_signature") => {
        assertRefusedOnPage(arrived, { status: 502, reason });
        assert.equal(browser.cookie(SESSION), undefined);
      };

      test("the provider's own signs in", async () => signsIn(await attempt(honest)));
      const forgeries = {
        "a stranger's": ({ claims, sign, keys }) => sign(claims, { key: keys.stranger.privateKey }),
        "that of other claims": async ({ claims, sign }) => {
          const [real, forged] = await Promise.all([sign(claims), sign({ ...claims, sub: "mallory" })]);
          return [...forged.split(".").slice(0, 2), real.split(".")[2]].join(".");
        },
        "one of zeros": resigned((signature) => Buffer.alloc(signature.length)),
        "one with a bit changed": resigned((signature) => signature.fill(signature[9] ^ 1, 9, 10)),
        "one that is cut": resigned((signature) => signature.subarray(1)),
        "one with a byte more": resigned((signature) => Buffer.concat([signature, Buffer.alloc(1)])),
      };
      for (const [name, forge] of Object.entries(forgeries)) {
        test(`${name} signs nobody in`, async () => isRefused(await attempt(forge)));
      }

      test("that of a new key signs in, also beside another key of its name", async () => {
        signsIn(await attempt(honest, (key, kid) => [{ ...key, kid }]));
        const stranger = startForger({ algorithm });
        try {
          const { keys } = await (await fetch(`${(await stranger).issuer}/jwks`)).json();
          signsIn(await attempt(honest, (key, kid) => [...keys, key].map((one) => ({ ...one, kid }))));
          isRefused(await attempt(honest, (_, kid) => keys.map((one) => ({ ...one, kid }))));
        } finally {
          await (await stranger).stop();
        }
      });

      const unfit = {
        RS256: {
          "with an exponent of one": { jwk: { e: "AQ" }, reason: "id_token_unknown_key" },
          "with an even modulus": { jwk: { n: Buffer.alloc(256, 0xfe).toString("base64url") }, reason: "id_token_unknown_key" },
        },
        ES256: {
          "that is no point of the curve": { jwk: { y: Buffer.alloc(32, 1).toString("base64url") } },
          "whose coordinates are larger than the field": { jwk: { x: Buffer.alloc(32, 0xff).toString("base64url") } },
          "that is nothing": { jwk: { x: Buffer.alloc(32).toString("base64url"), y: Buffer.alloc(32).toString("base64url") } },
        },
      };
      for (const [name, { jwk, reason }] of Object.entries(unfit[algorithm])) {
        test(`that of a key ${name} signs nobody in`, async () => isRefused(await attempt(honest, (key, kid) => [{ ...key, ...jwk, kid }]), reason));
      }
    });
  }

  for (const [modulusLength, publicExponent] of [[3072, 3], [4096, 65537], [2048, 17]]) {
    test(`an RSA key of ${modulusLength} bits with the exponent ${publicExponent} signs in`, async () => {
      const provider = await startForger({ keyPair: () => generateKeyPairSync("rsa", { modulusLength, publicExponent }) });
      const gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configuration({ alpha: NOWHERE }, { login: oidcLogin(provider), consent: "never" }) });
      try {
        await signedIn(gateway, "alpha", { browser: new Browser(gateway.url, provider.issuer) });
      } finally {
        await Promise.all([gateway.stop(), provider.stop()]);
      }
    });
  }

  test("a provider whose document names another issuer is refused, with both names for the operator", async () => {
    const provider = await startForger();
    provider.discovery = (document) => ({ ...document, issuer: "https://evil.example" });
    const gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configuration({ alpha: NOWHERE }, { login: oidcLogin(provider) }) });
    try {
      const oauth = new OAuthClient(gateway, { slug: "alpha" });
      await oauth.register();
      assertRefusedOnPage(await oauth.authorize(), { status: 503 });
      const { json } = await gateway.fetch("/status");
      assert.equal(json.ready, false);
      assert.match(JSON.stringify(json.checks), /evil\.example/);
    } finally {
      await Promise.all([gateway.stop(), provider.stop()]);
    }
  });

  test("a provider that is away: 503 with a time to come back, and nobody is let in", async () => {
    const provider = await startForger();
    const gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configuration({ alpha: NOWHERE }, { login: oidcLogin(provider) }) });
    await provider.stop();
    try {
      const oauth = new OAuthClient(gateway, { slug: "alpha" });
      await oauth.register();
      const page = await oauth.authorize();
      assertRefusedOnPage(page, { status: 503 });
      assert.ok(Number(page.headers["retry-after"]) > 0);
    } finally {
      await gateway.stop();
    }
  });

  test("the sign-in's client secret and codes stay out of the log", async () => {
    const provider = await startForger();
    const gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configuration({ alpha: NOWHERE }, { login: oidcLogin(provider) }) });
    try {
      const browser = new Browser(gateway.url, provider.issuer);
      const { oauth, tokens } = await signedIn(gateway, "alpha", { browser });
      await oauth.refresh("mcpg_rt_wrong");
      await gateway.logs.find(({ fields }) => fields?.reason);
      const log = String(gateway.logs);
      for (const secret of [LOGIN_SECRETS.LOGIN_CLIENT_SECRET, tokens.access_token, tokens.refresh_token, browser.cookie(SESSION).value, oauth.last.verifier]) {
        assert.ok(!log.includes(secret), "a secret is in the log");
      }
    } finally {
      await Promise.all([gateway.stop(), provider.stop()]);
    }
  });
});
