// API keys: made on the page or by the operator, sent by stock clients as a header, refused with the reason, and revoked.
//
// Not here: every rule of theirs (tests/journeys/keys.rs), who tries to harm (tests/attacks/keys.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { Browser } from "./support/browser.mjs";
import { PHONE, SURROUNDINGS, fits, keep, launch, openWindow, skip } from "./support/chromium.mjs";
import { personAt } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { assertRefused, eventually } from "./support/expect.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { modernCall, post } from "./support/mcp.mjs";
import { challengeOf, signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const KEY = /mcpg_key_[0-9A-Za-z]{49}/;
const ANSWER = "This is a simple text response for testing.";
const ACCEPTS = { accepts: ["own", "keys"] };

const operator = (gateway, method, path, json) => gateway.fetch(path, { method, json, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });

/** A service key, made by the operator. */
async function serviceKey(gateway, wanted = {}) {
  const answer = await operator(gateway, "POST", "/admin/keys", { name: "Nightly report", expires_in_days: 30, ...wanted });
  assert.equal(answer.status, 201, answer.text);
  assert.match(answer.json.key, KEY);
  return answer.json;
}

/** A user key, made on the page; answers it and the page. */
async function userKey(gateway, typed = { every_server: "on" }, { as = "alice", browser = new Browser(gateway.url) } = {}) {
  const page = await browser.walk(`${gateway.url}/connections`, { as });
  const button = page.button("action", (value) => value === "make_key");
  assert.ok(button, `no form for a key on: ${page.text}`);
  const made = await browser.press(page, button, { name: "CI", days: "90", ...typed });
  const key = KEY.exec(made.text)?.[0];
  assert.ok(key, `no key on: ${made.text}`);
  return { key, made, browser };
}

const withKey = (url, key) => post(url, undefined, { ...modernCall("tools/call", { name: "test_simple_text", arguments: {} }), headers: { ...modernCall("tools/call", { name: "test_simple_text" }).headers, "x-api-key": key } });

describe("API keys", () => {
  let gateway, upstream, authorization, personal;
  before(async () => {
    upstream = await startUpstream();
    authorization = await startAuthorizationServer();
    personal = await startConnectedUpstream({ servers: [authorization] });
    gateway = await startGateway({
      secrets: { ALPHA_KEY: "the server's own key", MACHINE_SECRET: "secret" },
      isolates: [{}, {}],
      config: configuration(
        {
          alpha: upstream.url,
          keyed: { url: upstream.url, auth: { kind: "headers", headers: { "X-Api-Key": { secret: "ALPHA_KEY" } } } },
          personal: { name: "Personal", url: personal.url, auth: { kind: "oauth", connect: "first_call" } },
          closed: { url: upstream.url, accepts: ["own"] },
        },
        ACCEPTS,
      ),
    });
  });
  after(() => Promise.all([gateway, upstream, personal, authorization].map((one) => one?.stop())));

  const clients = {
    "SDK 1.x": (url, headers) => [new Client({ name: "program", version: "1" }), new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })],
    "SDK 2.x": (url, headers) => [new sdk2.Client({ name: "program", version: "1" }, { versionNegotiation: { mode: "auto" } }), new sdk2.StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })],
  };

  for (const [sdk, build] of Object.entries(clients)) {
    test(`[P1] [S11] a stock client on ${sdk} calls with a user key and with a service key, in either header`, async (t) => {
      const keys = [(await userKey(gateway)).key, (await serviceKey(gateway)).key];
      for (const headers of keys.flatMap((key) => [{ authorization: `Bearer ${key}` }, { "x-api-key": key }])) {
        const [client, transport] = build(gateway.mcpUrl("alpha"), headers);
        t.after(() => client.close());
        await client.connect(transport);
        const { tools } = await client.listTools();
        assert.ok(tools.some(({ name }) => name === "test_simple_text"));
        const { content } = await client.callTool({ name: "test_simple_text", arguments: {} });
        assert.equal(content[0].text, ANSWER);
      }
    });
  }

  test("[P1] a key without the permission mcp.invoke gets a 403 that says so", async () => {
    const { key } = await serviceKey(gateway, { permissions: [] });
    assertRefused(await withKey(gateway.mcpUrl("alpha"), key), { status: 403, reason: "api_key_not_permitted", says: /mcp\.invoke/ });
  });

  test("[P2] both kinds work where no person is needed, and the client's header goes no further", async () => {
    upstream.requests.length = 0;
    const keys = [(await userKey(gateway)).key, (await serviceKey(gateway)).key];
    for (const slug of ["alpha", "keyed"]) {
      for (const key of keys) assert.equal((await withKey(gateway.mcpUrl(slug), key)).status, 200, `${slug} ${key}`);
    }
    const seen = upstream.calls("tools/call").map(({ headers }) => headers["x-api-key"]);
    assert.deepEqual(seen, [undefined, undefined, "the server's own key", "the server's own key"]);
  });

  test("[P2] where each person needs an account, a user key uses theirs and a service key gets a 403 that explains it", async () => {
    const browser = personAt(gateway, authorization);
    const { key } = await userKey(gateway, { every_server: "on" }, { browser });
    const url = gateway.mcpUrl("personal");
    const asked = await withKey(url, key);
    const link = /https?:\/\/[^\s"\\)]+\/connect\/[^\s"\\)]+/.exec(asked.text)?.[0];
    assert.ok(link, asked.text);
    const connected = await browser.walk(link);
    assert.match(connected.text, /connected/i);
    const call = modernCall("tools/call", { name: "who_am_i", arguments: {} });
    const answer = await post(url, undefined, { ...call, headers: { ...call.headers, "x-api-key": key } });
    assert.equal(answer.message?.result?.content?.[0]?.text, authorization.settings.account, answer.text);
    const service = await withKey(url, (await serviceKey(gateway)).key);
    assertRefused(service, { status: 403, reason: "service_key_needs_person", says: /person/, slug: "personal" });
  });

  test("a server that takes no keys says so, and where to authorize instead", async () => {
    const answer = await withKey(gateway.mcpUrl("closed"), (await serviceKey(gateway)).key);
    assertRefused(answer, { status: 401, error: "invalid_token", reason: "api_key_not_accepted" });
    assert.ok(challengeOf(answer).resource_metadata, "OAuth clients find their way");
  });

  test("what is no good key is told why: made up, mistyped, for another server, in the address, beside another", async () => {
    const url = gateway.mcpUrl("alpha");
    const { key } = await serviceKey(gateway, { servers: ["keyed"] });
    assertRefused(await withKey(url, key), { status: 403, reason: "api_key_wrong_server" });
    assertRefused(await withKey(url, `${key}x`), { status: 401, error: "invalid_token", reason: "api_key_malformed" });
    assertRefused(await withKey(`${url}?api_key=${key}`, undefined), { status: 400, reason: "api_key_in_url" });
    const { token } = await signedIn(gateway, "alpha");
    const call = modernCall("tools/list");
    assertRefused(await post(url, token, { ...call, headers: { ...call.headers, "x-api-key": key } }), { status: 400, reason: "credentials_differ" });
    const other = (await serviceKey(gateway)).key;
    const id = (await operator(gateway, "GET", "/admin/keys")).json.keys.at(-1).id;
    assert.equal((await operator(gateway, "DELETE", `/admin/keys?id=${id}`)).status, 200);
    assertRefused(await withKey(url, other), { status: 401, error: "invalid_token", reason: "api_key_unknown" });
  });

  test("a browser's preflight may ask for X-API-Key", async () => {
    const headers = { origin: "http://localhost:6274", "access-control-request-method": "POST", "access-control-request-headers": "x-api-key" };
    const answer = await gateway.fetch("/v1/mcp/alpha", { method: "OPTIONS", headers });
    assert.match(answer.headers["access-control-allow-headers"], /x-api-key/);
  });

  test("a key is shown once, its last use is known, and revoking it at the page reaches the other isolate within the promised minute", async () => {
    const { key, browser } = await userKey(gateway, { "server:alpha": "on" });
    const elsewhere = gateway.at(gateway.url, { isolate: 1 });
    const there = () => elsewhere.fetch("/v1/mcp/alpha", { method: "POST", ...modernCall("tools/list"), headers: { ...modernCall("tools/list").headers, "x-api-key": key } });
    assert.equal((await withKey(gateway.mcpUrl("alpha"), key)).status, 200);
    assert.equal((await there()).status, 200);
    const page = await eventually(async () => {
      const page = await browser.open(`${gateway.url}/connections`);
      assert.match(page.text, /CI The alpha Made .*, last used /, page.text);
      return page;
    });
    assert.ok(!page.html.includes(key));
    const form = page.forms.findLast(({ fields }) => fields.key);
    const after = await browser.press(page, form.buttons[0]);
    assert.match(after.text, /The API key is revoked/);
    assertRefused(await withKey(gateway.mcpUrl("alpha"), key), { status: 401, reason: "api_key_revoked" });
    const refused = await eventually(async () => {
      const answer = await there();
      assert.equal(answer.status, 401, answer.text);
      return answer;
    }, { within: 60_000, every: 1000 });
    assertRefused(refused, { status: 401, reason: "api_key_revoked" });
  });

  test("revoking everything of a person ends their keys", async () => {
    const { key } = await userKey(gateway, { "server:alpha": "on" }, { as: "bob" });
    assert.equal((await withKey(gateway.mcpUrl("alpha"), key)).status, 200);
    const done = await operator(gateway, "DELETE", "/admin/subjects/dev:bob");
    assert.deepEqual([done.status, done.json.keys], [200, 1], done.text);
    assertRefused(await withKey(gateway.mcpUrl("alpha"), key), { status: 401, reason: "api_key_revoked" });
  });
});

