// Clients that publish themselves: a metadata document at the client_id's URL, fetched with care.
//
// Documents are served on loopback here, which is allowed only because the gateway's own public origin is loopback too.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertRefusedOnPage } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin } from "./support/idp.mjs";
import { listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { CALLBACK, OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

/** A host that publishes documents: `publish(path, answer)` where the answer gets the document's URL. */
async function startPublisher() {
  const published = new Map();
  const fetched = [];
  const server = http.createServer((request, response) => {
    fetched.push({ path: request.url, headers: request.headers });
    const answer = published.get(request.url);
    if (answer) answer(response);
    else response.writeHead(404, { "content-type": "application/json" }).end("{}");
  });
  const { origin, stop } = await listen(server);
  return {
    stop,
    fetched,
    /** A document at a path of its own; `bend` changes it, `send` replaces the whole answer. */
    publish(path, { bend = (document) => document, send, type = "application/json", headers = {}, status = 200 } = {}) {
      const url = `${origin}${path}`;
      const document = bend({ client_id: url, client_name: "Published client", redirect_uris: [CALLBACK], token_endpoint_auth_method: "none" });
      published.set(path, send ?? ((response) => response.writeHead(status, { "content-type": type, ...headers }).end(JSON.stringify(document))));
      return url;
    },
  };
}

describe("client metadata documents", () => {
  let gateway, publisher, upstream;
  before(async () => {
    [publisher, upstream] = await Promise.all([startPublisher(), startUpstream()]);
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }) });
  });
  after(() => Promise.all([gateway?.stop(), publisher?.stop(), upstream?.stop()]));

  const open = (id, target = gateway, overrides = {}) => {
    const oauth = new OAuthClient(target, { slug: "alpha", id });
    return new Browser(target.url).open(oauth.authorizationUrl(overrides));
  };

  test("[S2] [S4] a published client signs in without registering, and the consent page names its host", async () => {
    const id = publisher.publish("/client.json");
    const oauth = new OAuthClient(gateway, { slug: "alpha", id, scope: "mcp:tools offline_access" });
    const browser = new Browser(gateway.url);
    let page = await browser.open(oauth.authorizationUrl());
    page = await browser.press(page, page.button("account"));
    assert.ok(page.text.includes("Published client"), page.text);
    assert.ok(page.text.includes("localhost"), page.text);
    const arrived = await browser.press(page, page.button("decision", (value) => value === "approve"));
    const { json } = await oauth.redeem(arrived.params.get("code"));
    assert.equal((await callTool(gateway.mcpUrl("alpha"), json.access_token)).status, 200);
    assert.equal((await oauth.refresh(json.refresh_token)).status, 200);
  });

  test("[S2] the document is fetched once while its cache lifetime lasts, without cookies or credentials", async () => {
    const id = publisher.publish("/cached.json", { headers: { "cache-control": "max-age=3600" } });
    for (let visits = 0; visits < 3; visits += 1) await open(id);
    const requests = publisher.fetched.filter(({ path }) => path === "/cached.json");
    assert.equal(requests.length, 1);
    assert.equal(requests[0].headers.cookie, undefined);
    assert.equal(requests[0].headers.authorization, undefined);
  });

  test("[S2] a document that was refused is not remembered: once mended it works", async () => {
    const id = publisher.publish("/mended.json", { bend: ({ redirect_uris, ...rest }) => rest });
    const refused = await open(id);
    assertRefusedOnPage(refused, { status: refused.status, says: [/redirect_uris/] });
    publisher.publish("/mended.json");
    assert.equal((await open(id)).status, 200);
  });

  const unfit = {
    "another client_id": [{ bend: (document) => ({ ...document, client_id: `${document.client_id}/` }) }, /client_id/],
    "no client_id": [{ bend: ({ client_id, ...rest }) => rest }, /client_id/],
    "no client_name": [{ bend: ({ client_name, ...rest }) => rest }, /client_name/],
    "no redirect_uris": [{ bend: ({ redirect_uris, ...rest }) => rest }, /redirect_uris/],
    "a client_secret": [{ bend: (document) => ({ ...document, client_secret: "s" }) }, /secret/],
    "a shared-secret method": [{ bend: (document) => ({ ...document, token_endpoint_auth_method: "client_secret_post" }) }, /token_endpoint_auth_method|secret/],
    "a redirect in place of it": [{ send: (response) => response.writeHead(302, { location: "/client.json" }).end() }, /redirect|302|status/i],
    "status 404": [{ status: 404 }, /404|status/],
    "status 201": [{ status: 201 }, /201|status/],
    "HTML": [{ type: "text/html" }, /content.type|json/i],
    "no JSON": [{ send: (response) => response.writeHead(200, { "content-type": "application/json" }).end("{") }, /json/i],
    "more than 5 KiB": [{ bend: (document) => ({ ...document, filler: "x".repeat(6000) }) }, /5|large|bytes/i],
    "an endless body": [{ send: (response) => endless(response) }, /5|large|bytes/i],
    "a broken-off answer": [{ send: (response) => response.socket.destroy() }, /answer|reach|fetch/i],
  };
  for (const [name, [publication, says]] of Object.entries(unfit)) {
    test(`[S2] refused with ${name}, and the page says which rule failed`, async () => {
      const path = `/unfit-${name.replaceAll(/\W+/g, "-")}.json`;
      const page = await open(publisher.publish(path, publication));
      assertRefusedOnPage(page, { status: page.status, says: [says] });
      assert.ok(page.status >= 400 && page.status < 500, String(page.status));
    });
  }

  test("[H3] a redirect URI that is not in the document redirects nowhere", async () => {
    const id = publisher.publish("/strict.json");
    assertRefusedOnPage(await open(id, gateway, { redirect_uri: "https://evil.example/cb" }), { says: [/evil\.example/, /127\.0\.0\.1/] });
  });

  test("[S2] documents can be switched off, and then no metadata speaks of them", async () => {
    const own = await startGateway({ config: configuration({ alpha: upstream.url }, { clients: { metadata_documents: false } }) });
    try {
      const page = await open(publisher.publish("/off.json"), own);
      assertRefusedOnPage(page, { status: page.status, says: [/document/] });
      assert.notEqual((await own.fetch("/.well-known/oauth-authorization-server")).json.client_id_metadata_document_supported, true);
    } finally {
      await own.stop();
    }
  });

  describe("addresses a client must not make the gateway fetch", () => {
    let strict;
    const PUBLIC = "https://mcp.example.com";
    before(async () => {
      strict = await startGateway({
        secrets: LOGIN_SECRETS,
        config: configuration({ alpha: upstream.url }, { public_url: PUBLIC, login: oidcLogin({ issuer: "https://id.example.com" }) }),
      });
    });
    after(() => strict?.stop());

    const forbidden = [
      "https://127.0.0.1/client.json",
      "https://localhost/client.json",
      "https://sub.localhost/client.json",
      "https://[::1]/client.json",
      "https://10.0.0.8/client.json",
      "https://172.16.0.1/client.json",
      "https://192.168.1.1/client.json",
      "https://169.254.169.254/latest/meta-data",
      "https://100.64.0.1/client.json",
      "https://0.0.0.0/client.json",
      "https://[::ffff:10.0.0.1]/client.json",
      "https://[fd00::1]/client.json",
      "https://[fe80::1]/client.json",
      "https://2130706433/client.json",
      "https://0x7f000001/client.json",
      "https://017700000001/client.json",
      "https://metadata.google.internal/client.json",
      "https://printer.local/client.json",
      "http://client.example/client.json",
      "https://user:pass@client.example/client.json",
      "https://client.example/client.json#fragment",
      "https://client.example/a/../client.json",
      "https://client.example/a/%2e%2e/client.json",
      "https://client.example",
      "https://client.example/",
      "ftp://client.example/client.json",
    ];
    for (const id of forbidden) {
      test(`[S2] ${id}`, async () => {
        const started = Date.now();
        const page = await open(id, strict.at(PUBLIC));
        assertRefusedOnPage(page, { status: page.status });
        assert.ok(page.status >= 400 && page.status < 500, `${page.status} ${page.text}`);
        assert.doesNotMatch(page.text, /could not be (fetched|reached)|did not answer/i, "it was tried");
        assert.ok(Date.now() - started < 2000, "it was tried");
      });
    }

    test("[S2] loopback documents are for development only", async () => {
      const before = publisher.fetched.length;
      const page = await open(publisher.publish("/loopback.json"), strict.at(PUBLIC));
      assertRefusedOnPage(page, { status: page.status });
      assert.equal(publisher.fetched.length, before, "the gateway fetched from loopback");
    });

    test("[S2] private addresses stay forbidden in development", async () => {
      for (const id of ["https://10.0.0.8/client.json", "http://192.168.1.1/client.json", "https://169.254.169.254/latest"]) {
        const page = await open(id);
        assertRefusedOnPage(page, { status: page.status });
        assert.doesNotMatch(page.text, /did not answer|could not be (fetched|reached)/i);
      }
    });
  });
});

function endless(response) {
  response.writeHead(200, { "content-type": "application/json" });
  const more = () => {
    while (!response.destroyed && response.write(" ".repeat(16_384)));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}
