// The browser session on https: two cookies, one of which no other host can set, and what becomes of planted ones.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startForger } from "./support/idp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";

const PUBLIC = "https://mcp.example.com";
const [SESSION, TWIN] = ["__mcp_session", "__Host-mcp_session"];

describe("the session's cookies on https", () => {
  let gateway, provider, seen;
  before(async () => {
    provider = await startForger();
    gateway = await startGateway({
      secrets: LOGIN_SECRETS,
      config: configuration({ alpha: "http://localhost:9/mcp" }, { public_url: PUBLIC, login: oidcLogin(provider) }),
    });
    seen = gateway.at(PUBLIC);
  });
  after(() => Promise.all([gateway?.stop(), provider?.stop()]));

  /** Somebody signs in with a browser of their own. */
  async function signedIn(sub) {
    const browser = new Browser(PUBLIC, provider.issuer);
    provider.forge = ({ claims, sign }) => sign({ ...claims, sub, name: sub });
    await browser.open(`${PUBLIC}/login`);
    return browser;
  }
  const pair = (browser) => ({ session: `${SESSION}=${browser.cookie(SESSION).value}`, twin: `${TWIN}=${browser.cookie(TWIN).value}` });
  const whoami = async (...cookies) => {
    const { text } = await seen.fetch("/", { headers: { cookie: cookies.join("; ") } });
    return /alice|mallory/.exec(text)?.[0];
  };

  test("[Z11] __mcp_session comes with a twin that only this host can set", async () => {
    const browser = await signedIn("alice");
    for (const name of [SESSION, TWIN]) {
      const { attributes } = browser.cookie(name);
      assert.deepEqual([attributes.secure, attributes.httponly, attributes.path, attributes.domain, attributes["max-age"]], [true, true, "/", undefined, "28800"], name);
    }
    const { session, twin } = pair(browser);
    assert.equal(await whoami(session, twin), "alice");
    assert.equal(await whoami(session), undefined);
    assert.equal(await whoami(twin), undefined);
  });

  test("[Z11] a session that somebody planted is not taken, alone, beside ours or before it", async () => {
    const [alice, mallory] = [pair(await signedIn("alice")), pair(await signedIn("mallory"))];
    assert.equal(await whoami(mallory.session), undefined);
    assert.equal(await whoami(mallory.session, alice.twin), undefined);
    assert.equal(await whoami(mallory.session, alice.session, alice.twin), "alice");
    assert.equal(await whoami(alice.session, alice.twin, mallory.session), "alice");
  });

  test("[Z11] the victim of a planted session connects nothing to it: the client's authorization asks for a sign-in", async () => {
    const mallory = pair(await signedIn("mallory"));
    const oauth = new OAuthClient(seen, { slug: "alpha" });
    await oauth.register();
    const url = oauth.authorizationUrl();
    const answer = await seen.fetch(url, { headers: { cookie: mallory.session } });
    assert.equal(answer.status, 303);
    assert.ok(answer.headers.location.startsWith(provider.issuer), answer.headers.location);
  });

  test("signing out takes both away, and the session is gone", async () => {
    const browser = await signedIn("alice");
    const { session, twin } = pair(browser);
    const page = await browser.open(`${PUBLIC}/logout`);
    await browser.press(page, page.forms[0].buttons[0]);
    assert.deepEqual([browser.cookie(SESSION), browser.cookie(TWIN)], [undefined, undefined]);
    assert.equal(await whoami(session, twin), undefined);
  });
});
