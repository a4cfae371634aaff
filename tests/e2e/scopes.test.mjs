// Scopes that the operator defines: stock clients that step up by themselves, and a person who grants less, in Chromium.
//
// Not here: what each endpoint makes of a scope (tests/journeys/scopes.rs), forms that no page sent (tests/attacks/scopes.rs).

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { PHONE, SURROUNDINGS, fits, keep, launch, openWindow, skip, startApplication, tabTo } from "./support/chromium.mjs";
import { assertRpcRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { OAuthClient, challengeOf, discover, signedIn } from "./support/oauth-client.mjs";
import { SdkHost, connectSdk1, connectSdk2 } from "./support/sdk-host.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ANSWER = "This is a simple text response for testing.";
const TOOL = { name: "test_simple_text", arguments: {} };
const rules = (url) => ({
  url,
  name: "Project tracker",
  require: [
    { tools: ["test_simple_text", "create_*"], scopes: ["tools:write"] },
    { tools: ["delete_issue"], scopes: ["tools:delete"] },
  ],
});
const SCOPES = {
  "tools:write": { title: "Change things" },
  "tools:delete": { title: "Delete things for good, without a way to get them back" },
};

describe("scopes", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: rules(upstream.url), beta: upstream.url }, { scopes: SCOPES }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));
  beforeEach(() => upstream.requests.splice(0));

  test("[Z2] metadata: every scope at the authorization server, at each server those that it asks for, and first the one that every call needs", async () => {
    const { challenge, resource, server } = await discover(gateway.mcpUrl("alpha"));
    assert.equal(challenge.scope, "mcp:tools");
    assert.deepEqual(resource.json.scopes_supported, ["mcp:tools", "tools:delete", "tools:write"]);
    assert.deepEqual(server.json.scopes_supported.toSorted(), ["mcp:tools", "offline_access", "tools:delete", "tools:write"]);
    assert.deepEqual((await discover(gateway.mcpUrl("beta"))).resource.json.scopes_supported, ["mcp:tools"]);
  });

  test("[H7] [Z2] a call without its tool's scope: 403, the challenge, and what is lacking; with it the call works", async () => {
    const { oauth, token } = await signedIn(gateway, "alpha");
    const refused = await callTool(gateway.mcpUrl("alpha"), token);
    assertRpcRefused(refused, { status: 403, reason: "capability_scope_missing", says: /tools:write/ });
    const { tool, granted_scopes, required_scope } = refused.json.error.data;
    assert.deepEqual({ tool, granted_scopes, required_scope }, { tool: "test_simple_text", granted_scopes: ["mcp:tools", "offline_access"], required_scope: "tools:write" });
    const challenge = challengeOf(refused);
    assert.equal(challenge.error, "insufficient_scope");
    assert.equal(challenge.scope, "mcp:tools offline_access tools:write");
    assert.equal(challenge.resource_metadata, `${gateway.url}/.well-known/oauth-protected-resource/v1/mcp/alpha`);
    assert.equal(upstream.calls("tools/call").length, 0, "nothing was sent to the server");

    const stepped = await oauth.signIn({ scope: challenge.scope });
    assert.equal(stepped.scope, challenge.scope);
    assert.equal((await callTool(gateway.mcpUrl("alpha"), stepped.access_token)).message.result.content[0].text, ANSWER);
  });

  /** An application that stores no refresh tokens. */
  class OnlineHost extends SdkHost {
    get clientMetadata() {
      return { ...super.clientMetadata, grant_types: ["authorization_code"] };
    }
  }

  const STOCK = {
    // It refreshes where it should authorize for more, and is told so.
    "SDK 1.x": {
      connect: () => connectSdk1(gateway.mcpUrl("alpha")),
      finish: (client, host) => client.transport.finishAuth(host.callback.get("code")),
    },
    "SDK 1.x without a refresh token": {
      connect: () => connectSdk1(gateway.mcpUrl("alpha"), { host: new OnlineHost(gateway.mcpUrl("alpha")) }),
      finish: (client, host) => client.transport.finishAuth(host.callback.get("code")),
    },
    "client 2.x, legacy": {
      connect: () => connectSdk2(gateway.mcpUrl("alpha"), "legacy"),
      finish: (client, host) => client.transport.finishAuth(host.callback),
    },
    "client 2.x, modern": {
      connect: () => connectSdk2(gateway.mcpUrl("alpha"), { pin: "2026-07-28" }),
      finish: (client, host) => client.transport.finishAuth(host.callback),
    },
  };
  for (const [name, { connect, finish }] of Object.entries(STOCK)) {
    test(`[H7] [Z2] ${name} steps up by itself: it sends the person to be asked for more, and the same call works`, async (t) => {
      const { client, host } = await connect();
      t.after(() => client.close());
      assert.ok(!host.tokens().scope.includes("tools:write"));
      assert.ok((await client.listTools()).tools.some((tool) => tool.name === TOOL.name), "what a step up opens is listed");
      await assert.rejects(client.callTool(TOOL), /Unauthorized/);
      assert.equal(host.signIns, 2, "the client itself sent the person");
      assert.ok(host.browser.visited.at(-1).url.endsWith("/oauth/consent"), "and they were asked");
      await finish(client, host);
      assert.ok(host.tokens().scope.includes("tools:write"), host.tokens().scope);
      assert.equal((await client.callTool(TOOL)).content[0].text, ANSWER);
    });
  }

  test("[X16] who grants less gets less, the client is told, and more is asked for again", async () => {
    const oauth = new OAuthClient(gateway, { slug: "alpha", scope: "mcp:tools tools:write offline_access" });
    await oauth.register();
    const browser = new Browser(gateway.url);
    const ask = async (overrides) => {
      let page = await browser.open(oauth.authorizationUrl(overrides));
      const account = page.button("account", (value) => value.endsWith("alice"));
      if (account) page = await browser.press(page, account);
      return page;
    };
    const answer = async (page, typed) => {
      const arrived = await browser.press(page, page.button("decision", (value) => value === "approve"), typed);
      return (await oauth.redeem(arrived.params.get("code"))).json;
    };
    const page = await ask();
    for (const said of ["Change things", "create_*", "test_simple_text", "Stay connected while you are away"]) assert.ok(page.text.includes(said), `${said} missing in: ${page.text}`);
    assert.ok(!page.text.includes("Delete things"), "it was not asked for");
    const tokens = await answer(page, { "scope:tools:write": undefined, "scope:offline_access": undefined });
    assert.deepEqual([tokens.scope, tokens.refresh_token], ["mcp:tools", undefined]);
    assertRpcRefused(await callTool(gateway.mcpUrl("alpha"), tokens.access_token), { status: 403, reason: "capability_scope_missing" });
    assert.match((await ask({ scope: "mcp:tools" })).title, /^Continue to/, "what was granted is not asked for again");
    const again = await ask();
    assert.match(again.title, /^Allow/);
    assert.equal((await answer(again)).scope, "mcp:tools offline_access tools:write");
  });
});

