// What an operator can set about connections, and what happens to those that exist when it changes: clients registered beforehand, scopes,
// issuers, URLs, keys; and the kinds of connection that are not each person's own.
//
// Not here: the trip itself (connect.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { answerWith } from "./support/bending-proxy.mjs";
import { clientOf, connect } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { ADMIN_TOKEN, configuration, keyRing, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/listen.mjs";
import { startUpstream } from "./support/upstream.mjs";

const SECRET = "secret-of-the-gateway-at-the-upstream";
const secrets = { NOTES_SECRET: SECRET };

/** A gateway with one server `notes` whose `auth` is given, and an upstream as wished; all of it ends with the test. */
async function world(t, { server: serverOptions, upstream: upstreamOptions, auth = () => ({ kind: "oauth" }), gateway: gatewayOptions } = {}) {
  const port = await freePort();
  const callback = `http://localhost:${port}/oauth/upstream-callback`;
  const server = await startAuthorizationServer(typeof serverOptions === "function" ? serverOptions(callback) : serverOptions);
  t.after(server.stop);
  const upstream = await startConnectedUpstream({ servers: [server], ...upstreamOptions });
  t.after(upstream.stop);
  const settings = (changed = auth(server, upstream)) => configuration({ notes: { name: "Notes", url: upstream.url, auth: changed } });
  const gateway = await startGateway({ port, secrets, config: settings(), ...gatewayOptions });
  t.after(gateway.stop);
  return { gateway, server, upstream, callback, reconfigure: async (changed) => assert.equal((await gateway.configure(settings(changed))).status, 200) };
}

const preregistered = (callback, rest = {}) => ({
  registration: false,
  clients: [{ client_id: "gateway", client_secret: SECRET, token_endpoint_auth_method: "client_secret_post", redirect_uris: [callback], ...rest }],
});

describe("a client registered beforehand", () => {
  test("[P5] it is used without registration, with the method and the endpoints it was given", async (t) => {
    const { gateway, server } = await world(t, {
      server: (callback) => preregistered(callback),
      auth: ({ issuer }) => ({
        kind: "oauth",
        scope: "read",
        client: {
          client_id: "gateway",
          client_secret: { secret: "NOTES_SECRET" },
          token_endpoint_auth_method: "client_secret_post",
          authorization_endpoint: `${issuer}/authorize?audience=notes`,
          token_endpoint: `${issuer}/token`,
          revocation_endpoint: `${issuer}/revoke`,
        },
      }),
    });
    const alice = await clientOf(gateway, "notes", [server]);
    assert.equal((await alice.call()).said, "alice");
    assert.equal(server.registrations().length, 0);
    const [authorization] = server.authorizations();
    assert.equal(authorization.query.get("client_id"), "gateway");
    assert.equal(authorization.query.get("scope"), "read", "exactly what was written");
    assert.equal(authorization.query.get("audience"), "notes", "a query of the endpoint stays");
    const [exchange] = server.tokenRequests("authorization_code");
    assert.equal(exchange.form.client_secret, SECRET);
    server.expireAccessTokens();
    assert.equal((await alice.call()).said, "alice");
    assert.equal(server.tokenRequests("refresh_token")[0].form.client_id, "gateway");
  });

  test("[P5] [P7] an issuer is enough: its metadata says the rest, and the header alone says who the client is", async (t) => {
    const { gateway, server } = await world(t, {
      server: (callback) => preregistered(callback, { token_endpoint_auth_method: "client_secret_basic" }),
      auth: ({ issuer }) => ({ kind: "oauth", issuer, client: { client_id: "gateway", client_secret: { secret: "NOTES_SECRET" } } }),
    });
    // As Okta has it: who is named twice is refused.
    const twice = ({ form, headers }) => form.client_id && headers.authorization;
    server.bend(twice, answerWith(400, { error: "invalid_request", error_description: "Cannot supply multiple client credentials." }));
    const alice = await clientOf(gateway, "notes", [server]);
    assert.equal((await alice.call()).said, "alice");
    assert.match(server.tokenRequests("authorization_code")[0].headers.authorization, /^Basic /);
    server.expireAccessTokens();
    assert.equal((await alice.call()).said, "alice", "refreshed");
    const page = await alice.browser.walk(`${gateway.url}/connections`);
    await alice.browser.press(page, page.button("action", (value) => value === "disconnect"));
    assert.equal(server.revocations().at(-1).status, 200, "and disconnected");
  });

  test("[P5] without one, a server that registers nobody is named, with the setting to fill", async (t) => {
    const { gateway, server } = await world(t, { server: { registration: false } });
    const alice = await clientOf(gateway, "notes", [server], { connect: "skip" });
    const page = await alice.browser.walk((await alice.call()).signal.url);
    assert.equal(page.landed, undefined);
    assert.match(page.text, /does not support dynamic client registration/);
    assert.match(page.text, /client_id/);
    assert.ok(page.text.includes(page.headers["x-request-id"]), page.text);
    assert.equal(server.authorizations().length, 0);
  });

  test("[X19] changing it, or forgetting it, breaks no connection made with the old one", async (t) => {
    const { gateway, server, reconfigure } = await world(t, {
      server: (at) => {
        const { registration, clients } = preregistered(at);
        return { registration, clients: [...clients, { ...clients[0], client_id: "gateway-2" }] };
      },
      auth: ({ issuer }) => ({ kind: "oauth", issuer, client: { client_id: "gateway", client_secret: { secret: "NOTES_SECRET" }, token_endpoint_auth_method: "client_secret_post" } }),
    });
    const alice = await clientOf(gateway, "notes", [server]);
    assert.equal((await alice.call()).said, "alice");
    const other = { client_id: "gateway-2", client_secret: { secret: "NOTES_SECRET" }, token_endpoint_auth_method: "client_secret_post" };
    await reconfigure({ kind: "oauth", issuer: server.issuer, client: other });
    server.settings.account = "bob";
    const bob = await clientOf(gateway, "notes", [server], { as: "bob" });
    assert.equal((await bob.call()).said, "bob");
    server.expireAccessTokens();
    assert.equal((await alice.call()).said, "alice", "made with the old client, and refreshed with it");
    assert.equal((await bob.call()).said, "bob");
    assert.deepEqual(server.tokenRequests("refresh_token").map(({ form }) => form.client_id).sort(), ["gateway", "gateway-2"]);
  });

  test("[X19] a registration that the issuer forgot is made anew for whoever comes back without an answer", async (t) => {
    const { gateway, server } = await world(t);
    const bob = await clientOf(gateway, "notes", [server], { as: "bob", connect: "skip" });
    const { signal } = await bob.call();
    bob.browser.stopsAt = ({ pathname }) => pathname === "/authorize";
    await bob.browser.walk(signal.url, { as: "bob" });
    bob.browser.stopsAt = () => false;
    server.forgetClients();
    await connect(bob.browser, signal.url, { as: "bob" });
    assert.equal((await bob.call()).said, "alice");
    assert.equal(server.registrations().length, 2);
  });

  test("[X19] and for the next person once the issuer says so itself; whoever has a token that is good goes on with it", async (t) => {
    const { gateway, server } = await world(t);
    const [alice, bob] = [await clientOf(gateway, "notes", [server]), await clientOf(gateway, "notes", [server], { as: "bob", connect: "skip" })];
    assert.equal((await alice.call()).said, "alice");
    bob.browser.stopsAt = ({ pathname }) => pathname.startsWith("/oauth/upstream-callback/");
    const { landed } = await bob.browser.walk((await bob.call()).signal.url, { as: "bob" });
    bob.browser.stopsAt = () => false;
    server.forgetClients();
    const page = await bob.browser.open(landed);
    assert.match(page.text, /upstream_client_refused/);
    await connect(bob.browser, (await bob.call()).signal.url, { as: "bob" });
    assert.equal(server.registrations().length, 2);
    assert.ok((await bob.call()).said);
    assert.equal((await alice.call()).said, "alice", "her access token is still good");
  });
});

describe("scopes", () => {
  test("[P6] the provider's invalid_scope reaches the person and the log, with the scope that was sent", async (t) => {
    const { gateway, server } = await world(t, {
      server: (callback) => preregistered(callback, { scope: "read" }),
      auth: ({ issuer }) => ({ kind: "oauth", issuer, scope: "read write", client: { client_id: "gateway", client_secret: { secret: "NOTES_SECRET" }, token_endpoint_auth_method: "client_secret_post" } }),
    });
    const alice = await clientOf(gateway, "notes", [server], { connect: "skip" });
    const page = await alice.browser.walk((await alice.call()).signal.url);
    assert.equal(page.landed, undefined);
    assert.match(page.text, /invalid_scope/);
    assert.match(page.text, /read write/);
    const line = await gateway.logs.find(({ message }) => message.includes("invalid_scope"));
    assert.ok(line.message.includes("read write"), line.message);
  });

  test("[P6] [Z3] a tool that needs more scope asks the person once more, for everything at once", async (t) => {
    const { gateway, server } = await world(t, { upstream: { scopes: ["read"], toolScopes: { test_simple_text: ["write"] } } });
    const alice = await clientOf(gateway, "notes", [server]);
    assert.equal((await alice.call()).said, "alice");
    const session = await alice.session();
    const asked = await session.call("test_simple_text");
    assert.ok(asked.signal, asked.text);
    await connect(alice.browser, asked.signal.url);
    assert.deepEqual(new Set(server.authorizations().at(-1).query.get("scope").split(" ")).isSupersetOf(new Set(["read", "write"])), true);
    assert.equal((await session.call("test_simple_text")).said, "This is a simple text response for testing.");
    assert.equal((await session.call()).said, "alice");
  });
});

describe("where an upstream's metadata points", () => {
  test("[P8] metadata that names another resource is refused, with both values and the fix", async (t) => {
    const { gateway, server, upstream } = await world(t);
    upstream.settings.resource = "https://other.example.com/mcp";
    const alice = await clientOf(gateway, "notes", [server], { connect: "skip" });
    const page = await alice.browser.walk((await alice.call()).signal.url);
    assert.equal(page.landed, undefined);
    assert.ok(page.text.includes(upstream.url), page.text);
    assert.ok(page.text.includes("https://other.example.com/mcp"), page.text);
    assert.ok(page.text.includes(page.headers["x-request-id"]), page.text);
    assert.equal(server.authorizations().length, 0);
  });

  test("several issuers: the first is used, or the one the operator wrote", async (t) => {
    const second = await startAuthorizationServer();
    t.after(second.stop);
    const { gateway, server, upstream, reconfigure } = await world(t);
    upstream.trust(second);
    const alice = await clientOf(gateway, "notes", [server, second]);
    assert.equal((await alice.call()).said, "alice");
    assert.equal(second.authorizations().length, 0);
    await reconfigure({ kind: "oauth", issuer: second.issuer });
    const bob = await clientOf(gateway, "notes", [server, second], { as: "bob" });
    assert.ok((await bob.call()).said);
    assert.equal(second.authorizations().length, 1);
    assert.equal(server.authorizations().length, 1);
  });

  test("a changed issuer: a registration of its own there, and nothing of the old one is shown to it", async (t) => {
    const second = await startAuthorizationServer();
    t.after(second.stop);
    const { gateway, server, upstream } = await world(t);
    const alice = await clientOf(gateway, "notes", [server, second]);
    assert.equal((await alice.call()).said, "alice");
    upstream.trust(second);
    upstream.settings.issuers = [second.issuer];
    assert.equal((await alice.call()).said, "alice", "a token that still works is used");
    server.revokeGrants("alice");
    second.settings.account = "alice of the second";
    const asked = await (await alice.session()).call();
    assert.equal(asked.signal?.state, "reconsent_required", asked.text);
    await connect(alice.browser, asked.signal.url);
    assert.equal((await alice.call()).said, "alice of the second");
    assert.equal(second.registrations().length, 1);
    const sent = second.front.exchanges.map(({ form, query, headers }) => JSON.stringify([form, [...query], headers.authorization])).join();
    for (const { answer } of server.registrations()) assert.equal(sent.includes(answer.client_id), false, "the old client id at the new issuer");
    for (const { answer } of server.tokenRequests("authorization_code")) {
      assert.equal(sent.includes(answer.access_token) || sent.includes(answer.refresh_token), false, "an old token at the new issuer");
    }
  });
});

describe("what changes under a connection", () => {
  test("[P10] a changed URL asks for a new connection; changed back, the old one is there again or asked for", async (t) => {
    const { gateway, server, upstream } = await world(t);
    const elsewhere = await startConnectedUpstream({ servers: [server] });
    t.after(elsewhere.stop);
    const alice = await clientOf(gateway, "notes", [server]);
    assert.equal((await alice.call()).said, "alice");
    assert.equal((await gateway.configure(configuration({ notes: { name: "Notes", url: elsewhere.url, auth: { kind: "oauth" } } }))).status, 200);
    const asked = await alice.call();
    assert.ok(asked.signal, asked.text);
    const seen = upstream.tokensSeen();
    for (const token of elsewhere.tokensSeen()) assert.equal(seen.has(token), false, "a token for another URL was sent");
    await connect(alice.browser, asked.signal.url);
    assert.equal((await alice.call()).said, "alice");
    assert.equal(elsewhere.served("tools/call").length, 1);
  });

  test("[X17] keys rotate between connecting and calling: calls go on, and a refresh seals with the new key", async (t) => {
    const storage = mkdtempSync(path.join(tmpdir(), "rotation-"));
    t.after(() => rmSync(storage, { recursive: true, force: true }));
    const [old, fresh] = keyRing(1, 2).split(",");
    const ring = (...keys) => ({ ...secrets, KEY_RING: keys.join(",") });
    const { gateway: first, server, upstream } = await world(t, { gateway: { storage, secrets: ring(old) } });
    const alice = await clientOf(first, "notes", [server]);
    assert.equal((await alice.call()).said, "alice");
    await first.stop();
    const port = Number(new URL(first.url).port);
    const second = await startGateway({ storage, port, secrets: ring(old, fresh) });
    assert.equal((await alice.call()).said, "alice");
    server.expireAccessTokens();
    assert.equal((await alice.call()).said, "alice");
    assert.equal(server.tokenRequests("refresh_token").length, 1);
    await second.stop();
    const third = await startGateway({ storage, port, secrets: ring(fresh) });
    t.after(third.stop);
    const again = await clientOf(third, "notes", [server]);
    assert.equal((await again.call()).said, "alice", "the connection was sealed again when it was last written");
    assert.equal(server.authorizations().length, 1, "nobody connected twice");
    assert.ok(upstream.served("tools/call").length >= 4);
  });
});

describe("connections that are not a person's own account", () => {
  test("[P2] a value that each person enters on the connect page is sent as theirs, and only to this server", async (t) => {
    const upstream = await startUpstream();
    t.after(upstream.stop);
    const auth = { kind: "headers", headers: { "X-Api-Key": { person: "Your API key" } } };
    const gateway = await startGateway({ config: configuration({ notes: { name: "Notes", url: upstream.url, auth } }) });
    t.after(gateway.stop);
    const typed = (value) => ({ "header:X-Api-Key": value, "header:x-api-key": value });
    const alice = await clientOf(gateway, "notes", [], { typed: typed("key-of-alice") });
    const bob = await clientOf(gateway, "notes", [], { as: "bob", connect: "skip" });
    const { signal } = await bob.call("test_simple_text");
    assert.ok(signal, "he is asked for his");
    await connect(bob.browser, signal.url, { typed: typed("key-of-bob") });
    for (const person of [alice, bob]) {
      const answer = await person.call("test_simple_text");
      assert.equal(answer.status, 200, answer.text);
      assert.equal(upstream.requests.at(-1).headers["x-api-key"], `key-of-${person.as}`);
    }
  });

  test("[P2] client credentials: one token for everybody, fetched once and again when it is refused", async (t) => {
    const { gateway, server } = await world(t, {
      server: (callback) => preregistered(callback, { grant_types: ["client_credentials"], response_types: [], redirect_uris: [] }),
      auth: ({ issuer }, { url }) => ({
        kind: "client_credentials",
        client_id: "gateway",
        client_secret: { secret: "NOTES_SECRET" },
        token_endpoint_auth_method: "client_secret_post",
        issuer,
        resource: url,
        scope: "read",
      }),
    });
    const alice = await clientOf(gateway, "notes", []);
    const bob = await clientOf(gateway, "notes", [], { as: "bob" });
    const answers = await Promise.all([alice, bob, alice, bob].map((person) => person.call()));
    for (const answer of answers) assert.equal(answer.said, "a machine", answer.text);
    assert.equal(server.tokenRequests("client_credentials").length, 1);
    assert.equal(server.tokenRequests("client_credentials")[0].form.scope, "read");
    server.expireAccessTokens();
    for (const answer of await Promise.all([alice, bob, alice, bob].map((person) => person.call()))) assert.equal(answer.said, "a machine", answer.text);
    assert.equal(server.tokenRequests("client_credentials").length, 2);
  });

  test("[P2] one account for everybody, connected by an operator; until then the answer says who must act", async (t) => {
    const { gateway, server } = await world(t, { auth: () => ({ kind: "oauth", shared: true }) });
    server.settings.account = "the team";
    const alice = await clientOf(gateway, "notes", [server]);
    const asked = await (await alice.session()).call();
    assert.ok(/admin_connect_required/.test(asked.text), asked.text);
    assert.equal(server.authorizations().length, 0);
    const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const link = await gateway.fetch("/admin/servers/notes/connection", { method: "POST", headers: admin });
    assert.equal(link.status, 200, link.text);
    await connect(alice.browser, link.json.url);
    assert.equal((await alice.call()).said, "the team");
    const bob = await clientOf(gateway, "notes", [server], { as: "bob" });
    assert.equal((await bob.call()).said, "the team");
    assert.equal(server.authorizations().length, 1);
    const dropped = await gateway.fetch("/admin/servers/notes/connection", { method: "DELETE", headers: admin });
    assert.ok(dropped.status === 200 || dropped.status === 204, dropped.text);
    assert.equal(server.revocations().length > 0, true, "the upstream is told");
    const gone = await (await bob.session()).call();
    assert.ok(/admin_connect_required/.test(gone.text), gone.text);
  });
});
