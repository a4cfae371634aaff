// Connecting accounts in a real Chromium: in one trip, skipped and caught up on, renewed, ended and made with another account.
//
// Not here: what the gateway does with a connection (connect.test.mjs, refresh.test.mjs), other people's links (connect-attacks.test.mjs).

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { PHONE, SURROUNDINGS, fits, keep, launch, openWindow as open, skip, startApplication, tabTo } from "./support/chromium.mjs";
import { SHOWS_LINKS, people, signalIn } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { legacyCall, openSession, post } from "./support/mcp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
const ECHO = "This is a simple text response for testing.";

describe("connecting in Chromium", { skip, timeout: 300_000 }, () => {
  let server, upstream, keyed, gateway, browser, application;
  before(async () => {
    [server, keyed, application, browser] = await Promise.all([startAuthorizationServer(), startUpstream(), startApplication(), launch()]);
    upstream = await startConnectedUpstream({ servers: [server], scopes: ["read"] });
    const tasks = { name: "Tasks", url: keyed.url, auth: { kind: "headers", headers: { "X-Api-Key": { person: "Your API key" } } } };
    const notes = { name: "Notes", url: upstream.url, auth: { kind: "oauth" } };
    gateway = await startGateway({ config: configuration({ notes, tasks }, people(...PEOPLE)) });
  });
  after(() => Promise.all([gateway, upstream, keyed, server, application].map((part) => part?.stop()).concat(browser?.close())));
  beforeEach(() => {
    server.settings.account = "at notes";
    server.straighten();
  });

  const openWindow = (t, options) => open(browser, t, options);
  const button = (page, name) => page.getByRole("button", { name });
  const text = (page) => page.innerText("main");

  /** A client whose authorization is open in a window, up to the connect page of the server. */
  async function atConnectPage(t, as, { slug = "notes", options } = {}) {
    const oauth = new OAuthClient(gateway, { slug, redirectUri: application.callback, scope: "mcp:tools offline_access" });
    assert.equal((await oauth.register({ client_name: "Sunflower Desk" })).status, 201);
    const window = await openWindow(t, options);
    await window.page.goto(String(oauth.authorizationUrl()));
    await button(window.page, new RegExp(as, "i")).click();
    await button(window.page, "Approve").click();
    await window.page.getByRole("heading", { name: /^Connect / }).waitFor();
    return { ...window, oauth };
  }

  /** Back at the client: a session of a client that can show links, whose calls answer with what was said or the signal. */
  async function atClient({ page, oauth, slug = "notes" }) {
    await page.waitForURL(`${application.callback}?*`);
    const { json } = await oauth.redeem(new URL(page.url()).searchParams.get("code"));
    const url = gateway.mcpUrl(slug);
    const { session } = await openSession(url, json.access_token, SHOWS_LINKS);
    return async (name = "who_am_i") => {
      const { message } = await post(url, json.access_token, legacyCall("tools/call", { name, arguments: {} }, { id: 7, session }));
      return { said: message.result?.content?.[0]?.text, signal: signalIn(message) };
    };
  }

  async function connected(page) {
    await page.getByRole("heading", { name: /connected/i }).waitFor();
  }

  for (const [index, [name, options]] of Object.entries(SURROUNDINGS).entries()) {
    test(`[Z3] on a ${name}: one trip signs in, allows the client, connects the account, and the client calls with it`, async (t) => {
      const { page, oauth, complaints } = await atConnectPage(t, PEOPLE[index], { options });
      await fits(page);
      await keep(page, `${name} connect`);
      const said = await text(page);
      for (const known of ["Connect Notes", "Sunflower Desk", new URL(server.issuer).hostname, "read", PEOPLE[index]]) assert.ok(said.includes(known), `${known} missing in ${said}`);
      await button(page, "Connect").click();
      const call = await atClient({ page, oauth });
      assert.equal((await call()).said, "at notes");
      await page.goto(`${gateway.url}/connections`);
      await fits(page);
      await keep(page, `${name} connections`);
      assert.match(await text(page), /Notes[\s\S]*Connected[\s\S]*Sunflower Desk/);
      assert.deepEqual(complaints, []);
    });
  }

  test("[Z3] with the keyboard alone", async (t) => {
    const { page, oauth } = await atConnectPage(t, "erin");
    await tabTo(page, /^connect$/i);
    await page.keyboard.press("Enter");
    assert.equal((await (await atClient({ page, oauth }))()).said, "at notes");
  });

  test("[Z3] an authorization server that sends people through another site to its own login is not blocked", async (t) => {
    const { page, oauth, context, complaints } = await atConnectPage(t, "ivan");
    let passed = 0;
    await context.route("https://login.example/**", (route) => {
      passed += 1;
      route.fulfill({ status: 302, headers: { location: new URL(route.request().url()).searchParams.get("back") } });
    });
    const sendElsewhere = async ({ exchange, response }) => {
      const back = `${server.issuer}/authorize?${exchange.query}`;
      response.writeHead(302, { location: `https://login.example/?${new URLSearchParams({ back })}` }).end();
    };
    server.bend("/authorize", sendElsewhere, { times: 1 });
    await button(page, "Connect").click();
    assert.equal((await (await atClient({ page, oauth }))()).said, "at notes");
    assert.equal(passed, 1);
    assert.deepEqual(complaints, []);
  });

  test("[Z3] skipped on the way, connected by the link of the first call, and then the same session works", async (t) => {
    const { page, oauth, complaints } = await atConnectPage(t, "frank");
    await button(page, "Skip for now").click();
    const call = await atClient({ page, oauth });
    const { signal } = await call();
    assert.equal(signal.state, "authenticating");
    await page.goto(signal.url);
    assert.equal(await button(page, /skip/i).count(), 0, "nothing waits for an answer here");
    await button(page, "Connect").click();
    await connected(page);
    await fits(page);
    await keep(page, "connected");
    assert.equal((await call()).said, "at notes");
    assert.deepEqual(complaints, []);
  });

  test("[Z4] a grant that ended upstream: the page says what must be renewed, and renewing is enough", async (t) => {
    server.settings.account = "grace at notes";
    const { page, oauth, complaints } = await atConnectPage(t, "grace");
    await button(page, "Connect").click();
    const call = await atClient({ page, oauth });
    assert.equal((await call()).said, "grace at notes");
    server.revokeGrants("grace at notes");
    const { signal } = await call();
    assert.equal(signal.state, "reconsent_required");
    assert.match(signal.message, /Notes authorization must be renewed\./);
    await page.goto(`${gateway.url}/connections`);
    assert.match(await text(page), /Notes authorization must be renewed\./);
    await keep(page, "connections to renew");
    await page.goto(signal.url);
    assert.match(await text(page), /Notes authorization must be renewed\./);
    await keep(page, "renewal");
    await button(page, "Connect").click();
    await connected(page);
    assert.equal((await call()).said, "grace at notes");
    assert.deepEqual(complaints, []);
  });

  test("[P9] the wrong account: disconnected on the connections page, and connected again with the right one", async (t) => {
    server.settings.account = "wrong at notes";
    const { page, oauth, complaints } = await atConnectPage(t, "heidi", { options: PHONE });
    await button(page, "Connect").click();
    const call = await atClient({ page, oauth });
    assert.equal((await call()).said, "wrong at notes");
    const revocations = server.revocations().length;
    await page.goto(`${gateway.url}/connections`);
    await button(page, /^Disconnect Notes/).click();
    await page.getByText("Not connected").first().waitFor();
    await fits(page);
    await keep(page, "disconnected");
    assert.ok(server.revocations().length > revocations, "the authorization server was told");
    assert.equal((await call()).signal.state, "authenticating");
    server.settings.account = "right at notes";
    await page.getByRole("link", { name: "Connect Notes" }).click();
    await button(page, "Connect").click();
    await page.getByText("Connected", { exact: true }).first().waitFor();
    assert.equal((await call()).said, "right at notes");
    assert.deepEqual(complaints, []);
  });

  test("[X11] a second account beside the first: what was connected goes on", async (t) => {
    server.settings.account = "work";
    const { page, oauth, complaints } = await atConnectPage(t, "judy");
    await button(page, "Connect").click();
    const first = await atClient({ page, oauth });
    assert.equal((await first()).said, "work");
    server.settings.account = "home";
    await page.goto(`${gateway.url}/connections`);
    await page.getByRole("link", { name: /Add another account/ }).click();
    await page.getByLabel(/Name of this account/).fill("At home");
    await button(page, "Connect").click();
    await page.getByText("At home").first().waitFor();
    await keep(page, "two accounts");
    assert.equal((await first()).said, "work");
    assert.deepEqual(complaints, []);
  });

  test("[P2] a key of one's own: entered where nobody reads it, sent as it is, and asked for again where it cannot be one", async (t) => {
    const { page, oauth, complaints } = await atConnectPage(t, "carol", { slug: "tasks" });
    const field = page.getByLabel(/Your API key/);
    assert.equal(await field.getAttribute("type"), "password");
    await keep(page, "key");
    await field.fill("kéy of carol");
    await button(page, "Connect").click();
    await page.getByRole("alert").waitFor();
    await fits(page);
    await keep(page, "key refused");
    assert.equal((await page.content()).includes("kéy of carol"), false, "what was entered is not shown again");
    await page.getByLabel(/Your API key/).fill("key-of-carol");
    await button(page, "Connect").click();
    const call = await atClient({ page, oauth, slug: "tasks" });
    assert.equal((await call("test_simple_text")).said, ECHO);
    assert.equal(keyed.requests.at(-1).headers["x-api-key"], "key-of-carol");
    assert.equal((await page.context().cookies()).some(({ value }) => value.includes("key-of-carol")), false);
    assert.deepEqual(complaints.filter((complaint) => !/status of 400/.test(complaint)), []);
  });
});
