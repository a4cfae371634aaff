// Bring your own login: a small application with accounts of its own signs people in at the gateway, through its server.
//
// Not here: what its word may hold, and every ticket that is not the gateway's (tests/attacks/own_page.rs).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const SECRET = "a secret that the page's server and the gateway share";
const ACCOUNTS = {
  alice: { id: "1001", name: "Alice", email: "alice@example.com", roles: ["support"] },
  bob: { id: "1002", name: "Bob" },
};

/** The function that the guide shows, as an application would have it. */
function handOverAsShown(env) {
  const guide = readFileSync(new URL("../../docs/identity-providers.md", import.meta.url), "utf8");
  const [, shown] = /```js own-page\n([\s\S]*?)```/.exec(guide);
  return new Function("process", `${shown}; return handOver;`)({ env });
}

/** The application: a page that asks who somebody is, and a server that hands them over. */
async function startApplication(gatewayUrl) {
  const handOver = handOverAsShown({ GATEWAY_URL: gatewayUrl, LOGIN_PAGE_SECRET: SECRET });
  const { origin, stop } = await listen(
    http.createServer(async (request, response) => {
      if (request.method === "GET") {
        const html = '<!doctype html><form method="post"><input name="login"><button>Sign in</button></form>';
        return response.writeHead(200, { "content-type": "text/html" }).end(html);
      }
      let body = "";
      for await (const chunk of request) body += chunk;
      const ticket = new URL(request.url, "http://localhost").searchParams.get("ticket");
      const location = await handOver(ticket, ACCOUNTS[new URLSearchParams(body).get("login")]);
      response.writeHead(303, { location }).end();
    }),
  );
  return { origin, stop, handOver };
}

describe("a login of the operator's own", () => {
  let gateway, upstream, application;
  before(async () => {
    [upstream, gateway] = await Promise.all([
      startUpstream({
        extend: (mcp) => mcp.registerTool("delete_issue", { description: "Deletes." }, () => ({ content: [{ type: "text", text: "deleted" }] })),
      }),
      startGateway({ secrets: { LOGIN_PAGE_SECRET: SECRET } }),
    ]);
    application = await startApplication(gateway.url);
    const require = [{ tools: ["delete_issue"], roles: ["support"] }];
    const servers = { tracker: { url: upstream.url, require } };
    const login = { kind: "page", url: `${application.origin}/sign-in`, secret: { secret: "LOGIN_PAGE_SECRET" } };
    await gateway.configure(configuration(servers, { login, consent: "never" }));
  });
  after(() => Promise.all([application?.stop(), gateway?.stop(), upstream?.stop()]));

  const arrives = (as) => signedIn(gateway, "tracker", { browser: new Browser(gateway.url, application.origin), as });
  const call = (token) => callTool(gateway.mcpUrl("tracker"), token, "delete_issue");

  test("[S12] people sign in at the operator's page, as who they are there and with their roles", async () => {
    const browser = new Browser(gateway.url, application.origin);
    const { token } = await signedIn(gateway, "tracker", { browser, as: "alice" });
    assert.equal((await call(token)).message.result?.content[0].text, "deleted");
    assert.match((await browser.open(`${gateway.url}/connections`)).text, /page:1001/);
    assert.equal((await call((await arrives("bob")).token)).message.error.data.reason, "capability_role_missing");
  });

  const begins = async () => {
    const browser = new Browser(gateway.url);
    const { landed } = await browser.open(`${gateway.url}/connections`);
    assert.equal(landed.origin, application.origin);
    return { browser, ticket: landed.searchParams.get("ticket") };
  };

  test("[S12] a way back works in the browser that began, and once", async () => {
    const [victim, attacker] = [await begins(), await begins()];
    const back = await application.handOver(attacker.ticket, ACCOUNTS.alice);
    const elsewhere = await victim.browser.open(back);
    assert.equal(elsewhere.status, 400);
    assert.match(elsewhere.text, /login_lost/);
    assert.ok((await victim.browser.open(`${gateway.url}/connections`)).landed, "nobody is signed in there");

    const kept = new Map(attacker.browser.cookies);
    assert.equal((await attacker.browser.open(back)).status, 200);
    attacker.browser.cookies = kept;
    assert.match((await attacker.browser.open(back)).text, /login_lost/);
  });

  test("[S12] without the secret, or with a ticket that is not the gateway's, nobody is handed over", async () => {
    const { ticket } = await begins();
    const guesses = handOverAsShown({ GATEWAY_URL: gateway.url, LOGIN_PAGE_SECRET: "another secret of the same length or so" });
    await assert.rejects(guesses(ticket, ACCOUNTS.alice), /login_page_secret_wrong/);
    for (const forged of ["", "nonsense", `${ticket.slice(0, -4)}AAAA`]) {
      await assert.rejects(application.handOver(forged, ACCOUNTS.alice), /login_page_ticket_gone/);
    }
    assertRefused(await gateway.fetch("/login/complete", { method: "POST", json: { ticket, subject: "1001" } }), { status: 401 });
  });
});
