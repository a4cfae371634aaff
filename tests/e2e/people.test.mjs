// People at their connections: a key that is tried before it is kept, saying no at a server, choosing between accounts, and the id by which
// an operator knows them. In a real Chromium, against real servers.
//
// Not here: the trip itself (connect-browser.test.mjs), what revoking ends (connections.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { PHONE, fits, keep, launch, openWindow, skip, startApplication } from "./support/chromium.mjs";
import { SHOWS_LINKS, signalIn } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { legacyCall, openSession, post } from "./support/mcp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const KEY = { kind: "headers", headers: { "X-Api-Key": { person: "Your API key" } } };
const PHONE_AT_NIGHT = { ...PHONE, colorScheme: "dark" };

/** A real server that wants a key for everything but `initialize`, as some do. `modern: false`: it has never heard of 2026-07-28. */
async function startKeyed({ modern = true } = {}) {
  const keyed = { key: "good" };
  const upstream = await startUpstream({
    admit(request, response, json) {
      if (!modern && request.headers["mcp-protocol-version"] === "2026-07-28") {
        response.writeHead(400, { "content-type": "application/json" });
        response.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32000, message: "Bad Request: Unsupported protocol version" } }));
        return false;
      }
      const good = request.headers["x-api-key"] === keyed.key || json?.method === "initialize";
      if (!good) response.writeHead(401).end();
      return good;
    },
  });
  return Object.assign(keyed, upstream);
}

