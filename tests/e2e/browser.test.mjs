// The pages in a real Chromium: signed in and consented to by mouse and keyboard, on a desk and on a phone, in a popup too.
//
// Not here: what the pages' forms accept and refuse (consent.test.mjs, login.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { PHONE, SURROUNDINGS, fits, keep, launch, openWindow as open, skip, startApplication, tabTo } from "./support/chromium.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startProvider } from "./support/idp.mjs";
import { callTool } from "./support/mcp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const NOWHERE = "http://localhost:9/mcp";

describe("the pages in Chromium", { skip, timeout: 300_000 }, () => {
  let upstream, gateway, bare, keyless, browser, application;
  before(async () => {
    upstream = await startUpstream();
    [gateway, bare, keyless, browser, application] = await Promise.all([
      startGateway({ config: configuration({ alpha: { url: upstream.url, name: "Project tracker" }, beta: NOWHERE }, { consent: "always" }) }),
      startGateway(),
      startGateway({ secrets: { KEY_RING: undefined }, config: configuration({ alpha: upstream.url }) }),
      launch(),
      startApplication(),
    ]);
  });
  after(() => Promise.all([gateway, bare, keyless, application, upstream].map((part) => part?.stop()).concat(browser?.close())));

  async function client({ at = gateway, ...options } = {}) {
    const oauth = new OAuthClient(at, { slug: "alpha", redirectUri: application.callback, scope: "mcp:tools offline_access", ...options });
    const answer = await oauth.register({ client_name: "Sunflower Desk" });
    assert.equal(answer.status, 201, answer.text);
    return oauth;
  }

  const openWindow = (t, options) => open(browser, t, options);

  /** The client's page opens the authorization in a popup; `answer()` is what the callback told its opener. */
  async function openPopup(t, oauth) {
    const { context, page, complaints } = await openWindow(t);
    const openerPolicies = [];
    context.on("response", (response) => {
      if (response.url().startsWith(oauth.gateway.url)) openerPolicies.push([response.url(), response.headers()["cross-origin-opener-policy"]]);
    });
    await page.goto(application.url);
    const [popup] = await Promise.all([context.waitForEvent("page"), page.evaluate((url) => globalThis.authorize(url), String(oauth.authorizationUrl()))]);
    await popup.waitForLoadState();
    const answer = async () => new URLSearchParams(await (await page.waitForFunction(() => globalThis.answer)).jsonValue());
    return { page, popup, answer, complaints, openerPolicies };
  }

  /** The buttons do something: they rest for a moment when the page comes to the front. */
  const ready = (page) => page.locator("button:not([aria-disabled])", { hasText: "Approve" }).waitFor();

  const codeOf = (page) => new URL(page.url()).searchParams.get("code");

  for (const [name, options] of Object.entries(SURROUNDINGS)) {
    test(`[S9] on a ${name}: sign in, consent, back at the client with a code that works; and every other page fits`, async (t) => {
      const { page, complaints } = await openWindow(t, options);
      const shown = async (what) => {
        await fits(page);
        await keep(page, `${name} ${what}`);
      };
      const oauth = await client();
      await page.goto(String(oauth.authorizationUrl()));
      await shown("sign-in");
      await page.getByRole("button", { name: /alice/i }).click();
      await page.getByRole("button", { name: "Approve" }).waitFor();
      await shown("consent");
      for (const said of ["Sunflower Desk", "Project tracker", "127.0.0.1"]) assert.ok((await page.innerText("body")).includes(said), said);
      await page.getByRole("button", { name: "Approve" }).click();
      await page.waitForURL(`${application.callback}?*`);
      assert.equal((await oauth.redeem(codeOf(page))).status, 200);

      const visit = async (url, what, status) => {
        assert.equal((await page.goto(String(url))).status(), status, what);
        await shown(what);
      };
      await visit(gateway.url, "servers", 200);
      assert.deepEqual(complaints.splice(0), []);
      await visit(oauth.authorizationUrl({ redirect_uri: "https://elsewhere.example/callback" }), "error", 400);
      await visit(bare.url, "unconfigured", 503);
      assert.match(await page.innerText("main"), /No configuration yet[\s\S]*curl -X PUT http:\/\/localhost:\d+\/admin\/config/);
      await visit(keyless.url, "keyless", 503);
      assert.match(await page.innerText("main"), /no key ring[\s\S]*KEY_RING/);
      // The browser itself notes those statuses.
      assert.deepEqual(complaints.filter((complaint) => !/^Failed to load resource: the server responded with a status of (400|503)/.test(complaint)), []);
    });
  }

  test("with the keyboard alone", async (t) => {
    const { page } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await tabTo(page, /alice/i);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Approve" }).waitFor();
    await tabTo(page, /^approve$/i);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${application.callback}?*`);
    assert.ok(codeOf(page));
  });

  test("the page's policy lets the answer through to a client on the web and to one with a scheme of its own", async (t) => {
    for (const redirectUri of ["https://sunflower.example/callback", "cursor://anysphere.cursor-mcp/oauth/callback"]) {
      const { page, context } = await openWindow(t);
      const oauth = await client({ redirectUri });
      const left = new Promise((resolve) => page.on("request", (request) => request.url().startsWith(redirectUri) && resolve(request.url())));
      await context.route("https://sunflower.example/**", (route) => route.fulfill({ body: "thank you" }));
      const blocked = [];
      page.on("console", (message) => /Content Security Policy/i.test(message.text()) && blocked.push(message.text()));
      await page.goto(String(oauth.authorizationUrl()));
      await page.getByRole("button", { name: /alice/i }).click();
      await page.getByRole("button", { name: "Approve" }).click();
      if (redirectUri.startsWith("https:")) assert.ok(new URL(await left).searchParams.get("code"));
      else await page.waitForLoadState();
      assert.deepEqual(blocked, []);
    }
  });

  test("[S9] a popup signs in and allows: it keeps its opener all the way, and the code it brings works", async (t) => {
    const oauth = await client();
    const { page, popup, answer, complaints, openerPolicies } = await openPopup(t, oauth);
    const hasOpener = () => popup.evaluate(() => globalThis.opener !== null && !globalThis.opener.closed);
    assert.match(await popup.title(), /Sign in/);
    assert.ok(await hasOpener(), "on the sign-in page");
    await popup.getByRole("button", { name: /alice/i }).click();
    await popup.getByRole("heading", { name: /Sunflower Desk/ }).waitFor();
    assert.ok(await hasOpener(), "on the consent page");
    await popup.getByRole("button", { name: "Approve" }).click();

    const told = await answer();
    assert.ok(await hasOpener(), "at the end");
    assert.equal(told.get("state"), oauth.last.state);
    assert.equal(told.get("iss"), gateway.url);
    const tokens = await oauth.redeem(told.get("code"));
    assert.equal(tokens.status, 200, tokens.text);
    assert.equal((await callTool(gateway.mcpUrl("alpha"), tokens.json.access_token)).status, 200);
    assert.ok(openerPolicies.length >= 3);
    for (const [url, policy] of openerPolicies) assert.equal(policy, "unsafe-none", url);
    assert.equal(await page.evaluate(() => globalThis.child.closed), false);
    await popup.evaluate(() => globalThis.close());
    await page.waitForFunction(() => globalThis.child.closed);
    assert.deepEqual(complaints, []);
  });

  test("[S9] a popup denies, and the client is told", async (t) => {
    const oauth = await client();
    const { popup, answer, complaints } = await openPopup(t, oauth);
    await popup.getByRole("button", { name: /bob/i }).click();
    await popup.getByRole("button", { name: "Deny" }).click();
    const told = await answer();
    assert.equal(told.get("error"), "access_denied");
    assert.equal(told.get("state"), oauth.last.state);
    assert.ok(!told.has("code"));
    assert.deepEqual(complaints, []);
  });

  test("[H6] where nobody is asked, the way from the sign-in form straight to the client is not blocked", async (t) => {
    const silent = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "never" }) });
    t.after(silent.stop);
    const oauth = await client({ at: silent });
    const { popup, answer, complaints } = await openPopup(t, oauth);
    await popup.getByRole("button", { name: /alice/i }).click();
    assert.equal((await oauth.redeem((await answer()).get("code"))).status, 200);
    assert.deepEqual(complaints, []);
  });

  test("[N3] going back and approving again: a page that says what happened and what to do", async (t) => {
    const { page } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    await page.getByRole("button", { name: "Approve" }).waitFor();
    const ticket = await page.locator("input[name=ticket]").inputValue();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.waitForURL(`${application.callback}?*`);
    await page.goto(String(oauth.authorizationUrl()));
    await page.locator("input[name=ticket]").evaluate((input, value) => void (input.value = value), ticket);
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("heading", { name: /no pending authorization/i }).waitFor();
    await keep(page, "no pending authorization");
  });

  test("the second click of a double click that was begun in a window in front of the page allows nothing", async (t) => {
    const { page, context } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    await ready(page);
    const posted = [];
    page.on("request", (request) => request.method() === "POST" && posted.push(request.url()));
    const approve = page.getByRole("button", { name: "Approve" });
    await approve.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await approve.boundingBox();
    const clickAt = () => page.mouse.click(x + width / 2, y + height / 2);
    // What the page is told as the window in front of it closes.
    await page.evaluate(() => (globalThis.dispatchEvent(new Event("blur")), globalThis.dispatchEvent(new Event("focus"))));
    await clickAt();
    await page.keyboard.press("Enter");
    assert.equal(await approve.getAttribute("aria-disabled"), "true");
    await ready(page);
    assert.deepEqual(posted, []);
    await clickAt();
    await page.waitForURL(`${application.callback}?*`);
    assert.ok(codeOf(page));
    assert.equal(context.pages().length, 1);
  });

  test("a key that is held down allows nothing, however long: the pause begins after the last try", async (t) => {
    const { page } = await openWindow(t);
    await page.clock.install();
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    const approve = page.getByRole("button", { name: "Approve" });
    await approve.waitFor();
    await page.clock.pauseAt(Date.now() + 3_600_000);
    const posted = [];
    page.on("request", (request) => request.method() === "POST" && posted.push(request.url()));
    await page.evaluate(() => globalThis.dispatchEvent(new Event("focus")));
    await approve.focus();
    for (let repeated = 0; repeated < 10; repeated++) {
      await page.keyboard.press("Enter");
      await page.clock.runFor(300);
    }
    assert.equal(await approve.getAttribute("aria-disabled"), "true");
    assert.deepEqual(posted, []);
    await page.clock.runFor(300);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${application.callback}?*`);
    assert.ok(codeOf(page));
  });

  test("without scripts the form works all the same", async (t) => {
    const { page } = await openWindow(t, { javaScriptEnabled: false });
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.waitForURL(`${application.callback}?*`);
    assert.ok(codeOf(page));
  });

  test("no other site can frame the pages", async (t) => {
    const { page } = await openWindow(t);
    const oauth = await client();
    await page.goto(application.url);
    await page.evaluate((url) => {
      const frame = document.createElement("iframe");
      frame.src = url;
      document.body.append(frame);
      return new Promise((resolve) => (frame.onload = resolve));
    }, String(oauth.authorizationUrl()));
    const [, frame] = page.frames();
    assert.equal(await frame.getByRole("button").count().catch(() => 0), 0);
  });

  test("somebody else's account: sign out on the consent page, and in again", async (t) => {
    const { page, complaints } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    await page.getByRole("button", { name: /somebody else/i }).click();
    await page.getByRole("link", { name: /somebody else|sign in/i }).first().click();
    await page.getByRole("button", { name: /bob/i }).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.waitForURL(`${application.callback}?*`);
    const { json } = await oauth.redeem(codeOf(page));
    assert.match(JSON.parse(Buffer.from(json.access_token.split(".")[1], "base64url")).sub, /bob/);
    assert.deepEqual(complaints, []);
  });

  test("the front page names the servers and how to add each, on a phone too", async (t) => {
    const { page, complaints } = await openWindow(t, PHONE);
    await page.goto(gateway.url);
    await page.getByText("Claude, Codex, Inspector and others").first().click();
    await fits(page);
    const text = await page.innerText("body");
    for (const said of ["Project tracker", gateway.mcpUrl("alpha"), "claude mcp add"]) assert.ok(text.includes(said), `${said} missing in ${text}`);
    await keep(page, "front page on a phone");
    assert.deepEqual(complaints, []);
  });

  test("a refused redirect URI: the page shows both, and how to go on", async (t) => {
    const { page } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl({ redirect_uri: "https://evil.example/callback" })));
    const text = await page.innerText("body");
    for (const said of ["https://evil.example/callback", oauth.redirectUri]) assert.ok(text.includes(said), `${said} missing in ${text}`);
    await fits(page);
    await keep(page, "unregistered redirect URI");
  });

  test("sign-in at an OpenID Provider, then consent", async (t) => {
    const own = await startGateway({ secrets: LOGIN_SECRETS });
    const provider = await startProvider(own.url);
    t.after(() => Promise.all([own.stop(), provider.stop()]));
    await own.configure(configuration({ alpha: NOWHERE }, { login: oidcLogin(provider) }));
    const oauth = new OAuthClient(own, { slug: "alpha", redirectUri: application.callback });
    await oauth.register();
    const { page, complaints } = await openWindow(t);
    await page.goto(String(oauth.authorizationUrl()));
    await page.locator("input[name=login]").fill("carol");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.waitForURL(`${application.callback}?*`);
    assert.equal((await oauth.redeem(codeOf(page))).status, 200);
    assert.deepEqual(complaints, []);
  });
});
