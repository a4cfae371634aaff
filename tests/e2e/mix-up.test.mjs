// A configured server that is hostile leads people to an honest authorization server, to get the code that they come back with. Neither
// of the two says in its answers who it is (RFC 9207), as many do not.
//
// Not here: issuers that name themselves (connect-attacks.test.mjs).

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { change } from "./support/bending-proxy.mjs";
import { Browser } from "./support/browser.mjs";
import { clientOf, connect } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startProvider } from "./support/idp.mjs";

const PUBLIC = "https://mcp.example.com";
const FLAG = "authorization_response_iss_parameter_supported";

/** It neither promises `iss` nor sends it. */
function unnamed(server) {
  server.bend("/.well-known/*", change((document) => ({ ...document, [FLAG]: undefined })));
  server.bend("/authorize*", async ({ response, forward }) => {
    const { status, headers, body } = await forward();
    const location = headers.location && new URL(headers.location, server.issuer);
    location?.searchParams.delete("iss");
    response.writeHead(status, { ...headers, ...(location && { location: String(location) }) }).end(body);
  });
}

describe("a mix-up of issuers that do not name themselves", { timeout: 120_000 }, () => {
  let gateway, provider, servers, upstreams, alice;
  before(async () => {
    provider = await startProvider(PUBLIC);
    const documents = async (url) => {
      const { status, text, headers } = await gateway.fetch(String(url));
      return new Response(text, { status, headers: { "content-type": headers["content-type"] } });
    };
    servers = {
      open: await startAuthorizationServer(),
      documents: await startAuthorizationServer({ registration: false, metadataDocuments: documents }),
      hostile: await startAuthorizationServer({ metadataDocuments: documents }),
    };
    upstreams = {};
    for (const [slug, server] of Object.entries(servers)) upstreams[slug] = await startConnectedUpstream({ servers: [server], within: server });
    const configured = Object.entries(upstreams).map(([slug, { url }]) => [slug, { url, auth: { kind: "oauth", connect: "first_call" } }]);
    const config = configuration(Object.fromEntries(configured), { public_url: PUBLIC, login: oidcLogin(provider) });
    gateway = (await startGateway({ secrets: LOGIN_SECRETS, config })).at(PUBLIC);
    const browser = new Browser(PUBLIC, provider.issuer, ...Object.values(servers).map(({ issuer }) => issuer));
    alice = {};
    for (const slug of Object.keys(servers)) alice[slug] = await clientOf(gateway, slug, [], { browser });
  });
  after(() => Promise.all([gateway, provider, ...Object.values(upstreams ?? {}), ...Object.values(servers ?? {})].map((one) => one?.stop())));
  afterEach(() => Object.values(servers).forEach((server) => server.straighten()));

  /** What the person meets who connects the hostile server, whose page sends them on to the honest one with `changes`. */
  async function ledTo(honest, changes) {
    Object.values(servers).forEach(unnamed);
    servers.hostile.straighten();
    servers.hostile.bend("/.well-known/*", change((document) => ({ ...document, [FLAG]: undefined })));
    servers.hostile.bend("/authorize", async ({ exchange, response }) => {
      const there = new URL(`${honest.issuer}/authorize?${exchange.query}`);
      for (const [name, value] of Object.entries(changes)) there.searchParams.set(name, value);
      response.writeHead(302, { location: String(there) }).end();
    });
    return alice.hostile.browser.walk((await alice.hostile.call()).signal.url);
  }

  const codes = () => Object.values(servers).flatMap((server) => server.tokenRequests("authorization_code"));

  for (const slug of ["open", "documents"]) {
    test(`[Z3] the code of a server with ${slug === "open" ? "open registration" : "metadata documents"} goes nowhere`, async () => {
      const honest = servers[slug];
      unnamed(honest);
      await connect(alice[slug].browser, (await alice[slug].call()).signal.url);
      assert.equal((await alice[slug].call()).said, "alice", "who connects it herself comes through");
      // The gateway's client there is no secret, nor is where its answers come back to.
      const { query } = honest.authorizations().at(-1);
      const [client_id, redirect_uri] = [query.get("client_id"), query.get("redirect_uri")];
      const before = codes().length;

      const page = await ledTo(honest, { client_id, redirect_uri, resource: upstreams[slug].url });
      assert.ok(honest.authorizations().length >= 2, "she was there");
      assert.equal(page.status, 400, page.text);
      assert.match(page.text, /upstream_answer_of_other_issuer/);
      assert.equal(codes().length, before, "a code was sent on");

      // At the callback of the hostile server the honest one does not send the gateway's client.
      const refused = await ledTo(honest, { client_id, resource: upstreams[slug].url });
      assert.equal(new URL(refused.url).origin, honest.issuer, refused.text);
      assert.ok(refused.status >= 400, refused.text);
      assert.equal(codes().length, before);
      assert.ok((await alice.hostile.call()).signal, "and nothing is connected");
    });
  }

  test("[Z3] whom the client of a hostile server is for is said by the client itself", async () => {
    // Where the honest one takes metadata documents its page cannot be kept from people: it asks for this client, by this name.
    await ledTo(servers.documents, {});
    const { query } = servers.documents.authorizations().at(-1);
    const id = query.get("client_id");
    const { host } = new URL(servers.hostile.issuer);
    assert.ok(decodeURIComponent(id).includes(servers.hostile.issuer), id);
    const { client_id, client_name, redirect_uris } = (await gateway.fetch(id)).json;
    assert.deepEqual([client_id, client_name], [id, `MCP gateway at mcp.example.com, for ${host}`]);
    assert.deepEqual(redirect_uris, [query.get("redirect_uri")]);
    // Nor is there another document with that callback, by which it would not be said.
    const { pathname } = new URL(query.get("redirect_uri"));
    const before = (await gateway.fetch(pathname.replace("upstream-callback", "client-metadata") + ".json")).json;
    assert.deepEqual(before.redirect_uris, redirect_uris);
    assert.equal(before.client_name, "MCP gateway at mcp.example.com, for a server that is not named here");
  });
});

test("[Z3] an issuer that sends people to another one's authorization endpoint is refused before they go", { timeout: 60_000 }, async (t) => {
  const [honest, hostile] = [await startAuthorizationServer(), await startAuthorizationServer()];
  const upstream = await startConnectedUpstream({ servers: [hostile] });
  const gateway = await startGateway({ config: configuration({ notes: { url: upstream.url, auth: { kind: "oauth", connect: "first_call" } } }) });
  t.after(() => Promise.all([gateway, upstream, honest, hostile].map((one) => one.stop())));
  const alice = await clientOf(gateway, "notes", [honest, hostile]);
  const says = { [FLAG]: undefined, authorization_endpoint: `${honest.issuer}/authorize?x=y` };
  hostile.bend("/.well-known/*", change((document) => ({ ...document, ...says })));
  const page = await alice.browser.walk((await alice.call()).signal.url);
  assert.equal(page.status, 502, page.text);
  assert.match(page.text, /upstream_endpoint_of_other_issuer/);
  assert.ok(page.text.includes(honest.issuer), page.text);
  assert.equal(honest.authorizations().length + hostile.registrations().length, 0);
});
