// `prompt`: a client wants the person to sign in anew, to choose an account, or not to be asked at all. With a certified OpenID Provider, where
// signing in anew means to be asked there although the provider knows the person.
//
// Not here: consent and its policies (consent.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertRefusedOnPage } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startForger, startProvider } from "./support/idp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";

const SERVERS = { alpha: "http://localhost:9/mcp" };

/** A client with a secret, so that nothing but `prompt` could bring a page once it was allowed. */
async function allowed(gateway, browser, as) {
  const oauth = new OAuthClient(gateway, { slug: "alpha", method: "client_secret_post" });
  await oauth.register();
  const arrived = await oauth.authorize({}, { browser, as });
  assert.ok(arrived.params?.get("code"), arrived.text);
  assert.ok((await browser.open(oauth.authorizationUrl())).params?.get("code"), "silent without prompt");
  return oauth;
}

const subjectOf = ({ json }) => JSON.parse(Buffer.from(json.access_token.split(".")[1], "base64url")).sub;

describe("prompt, with a certified provider", () => {
  let gateway, provider;
  before(async () => {
    gateway = await startGateway({ secrets: LOGIN_SECRETS });
    provider = await startProvider(gateway.url);
    await gateway.configure(configuration(SERVERS, { login: oidcLogin(provider) }));
  });
  after(() => Promise.all([gateway?.stop(), provider?.stop()]));

  for (const prompt of ["login", "select_account", "login consent"]) {
    test(`${prompt}: the provider asks again although it knows the person, and the way goes on once they have signed in`, async () => {
      const browser = new Browser(gateway.url, provider.issuer);
      const oauth = await allowed(gateway, browser, "carol");

      let page = await browser.open(oauth.authorizationUrl({ prompt }));
      assert.equal(page.landed, undefined, "not asked");
      const { button, typed } = page.signIn("carol");
      assert.equal(new URL(page.url).origin, new URL(provider.issuer).origin);
      page = await browser.press(page, button, typed);
      if (prompt.includes("consent")) {
        assert.match(page.title, /^Allow/);
        page = await browser.press(page, page.button("decision"));
      }
      assert.ok(page.params?.get("code"), `${page.status} ${page.text}`);
      assert.match(subjectOf(await oauth.redeem(page.params.get("code"))), /carol/);
    });
  }

  test("login: who signs in as somebody else goes on as that person, who allowed nothing yet", async () => {
    const browser = new Browser(gateway.url, provider.issuer);
    const oauth = await allowed(gateway, browser, "carol");
    const asked = await browser.open(oauth.authorizationUrl({ prompt: "login" }));
    const { button, typed } = asked.signIn("dave");
    // The provider ends the session of the one before by a form that a script would send.
    const between = await browser.press(asked, button, typed);
    const { action, fields } = between.forms[0];
    const page = await browser.open(action, { method: "POST", form: fields, from: between });
    assert.match(page.title, /^Allow/);
    const arrived = await browser.press(page, page.button("decision"));
    assert.match(subjectOf(await oauth.redeem(arrived.params.get("code"))), /dave/);
  });

  test("without prompt a provider that knows the person asks nobody", async () => {
    const browser = new Browser(gateway.url, provider.issuer);
    const oauth = await allowed(gateway, browser, "carol");
    for (const [key, { name }] of browser.cookies) if (name.includes("mcp_session")) browser.cookies.delete(key);
    assert.ok((await browser.open(oauth.authorizationUrl())).params?.get("code"));
  });

  test("none: an error in place of every page", async () => {
    const browser = new Browser(gateway.url, provider.issuer);
    const oauth = await allowed(gateway, browser, "carol");
    const outcome = async (by, overrides) => {
      const { params } = await by.open(oauth.authorizationUrl({ prompt: "none", ...overrides }));
      return params.get("error") ?? (params.has("code") && "code");
    };
    assert.equal(await outcome(browser), "code");
    assert.equal(await outcome(browser, { scope: "mcp:tools offline_access" }), "consent_required");
    assert.equal(await outcome(new Browser(gateway.url, provider.issuer)), "login_required");
    assert.equal(await outcome(browser, { prompt: "none login" }), "invalid_request");
  });

  test("the metadata says which values there are", async () => {
    for (const document of ["oauth-authorization-server", "openid-configuration"]) {
      const { json } = await gateway.fetch(`/.well-known/${document}`);
      assert.deepEqual(json.prompt_values_supported, ["none", "login", "consent", "select_account"]);
    }
  });
});

test("login: a provider that signed the person in long ago and says so is not believed", async (t) => {
  const provider = await startForger();
  const gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configuration(SERVERS, { login: oidcLogin(provider) }) });
  t.after(() => Promise.all([gateway.stop(), provider.stop()]));
  const browser = new Browser(gateway.url, provider.issuer);
  const oauth = await allowed(gateway, browser);
  const signedInAt = (seconds) => (provider.forge = ({ claims, sign }) => sign({ ...claims, auth_time: Math.floor(Date.now() / 1000) - seconds }));
  signedInAt(3600);
  assertRefusedOnPage(await browser.open(oauth.authorizationUrl({ prompt: "login" })), { status: 502, reason: "id_token_not_fresh" });
  const { query } = provider.requests.findLast(({ path }) => path === "/authorize");
  assert.deepEqual([query.get("prompt"), query.get("max_age")], ["login", "0"]);
  signedInAt(0);
  assert.ok((await browser.open(oauth.authorizationUrl({ prompt: "login" }))).params?.get("code"));
});