describe("[X16] granting less in Chromium", { skip, timeout: 180_000 }, () => {
  let gateway, upstream, browser, application;
  before(async () => {
    upstream = await startUpstream();
    [gateway, browser, application] = await Promise.all([
      startGateway({ config: configuration({ alpha: rules(upstream.url) }, { scopes: SCOPES, consent: "always" }) }),
      launch(),
      startApplication(),
    ]);
  });
  after(() => Promise.all([gateway, application, upstream].map((part) => part?.stop()).concat(browser?.close())));

  async function atConsent(t, options) {
    const oauth = new OAuthClient(gateway, { slug: "alpha", redirectUri: application.callback, scope: "mcp:tools tools:write tools:delete offline_access" });
    await oauth.register({ client_name: "Sunflower Desk" });
    const window = await openWindow(browser, t, options);
    await window.page.goto(String(oauth.authorizationUrl()));
    await window.page.getByRole("button", { name: /alice/i }).click();
    await window.page.getByRole("button", { name: "Approve" }).waitFor();
    const granted = async () => {
      await window.page.waitForURL(`${application.callback}?*`);
      return (await oauth.redeem(new URL(window.page.url()).searchParams.get("code"))).json.scope;
    };
    return { ...window, granted };
  }

  for (const [name, options] of Object.entries(SURROUNDINGS)) {
    test(`on a ${name}: each scope in words with its tools, what is cleared is not granted`, async (t) => {
      const { page, complaints, granted } = await atConsent(t, options);
      await fits(page);
      const choices = page.getByRole("checkbox");
      assert.equal(await choices.count(), 3);
      for (const choice of await choices.all()) {
        assert.ok(await choice.isChecked());
        assert.ok((await choice.locator("xpath=..").boundingBox()).height >= 24, "large enough to touch");
      }
      assert.match(await page.innerText("main"), /Change things[\s\S]*Tools: test_simple_text create_\*/);
      await page.getByText("Delete things for good").click();
      assert.ok(!(await page.getByRole("checkbox", { name: /Delete things/ }).isChecked()), "its words belong to it");
      await keep(page, `${name} consent choice`);
      await page.getByRole("button", { name: "Approve" }).click();
      assert.equal(await granted(), "mcp:tools offline_access tools:write");
      assert.deepEqual(complaints, []);
    });
  }

  test("with the keyboard alone: Space clears, Enter on a choice approves nothing", async (t) => {
    const { page, granted } = await atConsent(t);
    await page.locator("button:not([aria-disabled])", { hasText: "Approve" }).waitFor();
    const write = page.getByRole("checkbox", { name: /Change things/ });
    for (let presses = 0; presses < 20 && !(await write.evaluate((box) => box === document.activeElement)); presses += 1) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Space");
    assert.ok(!(await write.isChecked()), "still on the page");
    await tabTo(page, /^approve$/i);
    await page.keyboard.press("Enter");
    assert.equal(await granted(), "mcp:tools offline_access tools:delete");
  });

  test("without scripts, on a phone", async (t) => {
    const { page, granted } = await atConsent(t, { ...PHONE, javaScriptEnabled: false });
    for (const choice of await page.getByRole("checkbox").all()) await choice.uncheck();
    await page.getByRole("button", { name: "Approve" }).click();
    assert.equal(await granted(), "mcp:tools");
  });
});
