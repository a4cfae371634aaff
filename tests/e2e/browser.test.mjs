// The pages in a real Chromium: signed in and consented to by mouse and keyboard, on a desk and on a phone, in a popup too.
//
// With SCREENSHOTS=<folder> every page that is walked over is kept there as a picture.
// Not here: what the pages' forms accept and refuse (consent.test.mjs, login.test.mjs).

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { chromium, devices } from "playwright-core";

import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startProvider } from "./support/idp.mjs";
import { listen } from "./support/listen.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const NOWHERE = "http://localhost:9/mcp";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const skip = !existsSync(CHROMIUM) && !process.env.CI ? `no Chromium at ${CHROMIUM}` : false;

describe("the pages in Chromium", { skip }, () => {
  let gateway, browser, application;
  before(async () => {
    [gateway, browser, application] = await Promise.all([
      startGateway({ config: configuration({ alpha: { url: NOWHERE, name: "Project tracker" }, beta: NOWHERE }, { consent: "always" }) }),
      chromium.launch({ executablePath: CHROMIUM, args: FLAGS }),
      startApplication(),
    ]);
  });
  after(() => Promise.all([gateway?.stop(), browser?.close(), application?.stop()]));

  async function client(options = {}, metadata = {}) {
    const oauth = new OAuthClient(gateway, { slug: "alpha", redirectUri: `${application.origin}/callback`, scope: "mcp:tools offline_access", ...options });
    assert.equal((await oauth.register({ client_name: "Sunflower Desk", ...metadata })).status, 201);
    return oauth;
  }

  /** A window that remembers everything the browser complains about. */
  async function openWindow(t, options = {}) {
    const context = await browser.newContext(options);
    t.after(() => context.close());
    const page = await context.newPage();
    const complaints = [];
    context.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    context.on("weberror", (error) => complaints.push(String(error.error())));
    return { context, page, complaints };
  }

  const codeOf = (page) => new URL(page.url()).searchParams.get("code");

  for (const [name, options] of Object.entries({ desk: { viewport: { width: 1280, height: 800 } }, phone: devices["iPhone 13"], "phone at night": { ...devices["iPhone 13"], colorScheme: "dark" } })) {
    test(`[S9] on a ${name}: sign in, consent, back at the client with a code that works`, async (t) => {
      const { page, complaints } = await openWindow(t, options);
      const oauth = await client();
      await page.goto(String(oauth.authorizationUrl()));
      await fits(page);
      await keep(page, `${name} 1 sign-in`);
      await page.getByRole("button", { name: /alice/i }).click();
      await page.getByRole("button", { name: "Approve" }).waitFor();
      await fits(page);
      await keep(page, `${name} 2 consent`);
      for (const said of ["Sunflower Desk", "Project tracker", "localhost"]) assert.ok((await page.innerText("body")).includes(said), said);
      await page.getByRole("button", { name: "Approve" }).click();
      await page.waitForURL(`${application.origin}/callback?*`);
      assert.equal((await oauth.redeem(codeOf(page))).status, 200);
      assert.deepEqual(complaints, []);
    });
  }

  test("refusing brings the person back to the client, which is told", async (t) => {
    const { page, complaints } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    await page.getByRole("button", { name: "Deny" }).click();
    await page.waitForURL(`${application.origin}/callback?*`);
    assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
    assert.deepEqual(complaints, []);
  });

  test("with the keyboard alone", async (t) => {
    const { page } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await tabTo(page, /alice/i);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Approve" }).waitFor();
    await tabTo(page, /^approve$/i);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${application.origin}/callback?*`);
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

  test("[S9] in a popup: the client's page and the popup still know each other at the end", async (t) => {
    const { page, context } = await openWindow(t);
    const oauth = await client();
    await page.goto(`${application.origin}/`);
    const [popup] = await Promise.all([
      context.waitForEvent("page"),
      page.evaluate((url) => void (globalThis.child = globalThis.open(url, "sign-in", "width=500,height=700")), String(oauth.authorizationUrl())),
    ]);
    await popup.getByRole("button", { name: /alice/i }).click();
    await popup.getByRole("button", { name: "Approve" }).click();
    await popup.waitForURL(`${application.origin}/callback?*`);
    assert.equal(await popup.evaluate(() => globalThis.opener !== null), true, "the popup lost its opener");
    assert.equal(await page.evaluate(() => globalThis.child.closed), false);
    await popup.evaluate(() => globalThis.close());
    await page.waitForFunction(() => globalThis.child.closed);
  });

  test("[N3] going back and approving again: a page that says what happened and what to do", async (t) => {
    const { page } = await openWindow(t);
    const oauth = await client();
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    await page.getByRole("button", { name: "Approve" }).waitFor();
    const ticket = await page.locator("input[name=ticket]").inputValue();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.waitForURL(`${application.origin}/callback?*`);
    await page.goto(String(oauth.authorizationUrl()));
    await page.locator("input[name=ticket]").evaluate((input, value) => void (input.value = value), ticket);
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("heading", { name: /no pending authorization/i }).waitFor();
    await keep(page, "no pending authorization");
  });

  test("no other site can frame the pages", async (t) => {
    const { page } = await openWindow(t);
    const oauth = await client();
    await page.goto(`${application.origin}/`);
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
    await page.getByRole("button", { name: /another account/i }).click();
    await page.getByRole("link", { name: /somebody else|sign in/i }).first().click();
    await page.getByRole("button", { name: /bob/i }).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.waitForURL(`${application.origin}/callback?*`);
    const { json } = await oauth.redeem(codeOf(page));
    assert.match(JSON.parse(Buffer.from(json.access_token.split(".")[1], "base64url")).sub, /bob/);
    assert.deepEqual(complaints, []);
  });

  test("the front page names the servers and how to add each, on a phone too", async (t) => {
    const { page, complaints } = await openWindow(t, devices["iPhone 13"]);
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
    const oauth = new OAuthClient(own, { slug: "alpha", redirectUri: `${application.origin}/callback` });
    await oauth.register();
    const { page, complaints } = await openWindow(t);
    await page.goto(String(oauth.authorizationUrl()));
    await page.locator("input[name=login]").fill("carol");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.waitForURL(`${application.origin}/callback?*`);
    assert.equal((await oauth.redeem(codeOf(page))).status, 200);
    assert.deepEqual(complaints, []);
  });
});

/** The client's own pages. */
function startApplication() {
  return listen(
    http.createServer((request, response) => {
      const icon = request.url === "/favicon.ico";
      response.writeHead(icon ? 204 : 200, { "content-type": "text/html" }).end(icon ? undefined : "<!doctype html><title>Sunflower Desk</title><p>Back at the client.");
    }),
  );
}

/** Nothing sticks out to the side. */
async function fits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= window, `the page is ${content} wide in a window of ${window}`);
}

async function tabTo(page, name) {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press("Tab");
    if (name.test(await page.evaluate(() => document.activeElement?.innerText?.trim() ?? ""))) return;
  }
  assert.fail(`Tab never reached ${name}`);
}

async function keep(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: path.join(folder, `${name.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
}
