// The consent page: what it tells, who may answer it, how often, and when it is not shown.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertErrorRedirect, assertRefusedOnPage } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";

const NOWHERE = "http://localhost:9/mcp";

describe("consent", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: NOWHERE, beta: NOWHERE }, { consent: "always" }) });
  });
  after(() => gateway?.stop());

  async function client(metadata = {}, options = {}) {
    const oauth = new OAuthClient(gateway, { slug: "alpha", ...options });
    const answer = await oauth.register(metadata);
    assert.equal(answer.status, 201, answer.text);
    return oauth;
  }

  /** Signs in and stops at the consent page. */
  async function reachConsent(oauth, browser = new Browser(gateway.url), as = "alice", overrides = {}) {
    let page = await browser.open(oauth.authorizationUrl(overrides));
    const account = page.button("account", (value) => value.endsWith(as));
    if (account) page = await browser.press(page, account);
    assert.ok(page.button("decision"), `no consent page: ${page.landed ?? `${page.status} ${page.text}`}`);
    return { browser, page };
  }
  const approve = (page) => page.button("decision", (value) => value === "approve");
  const deny = (page) => page.button("decision", (value) => value === "deny");

  test("[S9] the page names client, server, redirect host and scopes; nobody may frame it, and popups keep working", async () => {
    const oauth = await client({ client_name: "Sunflower <b>Desk</b>" }, { redirectUri: "https://sunflower.example/cb" });
    const { page } = await reachConsent(oauth);
    for (const said of ["Sunflower <b>Desk</b>", "The alpha", "sunflower.example", "mcp:tools"]) assert.ok(page.text.includes(said) || page.html.includes(said), `${said} missing in: ${page.text}`);
    assert.ok(!page.html.includes("<b>Desk</b>"), "the client's name is not escaped");
    assert.equal(page.headers["x-frame-options"], "DENY");
    assert.match(page.headers["content-security-policy"], /frame-ancestors 'none'/);
    assert.match(page.headers["content-security-policy"], /form-action[^;]*https:\/\/sunflower\.example/);
    assert.equal(page.headers["cross-origin-opener-policy"], "unsafe-none");
    assert.equal(page.headers["cache-control"], "no-store");
    assert.equal(page.headers["x-content-type-options"], "nosniff");
  });

  test("[S9] login and error pages keep popups working too", async () => {
    const oauth = await client();
    const login = await new Browser(gateway.url).open(oauth.authorizationUrl());
    const error = await new Browser(gateway.url).open(oauth.authorizationUrl({ redirect_uri: "https://evil.example/" }));
    for (const page of [login, error]) {
      assert.equal(page.headers["cross-origin-opener-policy"], "unsafe-none");
      assert.equal(page.headers["x-frame-options"], "DENY");
    }
  });

  test("a client on this computer comes with a warning, one on the web without", async () => {
    const local = await reachConsent(await client());
    assert.match(local.page.text, /this computer/i);
    const remote = await reachConsent(await client({}, { redirectUri: "https://sunflower.example/cb" }));
    assert.doesNotMatch(remote.page.text, /this computer/i);
  });

  test("approving sends a code with a 303; denying sends access_denied", async () => {
    const oauth = await client();
    const yes = await reachConsent(oauth);
    const arrived = await yes.browser.press(yes.page, approve(yes.page));
    assert.ok(arrived.params?.get("code"), arrived.text);
    assert.ok([302, 303].includes(yes.browser.visited.at(-1).status));

    const no = await reachConsent(oauth);
    const refused = await no.browser.press(no.page, deny(no.page));
    assertErrorRedirect(refused, { redirectUri: oauth.redirectUri, error: "access_denied", state: oauth.last.state, iss: gateway.url });
  });

  test("[N3] a form works once: the second time there is no pending authorization", async () => {
    for (const [first, second] of [[approve, approve], [approve, deny], [deny, approve], [deny, deny]]) {
      const { browser, page } = await reachConsent(await client());
      await browser.press(page, first(page));
      const again = await browser.press(page, second(page));
      assertRefusedOnPage(again, { says: [/no pending authorization/i, /start again/i] });
    }
  });

  test("a form answered twice at the same moment yields one code", async () => {
    const { browser, page } = await reachConsent(await client());
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => browser.press(page, approve(page))));
    assert.equal(outcomes.filter(({ params }) => params?.get("code")).length, 1);
  });

  test("[N3] without the browser's cookie the form is worth nothing", async () => {
    const { page } = await reachConsent(await client());
    assertRefusedOnPage(await new Browser(gateway.url).press(page, approve(page)), { says: [/no pending authorization/i] });
  });

  test("a form of somebody else's browser is worth nothing: no one can make another person consent", async () => {
    const oauth = await client();
    const mallory = await reachConsent(oauth, new Browser(gateway.url), "bob");
    const victim = await reachConsent(oauth, new Browser(gateway.url), "alice");
    assertRefusedOnPage(await victim.browser.press(mallory.page, approve(mallory.page)), { says: [/no pending authorization/i] });
  });

  test("[X17] a forged or altered ticket is worth nothing", async () => {
    const { browser, page } = await reachConsent(await client());
    const { ticket } = page.forms.find((form) => "ticket" in form.fields).fields;
    const altered = ticket.slice(0, -2) + (ticket.endsWith("AA") ? "BB" : "AA");
    for (const forged of ["", "AAAA", altered, `${ticket}=`, ticket.slice(1)]) {
      assertRefusedOnPage(await browser.press(page, approve(page), { ticket: forged }), { says: [/no pending authorization/i] });
    }
    const arrived = await browser.press(page, approve(page));
    assert.ok(arrived.params?.get("code"), "the honest form still works");
  });

  test("a form posted from another site is refused", async () => {
    const { browser, page } = await reachConsent(await client());
    const elsewhere = { ...page, url: "https://evil.example/page", headers: {}, forms: page.forms };
    const refused = await browser.press(elsewhere, approve(page));
    assertRefusedOnPage(refused, { status: refused.status });
    assert.ok(refused.status >= 400);
  });

  test("the consent endpoint has no GET", async () => {
    assert.equal((await gateway.fetch("/oauth/consent")).status, 405);
  });

  describe("[H6] the policies", () => {
    /** "silent", "go on" (the page with nothing left to allow) or "asked". */
    const question = async (oauth, browser, overrides) => {
      const arrived = await browser.open(oauth.authorizationUrl(overrides));
      if (arrived.landed) return arrived.params.get("error") ?? "silent";
      return /^Continue to/.test(arrived.title) ? "go on" : arrived.button("decision") ? "asked" : arrived.text;
    };
    const withPolicy = async (t, consent, options = {}) => {
      const own = await startGateway({ config: configuration({ alpha: NOWHERE, beta: NOWHERE }, { consent }) });
      t.after(own.stop);
      const oauth = new OAuthClient(own, { slug: "alpha", ...options });
      await oauth.register();
      const browser = new Browser(own.url);
      const first = await oauth.authorize({}, { browser });
      assert.ok(first.params?.get("code"), first.text);
      return { own, oauth, browser, consented: browser.visited.some(({ url }) => url.endsWith("/oauth/consent")) };
    };
    const SECRETIVE = { method: "client_secret_basic" };

    test("[H6] always: asked every time", async (t) => {
      const { oauth, browser, consented } = await withPolicy(t, "always", SECRETIVE);
      assert.ok(consented);
      assert.equal(await question(oauth, browser), "asked");
    });

    test("[H6] never: not asked at all on this machine", async (t) => {
      const { oauth, browser, consented } = await withPolicy(t, "never");
      assert.ok(!consented);
      assert.equal(await question(oauth, browser), "silent");
    });

    test("[H6] once: asked again only for another scope, server, redirect URI or client, and when the client wants it", async (t) => {
      const { own, oauth, browser, consented } = await withPolicy(t, "once", SECRETIVE);
      assert.ok(consented);
      assert.equal(await question(oauth, browser), "silent", "asked again for the same");
      assert.equal(await question(oauth, browser, { redirect_uri: "http://127.0.0.1:50999/callback" }), "silent", "asked again for another loopback port");
      assert.equal(await question(oauth, browser, { scope: "mcp:tools offline_access" }), "asked", "not asked for more scope");
      assert.equal(await question(oauth, browser, { resource: own.mcpUrl("beta") }), "asked", "not asked for another server");
      assert.equal(await question(oauth, browser, { prompt: "consent" }), "asked", "not asked although the client wants it");
      const other = new OAuthClient(own, { slug: "alpha", ...SECRETIVE });
      await other.register();
      assert.equal(await question(other, browser), "asked", "not asked for another client");
    });

    test("[H6] once: a client without a secret gets a page of one click, which names client, server and redirect host", async (t) => {
      const { oauth, browser } = await withPolicy(t, "once", { redirectUri: "https://sunflower.example/cb" });
      assert.equal(await question(oauth, browser), "go on");
      const page = await browser.open(oauth.authorizationUrl());
      for (const said of ["Test client", "The alpha", "sunflower.example"]) assert.ok(page.text.includes(said), `${said} missing in: ${page.text}`);
      const arrived = await browser.press(page, approve(page));
      assert.equal((await oauth.redeem(arrived.params.get("code"))).status, 200);
      const again = await browser.open(oauth.authorizationUrl());
      assert.equal((await browser.press(again, deny(again))).params.get("error"), "access_denied");
    });

    test("[H6] prompt=none: a code only where no page would be shown", async (t) => {
      const quiet = await withPolicy(t, "once", SECRETIVE);
      assert.equal(await question(quiet.oauth, quiet.browser, { prompt: "none" }), "silent");
      const open = await withPolicy(t, "once");
      assert.equal(await question(open.oauth, open.browser, { prompt: "none" }), "consent_required");
      assert.equal(await question(open.oauth, new Browser(open.own.url), { prompt: "none" }), "login_required");
      assert.equal(await question(open.oauth, open.browser, { prompt: "none consent" }), "invalid_request");
    });
  });
});
