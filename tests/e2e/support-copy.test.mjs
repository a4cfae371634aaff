// What a person sends to support from the page of a request that failed, in a real Chromium, without scripts where a stranger does it.
//
// Not here: what is in it and what is cut (tests/journeys/support.rs), the operator's bundle (log.test.mjs).

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";

import { accessible } from "./support/axe.mjs";
import { DESK, SURROUNDINGS, fits, keep, launch, openWindow, skip } from "./support/chromium.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";

const NOWHERE = "http://localhost:9/mcp";

describe("what support is sent of a failed request, in Chromium", { skip, timeout: 120_000 }, () => {
  let gateway, browser, client;
  before(async () => {
    [gateway, browser] = await Promise.all([startGateway({ config: configuration({ docs: NOWHERE }) }), launch()]);
    client = new OAuthClient(gateway, { slug: "docs", scope: "mcp:tools" });
    await client.register();
  });
  after(() => Promise.all([gateway?.stop(), browser?.close()]));

  /** What a click on a link keeps as a file. */
  async function kept(page, name) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name }).click()]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
  }

  for (const [name, options] of Object.entries(SURROUNDINGS)) {
    test(`[S14] [X18] on a ${name}: a stranger reads and keeps what the page knows, without scripts`, async (t) => {
      const { page, complaints } = await openWindow(browser, t, { ...options, javaScriptEnabled: false });
      const answer = await page.goto(client.authorizationUrl({ redirect_uri: "https://elsewhere.example/cb?code=hunter2" }).href);
      assert.equal(answer.status(), 400);
      await page.getByText("For support").click();
      const shown = JSON.parse(await page.locator("details pre").innerText());
      await fits(page);
      await keep(page, `support ${name}`);
      const file = await kept(page, "Keep it as a file");
      assert.equal(file.name, `request-${answer.headers()["x-request-id"]}.json`);
      assert.deepEqual(JSON.parse(file.text), shown);
      assert.equal(shown.request_id, answer.headers()["x-request-id"]);
      assert.equal(shown.reason, "redirect_uri_unregistered");
      assert.deepEqual(shown.compared.find(({ what }) => what === "requested").was, ["https://elsewhere.example/cb?(cut)"]);
      assert.ok(Math.abs(shown.at - Date.now() / 1000) < 60 && shown.client && shown.gateway_version && shown.configuration_version === 1, file.text);
      assert.ok(shown.cut.length > 0 && !file.text.includes("hunter2") && !file.text.includes(client.last.state), file.text);
      assert.equal(await page.getByRole("link", { name: "With what was written down of you" }).count(), 0);
      assert.deepEqual(complaints.filter((complaint) => !/status of 400/.test(complaint)), []);
    });
  }

  test("[S14] [X18] who is signed in keeps their own entries as well, and nobody else is given them", async (t) => {
    const { page } = await openWindow(browser, t, DESK);
    await page.goto(client.authorizationUrl().href);
    await page.getByRole("button", { name: /alice/i }).click();
    const ticket = page.locator('form[action="/oauth/consent"] input[type="hidden"]').first();
    await ticket.waitFor({ state: "attached" });
    await ticket.evaluate((input) => (input.value = "not what the page had"));
    await page.getByRole("button", { name: /^(Allow|Approve|Connect)/ }).first().click();
    await page.getByText("For support").click();
    await accessible(page);
    await keep(page, "support signed in");
    const { request_id: id } = JSON.parse(await page.locator("details pre").innerText());
    const file = await kept(page, "With what was written down of you");
    const bundle = JSON.parse(file.text);
    assert.equal(file.name, `request-${id}.json`);
    assert.ok(bundle.entries.some((entry) => entry.request_id === id && entry.kind === "consent" && entry.subject === "dev:alice"), file.text);

    const other = await openWindow(browser, t, DESK);
    await other.page.goto(`${gateway.url}/connections/request?request_id=${id}`);
    await other.page.getByRole("button", { name: /bob/i }).click();
    await other.page.getByText("no_own_request").first().waitFor();
    assert.ok(!(await other.page.innerText("body")).includes("alice"));
  });
});
