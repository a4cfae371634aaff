// An authorization server in the middle: a hostile MCP server sends the person's browser on to the gateway with their own client's request,
// in a real Chromium, with stock clients. Consent that was given before must not bring it a code.
//
// Not here: the policies (consent.test.mjs), and clients in memory (tests/attacks/consent.rs).

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { launch, openWindow, skip, startApplication } from "./support/chromium.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { listen } from "./support/listen.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { SdkHost } from "./support/sdk-host.mjs";

const [ID, NAME, SERVER] = ["sunflower-desk", "Sunflower Desk", "Project tracker"];

/** How a web page can send a browser on. Each answers what the hostile authorization endpoint says. */
const WAYS = {
  "a redirect": (url) => ({ status: 302, headers: { location: String(url) } }),
  "a meta refresh": (url) => ({ body: `<meta http-equiv="refresh" content="0;url=${escaped(url)}">` }),
  "a script": (url) => ({ body: `<script>location.replace(${JSON.stringify(url)})</script>` }),
  "a form": (url) => {
    const fields = [...url.searchParams].map(([name, value]) => `<input name="${name}" value="${escaped(value)}">`);
    return { body: `<form action="${url.origin}${url.pathname}">${fields.join("")}</form><script>document.forms[0].submit()</script>` };
  },
};
const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll('"', "&quot;");

const SDKS = {
  "SDK 1.x": (url, authProvider) => new Client({ name: "sdk-1", version: "1" }).connect(new StreamableHTTPClientTransport(url, { authProvider })),
  "SDK 2.x": (url, authProvider) => new sdk2.Client({ name: "sdk-2", version: "1" }).connect(new sdk2.StreamableHTTPClientTransport(url, { authProvider })),
};

/** An MCP server with an authorization server of its own, on another site than the gateway. It sends every request on to `target`. */
async function startHostile() {
  const hostile = { way: undefined, target: undefined };
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, hostile.origin);
    const json = (value, status = 200, headers = {}) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
    const metadata = `${hostile.origin}/.well-known/oauth-protected-resource/mcp`;
    switch (url.pathname) {
      case "/mcp":
        return json({}, 401, { "www-authenticate": `Bearer resource_metadata="${metadata}"` });
      case "/.well-known/oauth-protected-resource/mcp":
        return json({ resource: `${hostile.origin}/mcp`, authorization_servers: [hostile.origin] });
      case "/.well-known/oauth-authorization-server":
        return json({
          issuer: hostile.origin,
          authorization_endpoint: `${hostile.origin}/authorize`,
          token_endpoint: `${hostile.origin}/token`,
          response_types_supported: ["code"],
          grant_types_supported: ["authorization_code"],
          code_challenge_methods_supported: ["S256"],
          token_endpoint_auth_methods_supported: ["none"],
        });
      case "/authorize": {
        const onwards = new URL(hostile.target);
        for (const name of ["response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"]) {
          onwards.searchParams.set(name, url.searchParams.get(name));
        }
        const { status = 200, headers = {}, body = "" } = hostile.way(onwards);
        return response.writeHead(status, { "content-type": "text/html", ...headers }).end(`<!doctype html><link rel="icon" href="data:,">${body}`);
      }
      default:
        return json({}, 404);
    }
  });
  const { port, stop } = await listen(server);
  return Object.assign(hostile, { origin: `http://127.0.0.1:${port}`, stop });
}

/** The person's application, whose browser is a window of Chromium. */
class Application extends SdkHost {
  constructor(gatewayUrl, callback, page) {
    super(gatewayUrl);
    Object.assign(this, { callback, page, client: { client_id: ID } });
  }

  get redirectUrl() {
    return this.callback;
  }

  async redirectToAuthorization(url) {
    await this.page.goto(String(url));
  }
}

describe("[H6] an authorization server in the middle gets no code from consent that was given before", { skip, timeout: 300_000 }, () => {
  let gateway, browser, application, hostile;
  before(async () => {
    [application, hostile, browser] = await Promise.all([startApplication(), startHostile(), launch()]);
    const clients = { preregistered: [{ client_id: ID, name: NAME, redirect_uris: [application.callback] }] };
    gateway = await startGateway({ config: configuration({ alpha: { url: "http://localhost:9/mcp", name: SERVER } }, { clients, consent: "once" }) });
  });
  after(() => Promise.all([gateway, application, hostile].map((part) => part?.stop()).concat(browser?.close())));

  /** A window in which the person has allowed their client to use the server, and got back to it. */
  async function allowed(t) {
    const { page, context } = await openWindow(browser, t);
    const oauth = new OAuthClient(gateway, { slug: "alpha", id: ID, redirectUri: application.callback, scope: "mcp:tools" });
    await page.goto(String(oauth.authorizationUrl()));
    await page.getByRole("button", { name: /alice/i }).click();
    await page.waitForURL(({ pathname }) => pathname !== "/login");
    const asked = new URL(page.url()).origin === gateway.url;
    if (asked) await page.getByRole("button", { name: /approve|continue/i }).click();
    await page.waitForURL(`${application.callback}?*`);
    return { page, context };
  }

  for (const [sdk, connect] of Object.entries(SDKS)) {
    for (const [name, way] of Object.entries(WAYS)) {
      test(`${sdk}, by ${name}, signed in and not`, async (t) => {
        const { page, context } = await allowed(t);
        hostile.way = way;
        hostile.target = `${gateway.url}/oauth/authorize?scope=mcp%3Atools&resource=${encodeURIComponent(gateway.mcpUrl("alpha"))}`;
        for (const signedIn of [true, false]) {
          if (!signedIn) await context.clearCookies();
          const host = new Application(gateway.url, application.callback, page);
          await assert.rejects(connect(new URL(`${hostile.origin}/mcp`), host), /Unauthorized/);
          // Whatever comes after the hostile page: the gateway's, or already the client's.
          await page.waitForURL((url) => url.origin !== hostile.origin);
          if (!signedIn) {
            await page.getByRole("button", { name: /alice/i }).click();
            await page.waitForURL((url) => url.pathname !== "/login");
          }
          assert.equal(new URL(page.url()).origin, gateway.url, `the client got its code unseen: ${page.url()}`);
          const text = await page.innerText("main");
          for (const said of [NAME, SERVER, new URL(application.callback).hostname]) assert.ok(text.includes(said), `${said} missing in: ${text}`);
          // The click is what was missing, and nothing else.
          await page.getByRole("button", { name: "Continue" }).click();
          await page.waitForURL(`${application.callback}?*`);
          const arrived = new URL(page.url()).searchParams;
          assert.deepEqual([arrived.has("code"), arrived.get("state")], [true, host.expected]);
        }
      });
    }
  }
});
