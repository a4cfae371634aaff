// A client on another site opens the gateway in a popup, in a real Chromium: the popup keeps its opener, and no policy stops it.
//
// With SCREENSHOTS=<folder> every page is kept there as a picture.
// Not here: the pages in a window of their own (browser.test.mjs), what their forms accept (consent.test.mjs, login.test.mjs).

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";

import { chromium } from "playwright-core";

import { configuration, startGateway } from "./support/gateway.mjs";
import { listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const skip = !existsSync(CHROMIUM) && !process.env.CI && `there is no ${CHROMIUM}; CHROMIUM names another one`;
const PHONE = { width: 390, height: 844 };

describe("in a popup", { skip, timeout: 180_000 }, () => {
  let browser, upstream, gateway, application;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "always", public_index: true }) });
    application = await startApplication();
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  after(async () => {
    await browser?.close();
    await Promise.all([application?.stop(), gateway?.stop(), upstream?.stop()]);
  });

  let complaints;
  beforeEach(() => (complaints = []));

  /** A person's browser. Whatever it complains about, policy violations above all, is collected. */
  async function person(t, options = {}) {
    const context = await browser.newContext(options);
    t.after(() => context.close());
    context.setDefaultTimeout(15_000);
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => console.error(`CSP violation: ${violatedDirective} ${blockedURI}`));
    });
    context.on("console", (message) => {
      const elsewhere = message.location().url.endsWith("/favicon.ico"); // of pages that are not the gateway's
      if (["error", "warning"].includes(message.type()) && !elsewhere) complaints.push(`${message.text()} at ${message.location().url}`);
    });
    context.on("weberror", (error) => complaints.push(String(error.error())));
    return context;
  }

  /** A client whose page opens popups, with a registration and a fresh authorization URL. */
  async function client(at = gateway, redirectUri = application.callback) {
    const oauth = new OAuthClient(at, { slug: "alpha", redirectUri, scope: "mcp:tools offline_access" });
    const answer = await oauth.register({ client_name: "Sunflower Desk" });
    assert.equal(answer.status, 201, answer.text);
    return oauth;
  }

  /** The client's page opens the authorization in a popup; `answer()` is what the callback told its opener. */
  async function openPopup(context, url) {
    const page = await context.newPage();
    await page.goto(application.url);
    const [popup] = await Promise.all([context.waitForEvent("page"), page.evaluate((target) => window.authorize(target), String(url))]);
    await popup.waitForLoadState();
    const answer = async () => new URLSearchParams(await (await page.waitForFunction(() => window.answer)).jsonValue());
    return { page, popup, answer };
  }

  async function shoot(page, name) {
    const folder = process.env.SCREENSHOTS;
    if (folder) await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
    const { content, screen } = await page.evaluate(() => ({ content: document.documentElement.scrollWidth, screen: innerWidth }));
    assert.ok(content <= screen, `${name} is wider than the screen: ${content} > ${screen}`);
  }

  test("[S9] a popup signs in and allows: it keeps its opener all the way, and the code it brings works", async (t) => {
    const context = await person(t);
    const openerPolicies = [];
    context.on("response", (response) => {
      if (response.url().startsWith(gateway.url)) openerPolicies.push([response.url(), response.headers()["cross-origin-opener-policy"]]);
    });
    const oauth = await client();
    const { popup, answer } = await openPopup(context, oauth.authorizationUrl());
    const hasOpener = () => popup.evaluate(() => window.opener !== null && !window.opener.closed);

    assert.match(await popup.title(), /Sign in/);
    assert.ok(await hasOpener(), "on the sign-in page");
    await shoot(popup, "login");
    await popup.getByRole("button", { name: "Alice" }).click();

    await popup.getByRole("heading", { name: /Sunflower Desk/ }).waitFor();
    assert.ok(await hasOpener(), "on the consent page");
    await shoot(popup, "consent");
    await popup.getByRole("button", { name: "Approve" }).click();

    const told = await answer();
    assert.equal(told.get("state"), oauth.last.state);
    assert.equal(told.get("iss"), gateway.url);
    const tokens = await oauth.redeem(told.get("code"));
    assert.equal(tokens.status, 200, tokens.text);
    assert.equal((await callTool(gateway.mcpUrl("alpha"), tokens.json.access_token)).status, 200);
    assert.ok(openerPolicies.length >= 3);
    for (const [url, policy] of openerPolicies) assert.equal(policy, "unsafe-none", url);
    assert.deepEqual(complaints, []);
  });

  test("[S9] a popup denies, and the client is told", async (t) => {
    const context = await person(t);
    const oauth = await client();
    const { popup, answer } = await openPopup(context, oauth.authorizationUrl());
    await popup.getByRole("button", { name: "Bob" }).click();
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
    const oauth = await client(silent);
    const { popup, answer } = await openPopup(await person(t), oauth.authorizationUrl());
    await popup.getByRole("button", { name: "Alice" }).click();
    assert.equal((await oauth.redeem((await answer()).get("code"))).status, 200);
    assert.deepEqual(complaints, []);
  });

  test("every page fits a desk, a phone and the dark, and complains about nothing", async (t) => {
    const bare = await startGateway();
    t.after(bare.stop);
    const keyless = await startGateway({ secrets: { KEY_RING: undefined }, config: configuration({ alpha: upstream.url }) });
    t.after(keyless.stop);
    const oauth = await client();
    const surroundings = { desk: {}, phone: { viewport: PHONE, deviceScaleFactor: 2, isMobile: true }, dark: { colorScheme: "dark" } };
    for (const [name, options] of Object.entries(surroundings)) {
      const context = await person(t, options);
      const page = await context.newPage();
      const visit = async (url, what, status) => {
        assert.equal((await page.goto(String(url))).status(), status, what);
        await shoot(page, `${what}-${name}`);
      };
      await visit(oauth.authorizationUrl(), "login", 200);
      await page.getByRole("button", { name: "Alice" }).click();
      await page.getByRole("button", { name: "Approve" }).waitFor();
      await shoot(page, `consent-${name}`);
      await visit(gateway.url, "servers", 200);
      const unexpected = complaints.splice(0);
      assert.deepEqual(unexpected, []);
      await visit(oauth.authorizationUrl({ redirect_uri: "https://elsewhere.example/callback" }), "error", 400);
      await visit(bare.url, "unconfigured", 503);
      assert.match(await page.innerText("main"), /No configuration yet[\s\S]*admin\/config/);
      await visit(keyless.url, "keyless", 503);
      assert.match(await page.innerText("main"), /no key ring[\s\S]*KEY_RING/);
      // The browser itself notes those statuses.
      assert.deepEqual(complaints.splice(0).filter((complaint) => !/^Failed to load resource: the server responded with a status of (400|503)/.test(complaint)), []);
    }
  });
});

/** The client's own web page. On another site than the gateway, so that only what the gateway allows works. */
async function startApplication() {
  const pages = {
    "/": `<!doctype html><title>Client</title><script>
      addEventListener("message", ({ data }) => (window.answer = data));
      window.authorize = (url) => { window.open(url, "authorization", "width=480,height=720"); };
    </script>`,
    "/callback": `<!doctype html><title>Done</title><script>window.opener.postMessage(location.search, location.origin)</script>`,
  };
  const server = http.createServer((request, response) => {
    const page = pages[new URL(request.url, "http://application").pathname];
    response.writeHead(page ? 200 : 204, { "content-type": "text/html" }).end(page);
  });
  const { port, stop } = await listen(server);
  const url = `http://127.0.0.1:${port}/`;
  return { url, callback: `${url}callback`, stop };
}