describe("API keys and storage, counted", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ counted: true, config: configuration({ alpha: upstream.url }, ACCEPTS) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  test("a warm call with a key: 0 object calls, 0 KV operations, 1 subrequest", async () => {
    const { key } = await serviceKey(gateway);
    const url = gateway.mcpUrl("alpha");
    assert.equal((await withKey(url, key)).status, 200);
    await eventually(async () => assert.ok((await operator(gateway, "GET", "/admin/keys")).json.keys[0].last_used, "told behind the reply"));
    await gateway.counts();
    assert.equal((await withKey(url, key)).status, 200);
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 1 });
  });

  test("a key that is mistyped costs nothing, and one that was made up writes nothing", async () => {
    const url = gateway.mcpUrl("alpha");
    const { key, id } = await serviceKey(gateway);
    await operator(gateway, "DELETE", `/admin/keys?id=${id}`);
    await gateway.counts();
    await withKey(url, key.slice(0, -1));
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 0 });
    await withKey(url, key);
    await withKey(url, key);
    const { kv, objects } = await gateway.counts();
    assert.ok(kv <= 1 && objects === 0, `${kv} ${objects}`);
  });
});

describe("API keys on the page, in Chromium", { skip, timeout: 120_000 }, () => {
  let gateway, browser;
  before(async () => {
    const scopes = { "tools:read": { title: "Read issues and comments" }, "tools:write": { title: "Change issues" } };
    [gateway, browser] = await Promise.all([
      startGateway({ config: configuration({ alpha: { url: "http://localhost:9/mcp", name: "Project tracker" }, beta: "http://localhost:9/mcp" }, { ...ACCEPTS, scopes }) }),
      launch(),
    ]);
  });
  after(() => Promise.all([gateway?.stop(), browser?.close()]));

  for (const [name, options] of Object.entries(SURROUNDINGS)) {
    test(`[P1] on a ${name}: a person makes a key, copies it, and revokes it`, async (t) => {
      const { page, context, complaints } = await openWindow(browser, t, options);
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: gateway.url });
      await page.goto(`${gateway.url}/connections`);
      await page.getByRole("button", { name: /alice/i }).click();
      await page.getByText("Make an API key").click();
      await page.getByLabel("Name").fill("Nightly report");
      await page.getByLabel("Project tracker").check();
      await page.getByLabel(/Read issues/).check();
      await page.getByLabel("It ends after").selectOption({ label: "30 days" });
      await fits(page);
      await keep(page, `key ${name} form`);
      await page.getByRole("button", { name: "Make the key" }).click();
      const shown = await page.locator(".made code").first().innerText();
      assert.match(shown, KEY);
      await page.getByRole("button", { name: "Copy the key" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shown);
      await fits(page);
      await keep(page, `key ${name} made`);
      await page.getByRole("button", { name: "Revoke the key Nightly report" }).first().click();
      await page.getByText("The API key is revoked.").waitFor();
      assert.deepEqual(complaints, []);
    });
  }

  test("[P1] without scripts, on a phone, by the form alone", async (t) => {
    const { page } = await openWindow(browser, t, { ...PHONE, javaScriptEnabled: false });
    await page.goto(`${gateway.url}/connections`);
    await page.getByRole("button", { name: /bob/i }).click();
    await page.getByText("Make an API key").click();
    await page.getByLabel("Name").fill("Old laptop");
    await page.getByLabel(/Every server/).check();
    await page.getByRole("button", { name: "Make the key" }).click();
    assert.match(await page.locator(".made code").first().innerText(), KEY);
    assert.equal(await page.getByRole("button", { name: "Copy the key" }).count(), 0);
    await fits(page);
  });
});
