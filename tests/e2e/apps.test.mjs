// MCP Apps behind a filter: the example server of the extension's authors in a host made from their library, in a real Chromium.
//
// Not here: which pages a list of tools opens, and which it does not (tests/journeys/apps.rs, tests/attacks/apps.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startAppHost, startAppServer } from "./support/app-host.mjs";
import { keep, launch, openWindow, skip } from "./support/chromium.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startReverseProxy } from "./support/reverse-proxy.mjs";

const PAGE = "ui://get-time/mcp-app.html";
const NOTHING = { resources: { allow: [] }, resource_templates: { allow: [] } };

describe("[X29] a server with an app, behind a filter that names no resource", { timeout: 120_000 }, () => {
  let server, isolates, balancer, gateway, token;
  let chosen = 0; // which isolate answers
  before(async () => {
    server = await startAppServer();
    const clock = { url: server.url, tools: { allow: ["get-time"] }, ...NOTHING };
    const hidden = { ...clock, tools: { allow: ["another"] } };
    isolates = await startGateway({ isolates: [{}, {}], config: configuration({ clock, hidden }, { consent: "never" }) });
    balancer = await startReverseProxy(() => ({ port: new URL(isolates.urls[chosen]).port }));
    gateway = {
      url: balancer.url,
      fetch: (target, options) => request(new URL(target, balancer.url), options),
      mcpUrl: (slug) => `${balancer.url}/v1/mcp/${slug}`,
    };
    token = (await signedIn(gateway, "clock")).token;
  });
  after(() => Promise.all([balancer?.stop(), isolates?.stop(), server?.stop()]));

  for (const mode of ["auto", "legacy"]) {
    test(`[X29] a host in a browser shows it and the app calls its tool: ${mode}`, { skip }, async (t) => {
      const [host, browser] = await Promise.all([startAppHost(), launch()]);
      t.after(() => Promise.all([host.stop(), browser.close()]));
      const { page, complaints } = await openWindow(browser, t);
      await page.goto(host.url);
      const found = await page.evaluate((given) => globalThis.show(...given), [gateway.mcpUrl("clock"), token, "get-time", mode]);
      assert.deepEqual(found, { tools: ["get-time"], resources: [PAGE] });
      const app = page.frameLocator("iframe");
      const shown = app.locator("#server-time", { hasText: /^\d{4}-\d\d-\d\dT/ });
      await shown.waitFor();
      const first = await shown.textContent();
      await app.locator("#get-time-btn").click();
      await app.locator("#server-time").filter({ hasNotText: first }).filter({ hasText: /^\d{4}-\d\d-\d\dT/ }).waitFor();
      await keep(page, `app ${mode}`);
      // Clients ask whether there are streams, and newer eras, and browsers note the answer.
      assert.deepEqual(complaints.filter((complaint) => !/status of 40[05] .*\/v1\/mcp\/clock$/.test(complaint)), []);
    });
  }

  test("[X29] another isolate, which has seen no list, finds the page", async (t) => {
    t.after(() => (chosen = 0));
    const kept = async () => (await (await isolates.kv()).list({ prefix: "catalogue:" })).keys.length;
    await post(gateway.mcpUrl("clock"), token, legacyCall("tools/list"));
    for (const until = Date.now() + 10_000; (await kept()) < 1; ) assert.ok(Date.now() < until, "it is not kept");
    chosen = 1;
    const read = await post(gateway.mcpUrl("clock"), token, legacyCall("resources/read", { uri: PAGE }));
    assert.match(read.message?.result?.contents[0].text ?? read.text, /^<!DOCTYPE html>/);
  });

  test("[X29] the page of a tool that is hidden is no more there than any other", async () => {
    const { token: own } = await signedIn(gateway, "hidden");
    const url = gateway.mcpUrl("hidden");
    const { session } = await openSession(url, own);
    assert.deepEqual((await post(url, own, legacyCall("tools/list", {}, { session }))).message.result.tools, []);
    for (const call of [legacyCall("resources/read", { uri: PAGE }, { session }), modernCall("resources/read", { uri: PAGE })]) {
      assert.equal((await post(url, own, call)).json.error.data.reason, "capability_unknown");
    }
  });
});