describe("people and their connections", { skip, timeout: 300_000 }, () => {
  let server, upstream, tasks, legacy, gateway, browser, application;
  before(async () => {
    [server, tasks, legacy, application, browser] = await Promise.all([
      startAuthorizationServer(),
      startKeyed(),
      startKeyed({ modern: false }),
      startApplication(),
      launch(),
    ]);
    upstream = await startConnectedUpstream({ servers: [server], scopes: ["read"] });
    const servers = {
      notes: { name: "Notes", url: upstream.url, auth: { kind: "oauth" } },
      tasks: { name: "Tasks", url: tasks.url, auth: KEY },
      legacy: { name: "Legacy", url: legacy.url, auth: KEY },
      gone: { name: "Gone", url: "http://127.0.0.1:9/mcp", auth: KEY },
    };
    const accounts = ["alice", "bob", "carol", "dave", "erin", "frank"].map((subject) => ({ subject, name: subject, email: `${subject}@example.com` }));
    gateway = await startGateway({ config: configuration(servers, { login: { kind: "dev", accounts } }) });
  });
  after(() => Promise.all([gateway, upstream, tasks, legacy, server, application].map((part) => part?.stop()).concat(browser?.close())));

  const button = (page, name) => page.getByRole("button", { name });
  const text = (page) => page.innerText("main");
  const admin = (path, method = "GET") => gateway.fetch(path, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });

  /** A client whose authorization is open in a window, with the person signed in: at the consent page. */
  async function atConsent(t, as, slug, options) {
    const oauth = new OAuthClient(gateway, { slug, redirectUri: application.callback, scope: "mcp:tools offline_access" });
    assert.equal((await oauth.register({ client_name: "Sunflower Desk" })).status, 201);
    const window = await openWindow(browser, t, options);
    await window.page.goto(String(oauth.authorizationUrl()));
    const signIn = button(window.page, new RegExp(as, "i"));
    if (await signIn.count()) await signIn.first().click();
    await button(window.page, "Approve").waitFor();
    return { ...window, oauth, slug };
  }

  async function atConnectPage(t, as, slug, options) {
    const window = await atConsent(t, as, slug, options);
    await button(window.page, "Approve").click();
    await window.page.getByRole("heading", { name: /^Connect |account\?$/ }).waitFor();
    return window;
  }

  async function atClient({ page, oauth, slug }) {
    await page.waitForURL(`${application.callback}?*`);
    const { json } = await oauth.redeem(new URL(page.url()).searchParams.get("code"));
    const { session } = await openSession(gateway.mcpUrl(slug), json.access_token, SHOWS_LINKS);
    return async (method, params = {}) => (await post(gateway.mcpUrl(slug), json.access_token, legacyCall(method, params, { id: 7, session }))).message;
  }

  const tools = async (send) => (await send("tools/list")).result.tools.map(({ name }) => name);
  const call = async (send, name) => signalIn(await send("tools/call", { name, arguments: {} }));
  const quiet = (complaints) => assert.deepEqual(complaints.filter((complaint) => !/status of 40/.test(complaint)), []);

  for (const [as, slug, options] of [["alice", "tasks", undefined], ["bob", "legacy", PHONE_AT_NIGHT]]) {
    test(`[P2] ${slug}: a wrong key is said on the form, the right one works, and one that ends must be entered again everywhere`, async (t) => {
      const keyed = slug === "tasks" ? tasks : legacy;
      const { page, oauth, complaints } = await atConnectPage(t, as, slug, options);
      const field = page.getByLabel(/Your API key/);
      await field.fill("wrong");
      await button(page, "Connect").click();
      const alert = await page.getByRole("alert").innerText();
      assert.match(alert, /does not accept what you entered \(it answered 401\).*connection_value_refused/);
      await fits(page);
      await keep(page, `${slug} key refused`);
      await field.fill("good");
      await button(page, "Connect").click();
      const send = await atClient({ page, oauth, slug });
      assert.ok((await tools(send)).includes("test_simple_text"));
      await page.goto(`${gateway.url}/connections`);
      await page.getByText("Connected", { exact: true }).first().waitFor();
      const ended = keyed.requests.filter(({ method, headers }) => method === "DELETE" && headers["x-api-key"] === "good");
      assert.equal(ended.length, slug === "legacy" ? 1 : 0, "the session of the try was ended, where there was one");

      keyed.key = "new";
      const [first, ...own] = await tools(send);
      assert.equal(first, `connect_${slug}`);
      assert.ok(own.includes("test_simple_text"), "what it listed before stays visible");
      const signal = await call(send, `connect_${slug}`);
      assert.equal(signal.state, "reconsent_required");
      await page.reload();
      await page.getByText("Must be renewed", { exact: true }).waitFor();
      await keep(page, `${slug} key ended`);
      await page.goto(signal.url);
      await page.getByRole("heading", { name: /^Connect .* again$/ }).waitFor();
      await page.getByLabel(/Your API key/).fill("new");
      await button(page, "Connect").click();
      await page.getByRole("heading", { name: /is connected$/ }).waitFor();
      assert.ok((await tools(send)).includes("test_simple_text"));
      quiet(complaints);
    });
  }

  test("[P2] a key for a server that does not answer is kept and not called connected", async (t) => {
    const { page, oauth, complaints } = await atConnectPage(t, "carol", "gone");
    await page.getByLabel(/Your API key/).fill("good");
    await button(page, "Connect").click();
    await page.waitForURL(`${application.callback}?*`);
    assert.equal((await oauth.redeem(new URL(page.url()).searchParams.get("code"))).status, 200);
    await page.goto(`${gateway.url}/connections`);
    await page.getByText("Not checked", { exact: true }).waitFor();
    await keep(page, "not checked");
    quiet(complaints);
  });

  test("[P9] who says no at the server goes on without by one button, and connects again by the other", async (t) => {
    for (const [as, name, options] of [["dave", "Go on without", undefined], ["erin", "Connect again", PHONE_AT_NIGHT]]) {
      server.settings.consent = "deny";
      t.after(() => (server.settings.consent = "approve"));
      const window = await atConnectPage(t, as, "notes", options);
      const { page, complaints } = window;
      await button(page, "Connect").click();
      await page.getByRole("heading", { name: "Notes was not connected" }).waitFor();
      await fits(page);
      await keep(page, `cancelled ${as}`);
      assert.equal(await page.locator(".sign.error").count(), 0);
      server.settings.consent = "approve";
      server.settings.account = "erin at notes";
      await button(page, name).click();
      const send = await atClient(window);
      assert.equal((await call(send, "who_am_i"))?.state, name === "Go on without" ? "authenticating" : undefined);
      quiet(complaints);
    }
  });

  test("[X11] two accounts: named by their person, and the page asks which one to use", async (t) => {
    server.settings.account = "frank at work";
    const first = await atConnectPage(t, "frank", "notes");
    const { page, context, complaints } = first;
    await button(page, "Connect").click();
    await atClient(first);
    await page.goto(`${gateway.url}/connections`);
    await page.getByText("Rename").first().click();
    await page.getByLabel("Name of this account").fill("Work");
    await button(page, "Save").click();
    await page.getByText("Your account at Notes has its new name.").waitFor();
    server.settings.account = "frank at home";
    await page.getByRole("link", { name: /Add another account/ }).click();
    await page.getByLabel(/Name of this account/).fill("Home");
    await button(page, "Connect").click();
    await page.getByText("Home").first().waitFor();
    await fits(page);
    await keep(page, "two named accounts");

    const oauth = new OAuthClient(gateway, { slug: "notes", redirectUri: application.callback, scope: "mcp:tools" });
    await oauth.register({ client_name: "Moonflower" });
    await page.goto(String(oauth.authorizationUrl()));
    await button(page, "Approve").click();
    await page.getByRole("heading", { name: "Which Notes account?" }).waitFor();
    await keep(page, "which account");
    assert.match(await text(page), /Moonflower will use the one you choose\./);
    await button(page, /Work/).click();
    const send = await atClient({ page, oauth, slug: "notes", context });
    const said = await send("tools/call", { name: "who_am_i", arguments: {} });
    assert.equal(said.result.content[0].text, "frank at work");
    quiet(complaints);
  });

  test("[N8] the id that a person reads is the one that revokes them, and their address finds it", async (t) => {
    const { page, oauth } = await atConsent(t, "carol", "tasks");
    const [, id] = /\n(dev:\w+)/.exec(await text(page));
    await keep(page, "consent with id");
    const found = await admin("/admin/subjects?q=Carol@example.com");
    assert.deepEqual(found.json.subjects.map(({ subject }) => subject), [id]);
    assert.equal((await gateway.fetch("/admin/subjects?q=carol@example.com")).status, 401);
    await button(page, "Approve").click();
    await button(page, "Skip for now").click();
    await page.waitForURL(`${application.callback}?*`);
    const { json } = await oauth.redeem(new URL(page.url()).searchParams.get("code"));
    const nobody = await admin("/admin/subjects/carol@example.com", "DELETE");
    assert.deepEqual([nobody.status, nobody.json.reason], [404, "no_such_subject"]);
    const revoked = await admin(`/admin/subjects/${encodeURIComponent(id)}`, "DELETE");
    assert.equal(revoked.status, 200, revoked.text);
    assert.ok(revoked.json.grants > 0);
    assert.equal((await oauth.refresh(json.refresh_token)).json.error, "invalid_grant");
  });
});
