// The operator's console in a real Chromium, as operator and as somebody who is none: every page on a desk and on a phone, by day and at
// night, without scripts, by keyboard, and what axe says of it.
//
// Not here: what each act ends (tests/journeys/console.rs), who tries to harm (tests/attacks/console.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { profiles } from "../../scripts/lib/doctor/profiles.mjs";
import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { accessible } from "./support/axe.mjs";
import { DESK, SURROUNDINGS, fits, keep, launch, openWindow, skip, tabTo } from "./support/chromium.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { assertRefusedOnPage } from "./support/expect.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const PAGES = ["/admin", "/admin/servers", "/admin/people", "/admin/clients", "/admin/log", "/admin/config"];

describe("the console, in Chromium", { skip, timeout: 300_000 }, () => {
  let server, notes, upstream, gateway, browser;
  before(async () => {
    [server, upstream, browser] = await Promise.all([startAuthorizationServer(), startUpstream(), launch()]);
    notes = await startConnectedUpstream({ servers: [server], scopes: ["read"] });
    const accounts = ["alice", "bob", "carol"].map((subject) => ({ subject, name: `${subject[0].toUpperCase()}${subject.slice(1)}`, email: `${subject}@example.com` }));
    accounts[2].roles = ["gateway-admin"];
    const servers = {
      demo: { name: "Demo", url: upstream.url, tools: { allow: ["test_simple_text", "list_isues"] } },
      notes: { name: "Notes", url: notes.url, auth: { kind: "oauth", shared: true } },
    };
    gateway = await startGateway({
      config: configuration(servers, { login: { kind: "dev", accounts }, operators: { subjects: ["dev:alice"], roles: ["gateway-admin"] } }),
    });
    const { token } = await signedIn(gateway, "demo", { as: "bob" });
    await callTool(gateway.mcpUrl("demo"), token);
  });
  after(() => Promise.all([server, notes, upstream, gateway].map((part) => part?.stop()).concat(browser?.close())));

  const button = (page, name) => page.getByRole("button", { name });

  async function at(t, path, as = "Alice", options = DESK) {
    const window = await openWindow(browser, t, options);
    await window.page.goto(`${gateway.url}${path}`);
    await button(window.page, new RegExp(`^\\S*\\s*${as}`)).click();
    await window.page.waitForURL(`${gateway.url}${path}`);
    return window;
  }

  for (const [name, options] of Object.entries(SURROUNDINGS)) {
    test(`[X38] on a ${name}: an operator signs in, comes back, and sees every page; it fits, breaks no policy, and axe finds nothing`, async (t) => {
      const { page, complaints } = await at(t, "/admin/servers", "Alice", options);
      await page.getByRole("heading", { name: "Servers", exact: true }).waitFor();
      for (const path of [...PAGES, "/admin/people?q=bob%40example.com", "/admin/people?subject=dev%3Abob"]) {
        assert.equal((await page.goto(`${gateway.url}${path}`)).status(), 200, path);
        await fits(page);
        await accessible(page);
        await keep(page, `console ${name} ${path}`);
      }
      await button(page, /^Revoke… .* at Demo/).click();
      await page.getByRole("heading", { name: /^Revoke .*\?$/ }).waitFor();
      await fits(page);
      await accessible(page);
      await keep(page, `console ${name} question`);
      await page.getByRole("link", { name: "Cancel" }).click();
      await page.waitForURL(/subject=dev%3Abob/);
      assert.deepEqual(complaints, []);
    });
  }

  test("[X38] somebody who is no operator is told so on a page that names nothing else", async (t) => {
    const window = await openWindow(browser, t);
    await window.page.goto(`${gateway.url}/admin/servers`);
    await button(window.page, /Bob/).click();
    await window.page.getByRole("heading", { name: "This page is for operators" }).waitFor();
    for (const path of PAGES) {
      const answer = await window.page.goto(`${gateway.url}${path}`);
      assert.equal(answer.status(), 403, path);
      const text = await window.page.innerText("body");
      assert.match(text, /operator_required/);
      assert.ok(!/Demo|Notes|dev:alice|gateway-admin/.test(text), text);
    }
    await accessible(window.page);
    await keep(window.page, "console nobody");
  });

  test("[X38] servers tell how they were used, and a dead entry of a policy", async (t) => {
    const { token } = await signedIn(gateway, "demo", { as: "bob" });
    await gateway.fetch("/v1/mcp/demo", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" }, "io.modelcontextprotocol/clientCapabilities": {} } } }),
    });
    const { page } = await at(t, "/admin/servers");
    const demo = page.locator("#demo");
    await demo.getByText("Answering").waitFor();
    assert.match(await demo.innerText(), /tool: list_isues/);
    const connected = page.locator("#notes");
    await connected.getByText("Not connected").waitFor();
    await button(page, "Connect for everybody: Notes").click();
    await page.getByRole("heading", { name: /Connect/ }).waitFor();
  });

  for (const [name, options] of Object.entries(SURROUNDINGS)) {
    test(`[X12] on a ${name}: an operator has a server checked, and is shown what is wrong and how to look from outside`, async (t) => {
      const { page, complaints } = await at(t, "/admin/servers", "Alice", options);
      await page.locator("#demo").getByText("Check it from outside").click();
      for (const profile of Object.keys(profiles)) await page.getByText(`scripts/doctor ${gateway.mcpUrl("demo")} --profile ${profile}`, { exact: true }).waitFor();
      await fits(page);
      await keep(page, `check ${name} commands`);
      await button(page, "Check Demo").click();
      await page.getByRole("heading", { name: "Check of Demo" }).waitFor();
      await page.getByText("Nothing is wrong on the gateway's way").waitFor();
      await page.getByText(/^speaks 2025/).waitFor();
      await fits(page);
      await accessible(page);
      await keep(page, `check ${name} clean`);
      await page.getByRole("link", { name: "Servers", exact: true }).last().click();
      await button(page, "Check Notes").click();
      await page.getByText("shared_connection_missing").waitFor();
      await fits(page);
      await accessible(page);
      await keep(page, `check ${name} found`);
      assert.deepEqual(complaints, []);
    });
  }

  test("[X38] a client's access ends by keyboard alone, once it was asked about", async (t) => {
    const { token } = await signedIn(gateway, "demo", { as: "carol" });
    const { page, complaints } = await at(t, "/admin/people?subject=dev%3Acarol");
    await tabTo(page, /^Revoke…$/);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^Revoke .*\?$/ }).waitFor();
    assert.ok((await callTool(gateway.mcpUrl("demo"), token)).message.result, "nothing is done by asking");
    await tabTo(page, /^Revoke$/);
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("may not act for this person").waitFor();
    assert.equal((await gateway.fetch("/v1/mcp/demo", { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: "{}" })).status, 401);
    assert.deepEqual(complaints, []);
  });

  test("[X38] a configuration is corrected, looked at, put in effect and rolled back, without scripts", async (t) => {
    const { page, complaints } = await at(t, "/admin/config", "Carol", { ...DESK, javaScriptEnabled: false });
    const editor = page.getByLabel("gateway.json");
    const text = await editor.inputValue();
    const changed = JSON.stringify({ ...JSON.parse(text), consent: "always" }, null, 2);
    await editor.fill(changed.replace('"always"', '"sometimes"'));
    await button(page, "Check").click();
    await page.getByRole("alert").waitFor();
    assert.match(await page.innerText("main"), /\/consent/);
    assert.equal(await button(page, "Put in effect").count(), 0);
    await page.getByLabel("gateway.json").fill(changed);
    await button(page, "Check").click();
    await page.getByRole("heading", { name: "What changes" }).waitFor();
    await keep(page, "console configuration checked");
    await button(page, "Put in effect").click();
    await page.getByText("Version 2 is in effect").waitFor();
    await button(page, "Roll back to version 1…").click();
    await page.getByRole("heading", { name: "Roll back to version 1?" }).waitFor();
    await button(page, "Roll back").click();
    await page.getByText("Version 3 is in effect").waitFor();
    await keep(page, "console configuration rolled back");
    const stored = await gateway.fetch("/admin/config", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    assert.deepEqual([stored.json.version, stored.json.config], [3, JSON.parse(text)]);
    assert.deepEqual(complaints.filter((complaint) => !/status of 422/.test(complaint)), []);
  });

  test("[X38] who signs out and in as somebody else finds nothing of the operator's", async (t) => {
    const { page } = await at(t, "/admin/people?subject=dev%3Abob");
    await button(page, "Sign out").click();
    await page.getByRole("heading", { name: "Signed out" }).waitFor();
    await page.goBack();
    const back = await page.goto(`${gateway.url}/admin/people?subject=dev%3Abob`);
    assert.equal(back.status(), 200);
    await button(page, /Bob/).click();
    await page.getByRole("heading", { name: "This page is for operators" }).waitFor();
  });

  test("[X38] without operators in the configuration there is nothing at its addresses", async (t) => {
    const other = await startGateway({ config: configuration({ demo: { url: upstream.url } }) });
    t.after(() => other.stop());
    for (const path of PAGES) {
      const answer = await other.fetch(path, { headers: { accept: "text/html" } });
      assertRefusedOnPage(answer, { status: 404, reason: "no_such_endpoint" });
    }
  });
});
