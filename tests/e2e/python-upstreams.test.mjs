// Servers of the Python world, as they are published on PyPI: a person connects each of them, its tokens are renewed, and it is disconnected.
//
// Not here: what an authorization server wants of a client, one by one (connect-settings.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { change } from "./support/bending-proxy.mjs";
import { Browser } from "./support/browser.mjs";
import { clientOf, people } from "./support/connect-driver.mjs";
import { eventually } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { startPythonUpstreams } from "./support/python-upstreams.mjs";

const PROVIDED = { client_id: "fastmcp", client_secret: "the secret of the proxy at its provider" };

const granting = (type) => ({ form }) => form.grant_type === type;

describe("upstreams in Python", { timeout: 300_000 }, () => {
  let gateway, provider, upstreams;
  before(async () => {
    upstreams = await startPythonUpstreams({
      fastmcp: () => ({ kind: "fastmcp" }),
      sdk: () => ({ kind: "sdk" }),
      proxied: async (origin) => {
        const client = { ...PROVIDED, redirect_uris: [`${origin}/auth/callback`] };
        provider = await startAuthorizationServer({ registration: false, clients: [client], rotation: "strict" });
        provider.serves(`${origin}/mcp`);
        return { kind: "proxy", provider: provider.issuer, ...PROVIDED };
      },
    });
    // A client that registered for it is authenticated by the header, and still only found by its id in the form.
    upstreams.sdk.bend("/.well-known/oauth-authorization-server", change((document) => ({ ...document, token_endpoint_auth_methods_supported: ["client_secret_basic"] })));
    // A token that lives a second is due at the next call.
    for (const upstream of [upstreams.fastmcp, upstreams.sdk, upstreams.proxied]) {
      upstream.bend((exchange) => exchange.path === "/token" && granting("authorization_code")(exchange), change((tokens) => ({ ...tokens, expires_in: 1 })));
    }
    const servers = ["fastmcp", "sdk", "proxied"].map((slug) => [slug, { url: upstreams[slug].url, auth: { kind: "oauth", connect: "first_call" } }]);
    gateway = await startGateway({ config: configuration(Object.fromEntries(servers), people("alice")) });
  });
  after(() => Promise.all([gateway, upstreams, provider].map((one) => one?.stop())));

  const homes = () => [gateway.url, provider.issuer, upstreams.fastmcp.origin, upstreams.sdk.origin, upstreams.proxied.origin];

  for (const [slug, method] of [
    ["fastmcp", "client_secret_post"],
    ["sdk", "client_secret_basic"],
    ["proxied", "none"], // whatever is asked for, it registers public clients
  ]) {
    test(`[X34] ${slug}: connected, refreshed and disconnected`, async () => {
      const upstream = upstreams[slug];
      const alice = await clientOf(gateway, slug, [], { browser: new Browser(...homes()) });
      let page = await alice.browser.walk((await alice.call()).signal.url);
      const consent = page.button("action", (value) => value === "approve");
      if (consent) page = await alice.browser.press(page, consent);
      assert.match(page.text, /is connected/, `${page.status} ${page.text}`);
      assert.equal(upstream.asked("/register").at(-1).answer.token_endpoint_auth_method, method);

      const refresh = await eventually(async () => {
        assert.equal((await alice.call()).said, "a server in Python");
        const [found] = upstream.asked("/token", granting("refresh_token"));
        assert.ok(found, "its time has not come");
        return found;
      });
      assert.equal(refresh.status, 200, JSON.stringify(refresh.answer));
      assert.equal((await alice.call()).said, "a server in Python");
      assert.equal(upstream.asked("/token").length, 2, "the new token is good for more than a call");

      const token = upstream.asked("/mcp").at(-1).headers.authorization;
      page = await alice.browser.walk(`${gateway.url}/connections`);
      const buttons = page.forms.filter(({ fields }) => fields.slug === slug).flatMap((form) => form.buttons);
      page = await alice.browser.press(page, buttons.find(({ value }) => value === "disconnect"));
      assert.match(page.text, /disconnected/i);
      assert.ok((await alice.call()).signal, "and the next call asks for it");
      const told = upstream.asked("/revoke").at(-1);
      assert.equal(told?.status, 200, JSON.stringify(told?.answer));
      const late = await request(upstream.url, { method: "POST", headers: { authorization: token, accept: "application/json, text/event-stream" }, json: {} });
      if (slug === "proxied") assert.equal(provider.revocations().at(-1)?.status, 200, "and its provider by it");
      else assert.equal(late.status, 401, "its token is dead there");
    });
  }
});
