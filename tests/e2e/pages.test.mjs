// What a person does with the list of servers and a server's own address in a real Chromium, with and without scripts, and what the
// page's policy says of all of it.
//
// Not here: which answers are pages (tests/journeys/pages.rs), signing in and consenting (browser.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { PHONE, SURROUNDINGS, fits, keep, launch, openWindow as open, skip } from "./support/chromium.mjs";
import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";

const NOWHERE = "http://localhost:9/mcp";

describe("pages to add a server with, in Chromium", { skip, timeout: 180_000 }, () => {
  let gateway, many, browser;
  before(async () => {
    const servers = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`tool-${at}`, { url: NOWHERE, name: `Tool number ${at}`, description: at === 17 ? "Knows the warehouse." : `Does the ${at}th thing.` }]));
    [gateway, many, browser] = await Promise.all([
      startGateway({ config: configuration({ alpha: { url: NOWHERE, name: "Project tracker" }, beta: NOWHERE }, { branding: { name: "Acme tools", accent: "#fd0" } }) }),
      startGateway({ config: configuration(servers) }),
      launch(),
    ]);
  });
  after(() => Promise.all([gateway?.stop(), many?.stop(), browser?.close()]));

  for (const [name, options] of Object.entries(SURROUNDINGS)) {
    test(`on a ${name}: every page fits, wears the operator's name and colour, and breaks no policy`, async (t) => {
      const { page, complaints } = await open(browser, t, options);
      for (const [path, status, what] of [["/", 200, "servers"], ["/v1/mcp/alpha", 200, "server"], ["/status", 200, "status"], ["/nothing", 404, "not-found"], ["/v1/mcp/alpha/", 404, "slash"]]) {
        assert.equal((await page.goto(`${gateway.url}${path}`)).status(), status, path);
        assert.match(await page.title(), / · Acme tools$/);
        assert.equal(await page.locator(".brand").innerText(), "Acme tools");
        const mark = await page.locator(".mark").evaluate((mark) => getComputedStyle(mark).color);
        assert.equal(mark, "rgb(255, 221, 0)", `${path}: the policy let the colour in`);
        await fits(page);
        await keep(page, `branded ${name} ${what}`);
      }
      assert.equal((await page.goto(many.url)).status(), 200);
      await fits(page);
      await keep(page, `fifty ${name}`);
      assert.deepEqual(complaints.filter((complaint) => !/status of 404/.test(complaint)), []);
    });
  }

  test("what is copied is what is shown, and the button says so", async (t) => {
    const { page, context, complaints } = await open(browser, t);
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: gateway.url });
    await page.goto(gateway.mcpUrl("alpha"));
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole("button", { name: "Copy the URL of Project tracker" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await copied(), gateway.mcpUrl("alpha"));
    await page.getByRole("button", { name: "Copy the command for Claude Code" }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith("claude"));
    assert.equal(await copied(), `claude mcp add --transport http alpha ${gateway.mcpUrl("alpha")}`);
    assert.deepEqual(complaints, []);
  });

  test("one of fifty servers is found by what it is for, on a phone", async (t) => {
    const { page, complaints } = await open(browser, t, PHONE);
    await page.goto(many.url);
    const names = page.locator("summary.heading:visible strong");
    assert.equal(await names.count(), 50);
    await page.getByRole("searchbox", { name: "Find a server" }).fill("warehouse tool");
    assert.deepEqual(await names.allInnerTexts(), ["Tool number 17"]);
    await page.locator(".heading:visible").click();
    await page.getByText(`claude mcp add --transport http tool-17 ${many.mcpUrl("tool-17")}`).waitFor();
    await fits(page);
    await page.getByRole("searchbox").fill("nobody");
    await page.getByText("No server is called that.").waitFor();
    assert.equal(await names.count(), 0);
    assert.deepEqual(complaints, []);
  });

  test("a link to one of them opens it", async (t) => {
    const { page } = await open(browser, t);
    await page.goto(`${many.url}/#tool-42`);
    await page.getByText(`claude mcp add --transport http tool-42 ${many.mcpUrl("tool-42")}`).waitFor();
  });

  test("without scripts everything is there as text, and nothing that would not work", async (t) => {
    const { page } = await open(browser, t, { javaScriptEnabled: false });
    await page.goto(many.url);
    assert.equal(await page.getByRole("button").count() + await page.getByRole("searchbox").count(), 0);
    await page.locator("#tool-3 > summary").click();
    await page.getByText(`claude mcp add --transport http tool-3 ${many.mcpUrl("tool-3")}`).waitFor();
    await page.goto(gateway.mcpUrl("alpha"));
    assert.equal(await page.getByRole("button", { name: /copy/i }).count(), 0);
  });

  test("[Z9] the same address is for clients what it was: 405, POST, Streamable HTTP", async () => {
    for (const accept of [undefined, "*/*", "text/event-stream", "application/json, text/event-stream"]) {
      const answer = await gateway.fetch("/v1/mcp/alpha", { headers: { accept } });
      assertRefused(answer, { status: 405, slug: "alpha" });
      assert.match(answer.headers.allow, /\bPOST\b/);
      assert.match(answer.text, /Streamable HTTP/);
    }
  });

  test("a page on the way out of an error leads to the servers", async (t) => {
    const { page } = await open(browser, t);
    await page.goto(`${gateway.url}/v1/mcp/gamma`);
    await page.getByRole("heading", { name: "There is no such server" }).waitFor();
    await page.getByRole("link", { name: "See the servers" }).click();
    await page.getByRole("heading", { name: "Servers", exact: true }).waitFor();
    await page.goto(`${gateway.url}/v1/mcp/alpha/`);
    await page.getByRole("link", { name: "Go there" }).click();
    await page.getByRole("heading", { name: "Add Project tracker to a client" }).waitFor();
  });
});
