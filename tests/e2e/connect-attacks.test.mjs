// Who tries to get a connection that is not theirs, or to lead the gateway and its tokens to where they must not go.
//
// Not here: the client's side of authorization (authorize.test.mjs), a record moved in storage (tests/attacks).

import assert from "node:assert/strict";
import http from "node:http";
import { after, afterEach, before, describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { answerWith, change, slow } from "./support/bending-proxy.mjs";
import { Browser } from "./support/browser.mjs";
import { clientOf, connect, people, personAt, startIsolates } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startProvider } from "./support/idp.mjs";
import { listen } from "./support/listen.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";

const CALLBACK = "/oauth/upstream-callback";
const PRM = "/.well-known/oauth-protected-resource/mcp";
const METADATA = "/.well-known/oauth-authorization-server";

const atCallback = (url) => url.pathname.startsWith(CALLBACK);

/** Nothing was connected, the page says why, and nobody was sent anywhere. */
function assertRefused(page, { says = [] } = {}) {
  assert.equal(page.landed, undefined, `sent to ${page.landed}`);
  assert.ok(page.status >= 400, `${page.status} ${page.text}`);
  assert.ok(page.text.includes(page.headers["x-request-id"]), `no request id on: ${page.text}`);
  for (const phrase of [says].flat()) assert.match(page.text, phrase);
}

describe("a link or an answer in the wrong hands", () => {
  let gateway, server, upstream, second, other;
  const names = Array.from({ length: 20 }, (_, index) => `person-${index}`);
  let next = 0;
  before(async () => {
    server = await startAuthorizationServer();
    second = await startAuthorizationServer();
    upstream = await startConnectedUpstream({ servers: [server] });
    other = await startConnectedUpstream({ servers: [second] });
    const auth = { kind: "oauth" };
    gateway = await startGateway({ config: configuration({ notes: { url: upstream.url, auth }, mail: { url: other.url, auth } }, people(...names)) });
  });
  after(() => Promise.all([gateway, upstream, other, server, second].map((one) => one?.stop())));
  afterEach(() => {
    for (const one of [server, second, upstream, other]) one.straighten();
  });

  /** Somebody who has a client and is not connected. */
  const somebody = (slug = "notes") => clientOf(gateway, slug, [server, second], { as: names[(next += 1)], connect: "skip" });
  /** Walks until the answer of the upstream would be opened, and answers it unopened. */
  async function answerFor(person, url) {
    person.browser.stopsAt = atCallback;
    const page = await person.browser.walk(url, { as: person.as });
    person.browser.stopsAt = () => false;
    assert.ok(page.landed && atCallback(page.landed), `${page.landed ?? page.text}`);
    return page.landed;
  }
  const exchanges = () => server.tokenRequests("authorization_code").length + second.tokenRequests("authorization_code").length;
  const bent = (url, parameters) => {
    const copy = new URL(url);
    for (const [name, value] of Object.entries(parameters)) {
      if (value === undefined) copy.searchParams.delete(name);
      else copy.searchParams.set(name, value);
    }
    return copy;
  };

  test("[Z3] a link that somebody else opens connects nothing", async () => {
    const [alice, mallory] = [await somebody(), await somebody()];
    const { signal } = await alice.call();
    const before = server.authorizations().length;
    const page = await mallory.browser.walk(signal.url, { as: mallory.as });
    assertRefused(page, { says: /connection_for_somebody_else/ });
    assert.equal(page.status, 403);
    assert.equal(server.authorizations().length, before);
    for (const person of [alice, mallory]) assert.ok((await person.call()).signal);
  });

  test("[Z3] who is signed in as nobody and signs in as somebody else is refused as well", async () => {
    const [alice, mallory] = [await somebody(), await somebody()];
    const { signal } = await alice.call();
    assertRefused(await personAt(gateway, server).walk(signal.url, { as: mallory.as }));
    assert.ok((await alice.call()).signal);
  });

  test("[Z3] the connect page of a client's authorization is for whoever it was begun by", async () => {
    const mallory = await somebody();
    const as = names[(next += 1)];
    const oauth = new OAuthClient(gateway, { slug: "notes" });
    await oauth.register();
    const browser = personAt(gateway, server);
    browser.stopsAt = ({ pathname }) => pathname.startsWith("/connect/");
    const { landed } = await oauth.authorize({}, { as, browser });
    assert.ok(landed?.searchParams.has("grant"), String(landed));
    const before = server.authorizations().length;
    assertRefused(await mallory.browser.walk(landed, { as: mallory.as }), { says: /connection_for_somebody_else/ });
    assert.equal(server.authorizations().length, before);
    browser.stopsAt = () => false;
    const arrived = await browser.walk(landed, { as });
    assert.ok(arrived.params?.get("code"), "and whose it is goes on");
  });

  test("[Z3] an answer that somebody else's browser brings connects neither of the two", async () => {
    const [alice, mallory] = [await somebody(), await somebody()];
    server.settings.account = "account of mallory";
    const answer = await answerFor(mallory, (await mallory.call()).signal.url);
    server.settings.account = "alice";
    const before = exchanges();
    assertRefused(await alice.browser.open(answer));
    assertRefused(await personAt(gateway).open(answer));
    assert.equal(exchanges(), before, "the code was sent on");
    for (const person of [alice, mallory]) assert.ok((await person.call()).signal);
  });

  test("an answer is good once", async () => {
    const alice = await somebody();
    const answer = await answerFor(alice, (await alice.call()).signal.url);
    const first = await alice.browser.open(answer);
    assert.equal(first.status, 200, first.text);
    const before = exchanges();
    assertRefused(await alice.browser.open(answer));
    assert.equal(exchanges(), before);
    assert.ok((await alice.call()).said, "and what it connected stays");
  });

  test("answers opened at once connect once", async () => {
    const alice = await somebody();
    const answer = await answerFor(alice, (await alice.call()).signal.url);
    const before = exchanges();
    await Promise.all(Array.from({ length: 6 }, () => alice.browser.open(answer)));
    assert.equal(exchanges(), before + 1);
    assert.ok((await alice.call()).said);
  });

  test("a state of another trip, another person or of nobody is refused", async () => {
    const [alice, bob] = [await somebody(), await somebody()];
    const [mine, theirs] = [await answerFor(alice, (await alice.call()).signal.url), await answerFor(bob, (await bob.call()).signal.url)];
    const before = exchanges();
    const state = mine.searchParams.get("state");
    const flipped = state.slice(0, -2) + (state.endsWith("AA") ? "BB" : "AA");
    for (const wrong of [theirs.searchParams.get("state"), flipped, state.slice(0, 20), "", undefined, "x".repeat(20_000)]) {
      assertRefused(await alice.browser.open(bent(mine, { state: wrong })));
    }
    assertRefused(await alice.browser.open(bent(mine, { code: undefined })));
    assert.equal(exchanges(), before, "no code was sent anywhere");
  });

  test("an answer that names another issuer, or none where one is promised, is refused before the code is used", async () => {
    const alice = await somebody();
    const { signal } = await alice.call();
    const before = exchanges();
    for (const iss of [second.issuer, `${server.issuer}/`, "https://evil.example", undefined]) {
      assertRefused(await alice.browser.open(bent(await answerFor(alice, signal.url), { iss })));
    }
    assert.equal(exchanges(), before);
    const error = bent(await answerFor(alice, signal.url), { iss: second.issuer, code: undefined, error: "access_denied", error_description: "a message of evil" });
    const page = await alice.browser.open(error);
    assertRefused(page);
    assert.equal(page.text.includes("a message of evil"), false, "what an unproven issuer says is not shown");
  });

  test("mix-up: a code of one upstream's issuer never reaches another's", async () => {
    const alice = await somebody("mail");
    // The dishonest issuer sends the person on to the honest one, with the honest one's client and its own state.
    const honest = server.registrations()[0]?.answer.client_id;
    second.bend("/authorize", async ({ exchange, response }) => {
      const there = new URL(`${server.issuer}/authorize?${exchange.query}`);
      if (honest) there.searchParams.set("client_id", honest);
      there.searchParams.set("resource", upstream.url);
      response.writeHead(302, { location: String(there) }).end();
    });
    const page = await alice.browser.walk((await alice.call()).signal.url, { as: alice.as });
    assert.equal(new URL(page.url).origin, server.issuer, "it knows the gateway's client, and not with the other's callback");
    assert.ok(page.status >= 400, page.text);
    for (const { form } of second.tokenRequests("authorization_code")) assert.equal(form.code, undefined, "the honest issuer's code was sent to the other");
  });

  test("a form of the connect page counts only for whom and what it was made", async () => {
    const [alice, mallory] = [await somebody(), await somebody()];
    const opened = await alice.browser.open((await alice.call()).signal.url);
    const button = opened.button("decision", (value) => value === "connect");
    const before = server.authorizations().length;
    const theirs = await mallory.browser.open((await mallory.call()).signal.url);
    const swapped = theirs.forms.find(({ fields }) => fields.ticket).fields.ticket;
    assertRefused(await alice.browser.press(opened, button, { ticket: swapped }));
    assertRefused(await alice.browser.press(opened, button, { ticket: "" }));
    assertRefused(await mallory.browser.press(opened, button));
    assert.equal(server.authorizations().length, before);
  });

  test("a link that was changed, cut or made for another server is refused", async () => {
    const alice = await somebody();
    const { url } = (await alice.call()).signal;
    const sealed = new URL(url).searchParams.get("s");
    for (const s of [sealed.slice(0, -3), `${sealed}AAAA`, "x", "x".repeat(9000)]) assertRefused(await alice.browser.walk(bent(url, { s }), { as: alice.as }));
    assertRefused(await alice.browser.walk(url.replace("/connect/notes", "/connect/mail"), { as: alice.as }));
    assertRefused(await alice.browser.walk(url.replace("/connect/notes", "/connect/nowhere"), { as: alice.as }));
  });

  test("[Z3] the tokens of one upstream are never sent to another, whatever a challenge names", async () => {
    const both = await Promise.all(["notes", "mail"].map(async (slug) => ({ slug, person: await somebody(slug) })));
    for (const { person } of both) await connect(person.browser, (await person.call()).signal.url, { as: person.as });
    // One upstream points to the other: by a redirect, by the other's metadata.
    upstream.bend("/mcp", async ({ response }) => response.writeHead(307, { location: other.url }).end(), { times: 2 });
    await both[0].person.call();
    await both[0].person.call();
    upstream.bend("/mcp", answerWith(401, {}, { "www-authenticate": `Bearer resource_metadata="${new URL(PRM, other.url)}"` }), { times: 2 });
    await both[0].person.call();
    upstream.straighten();
    await Promise.all(both.map(({ person }) => person.call()));
    const [here, there] = [upstream.tokensSeen(), other.tokensSeen()];
    assert.ok(here.size > 0 && there.size > 0);
    for (const token of here) assert.equal(there.has(token), false, "a token of one upstream arrived at the other");
    const tokens = [...here, ...there];
    for (const { person } of both) assert.equal(tokens.includes(person.token), false, "a gateway token arrived at an upstream");
  });
});

describe("a record moved in storage", () => {
  test("[X17] what was sealed for one person or server opens for no other, and nobody calls with it", async (t) => {
    const server = await startAuthorizationServer();
    const [upstream, other] = [await startConnectedUpstream({ servers: [server] }), await startConnectedUpstream({ servers: [server] })];
    const auth = { kind: "oauth" };
    const gateway = await startIsolates({ config: configuration({ notes: { url: upstream.url, auth }, mail: { url: other.url, auth } }) });
    t.after(() => Promise.all([gateway, upstream, other, server].map((one) => one.stop())));
    gateway.choose(0);
    const clients = [];
    for (const [as, slug] of [["alice", "notes"], ["bob", "notes"], ["alice", "mail"]]) {
      server.settings.account = `${as}@${slug}`;
      clients.push({ said: `${as}@${slug}`, client: await clientOf(gateway, slug, [server], { as }) });
    }
    const kv = await gateway.kv();
    const { keys } = await kv.list({ prefix: "connection:" });
    assert.equal(keys.length, clients.length, "one record for each");
    const records = await Promise.all(keys.map(({ name }) => kv.get(name)));
    for (const [index, { name }] of keys.entries()) await kv.put(name, records[(index + 1) % records.length]);
    gateway.choose(1); // where nobody remembers anything
    for (const { said, client } of clients) {
      const answer = await client.call();
      if (answer.said) assert.equal(answer.said, said, "somebody else's account was used");
      else assert.ok(answer.signal, answer.text);
    }
    const [here, there] = [upstream.tokensSeen(), other.tokensSeen()];
    for (const token of here) assert.equal(there.has(token), false, "a token of one upstream arrived at the other");
  });
});

describe("metadata that leads astray", () => {
  let gateway, server, upstream, trap, alice;
  before(async () => {
    server = await startAuthorizationServer();
    upstream = await startConnectedUpstream({ servers: [server] });
    trap = await startTrap();
    gateway = await startGateway({ config: configuration({ notes: { name: "Notes", url: upstream.url, auth: { kind: "oauth" } } }) });
    alice = await clientOf(gateway, "notes", [server], { connect: "skip" });
  });
  after(() => Promise.all([gateway, upstream, server, trap].map((one) => one?.stop())));
  afterEach(() => {
    for (const one of [server, upstream]) one.straighten();
    upstream.settings.issuers = [server.issuer];
    trap.requests.length = 0;
  });

  /** The page the person sees instead of being sent to sign in. */
  async function refusedBecause(says) {
    const began = Date.now();
    const before = server.authorizations().length;
    const page = await alice.browser.walk((await alice.call()).signal.url);
    assertRefused(page, { says });
    assert.equal(server.authorizations().length, before, "she was sent to sign in all the same");
    assert.ok(Date.now() - began < 25_000, "it took too long to say so");
    return page;
  }

  test("the resource's metadata is not fetched over a redirect", async () => {
    upstream.bend(PRM, async ({ response }) => response.writeHead(302, { location: `${trap.origin}${PRM}` }).end());
    await refusedBecause([]);
    assert.deepEqual(trap.requests, []);
  });

  test("the issuer's metadata is not fetched over a redirect", async () => {
    server.bend("/.well-known/*", async ({ exchange, response }) => response.writeHead(301, { location: `${trap.origin}${exchange.path}` }).end());
    await refusedBecause([]);
    assert.deepEqual(trap.requests, []);
  });

  test("a token endpoint that redirects gets the code and hands on nothing", async () => {
    server.bend("/token", async ({ response }) => response.writeHead(307, { location: `${trap.origin}/token` }).end());
    const page = await alice.browser.walk((await alice.call()).signal.url);
    assertRefused(page);
    assert.deepEqual(trap.requests, []);
  });

  for (const [what, bend] of Object.entries({
    "too large": answerWith(200, Buffer.alloc(5_000_000, " ")),
    slow,
    "no JSON": answerWith(200, "<html>"),
    "a list": answerWith(200, []),
    "empty": answerWith(200, {}),
    "full of the wrong types": answerWith(200, { resource: 7, issuer: [], authorization_servers: "x", authorization_endpoint: {}, token_endpoint: 1 }),
  })) {
    test(`a document that is ${what} is refused in time, wherever it comes from`, { timeout: 120_000 }, async () => {
      upstream.bend(PRM, bend);
      await refusedBecause([]);
      upstream.straighten();
      server.bend("/.well-known/*", bend);
      await refusedBecause([]);
    });
  }

  test("an issuer that calls itself something else is refused", async () => {
    server.bend("/.well-known/*", change((document) => ({ ...document, issuer: "https://accounts.example.com" })));
    await refusedBecause([]);
  });

  test("an issuer without PKCE by S256 is refused", async () => {
    server.bend("/.well-known/*", change(({ code_challenge_methods_supported: _gone, ...rest }) => rest));
    await refusedBecause([/S256|PKCE/]);
    server.straighten();
    server.bend("/.well-known/*", change((document) => ({ ...document, code_challenge_methods_supported: ["plain"] })));
    await refusedBecause([]);
  });

  test("endpoints with a scheme that is not the web's are refused", async () => {
    for (const endpoint of ["javascript:alert(1)", "file:///etc/passwd", "ftp://example.com/", "data:text/html,x", "//evil.example", ""]) {
      server.straighten();
      server.bend("/.well-known/*", change((document) => ({ ...document, authorization_endpoint: endpoint })));
      const page = await refusedBecause([]);
      assert.equal(page.html.includes(`href="${endpoint}"`) && endpoint !== "", false);
    }
  });
});

describe("a gateway on the public internet", () => {
  const PUBLIC = "https://mcp.example.com";
  let gateway, provider, server, upstream, trap, alice;
  before(async () => {
    provider = await startProvider(PUBLIC);
    server = await startAuthorizationServer({ metadataDocuments: (url) => served(gateway, url) });
    upstream = await startConnectedUpstream({ servers: [server], within: server });
    trap = await startTrap();
    const notes = { name: "Notes", url: upstream.url, auth: { kind: "oauth" } };
    const real = await startGateway({ secrets: LOGIN_SECRETS, config: configuration({ notes }, { public_url: PUBLIC, login: oidcLogin(provider) }) });
    gateway = real.at(PUBLIC);
    alice = await clientOf(gateway, "notes", [server], { browser: new Browser(PUBLIC, provider.issuer, server.issuer), connect: "skip" });
  });
  after(() => Promise.all([gateway, upstream, server, provider, trap].map((one) => one?.stop())));
  afterEach(() => {
    server.straighten();
    upstream.settings.issuers = [server.issuer];
    trap.requests.length = 0;
  });

  const refused = async () => {
    const page = await alice.browser.walk((await alice.call()).signal.url);
    assertRefused(page);
    assert.deepEqual(trap.requests, [], "somebody was asked whom only this machine can reach");
    return page;
  };

  test("addresses that only its own network reaches are refused as issuers and endpoints, and nothing is sent there", async () => {
    const { port } = trap;
    const places = [
      trap.origin,
      `http://127.0.0.1:${port}`,
      `https://127.0.0.1:${port}`,
      `https://localhost:${port}`,
      `https://[::1]:${port}`,
      `https://[::ffff:127.0.0.1]:${port}`,
      `https://2130706433:${port}`,
      `https://0x7f.1:${port}`,
      "https://10.0.0.1",
      "https://169.254.169.254",
      "https://192.168.1.1",
      "https://metadata.google.internal",
      "http://accounts.example.com",
    ];
    for (const place of places) {
      upstream.settings.issuers = [place];
      await refused();
    }
    upstream.settings.issuers = [server.issuer];
    for (const place of places.slice(0, 6)) {
      server.straighten();
      server.bend(METADATA, change((document) => ({ ...document, token_endpoint: `${place}/token` })));
      server.bend("/.well-known/openid-configuration", change((document) => ({ ...document, token_endpoint: `${place}/token` })));
      await refused();
    }
  });

  test("a challenge that names metadata at such an address does not lead there", async () => {
    server.bend("/mcp", answerWith(401, {}, { "www-authenticate": `Bearer resource_metadata="${trap.origin}${PRM}"` }));
    await alice.browser.open((await alice.call()).signal.url);
    assert.deepEqual(trap.requests, []);
  });

  test("[Z3] the gateway is a client by its own document there, and registers nowhere", async () => {
    await connect(alice.browser, (await alice.call()).signal.url);
    assert.equal((await alice.call()).said, "alice");
    assert.equal(server.registrations().length, 0);
    const { query } = server.authorizations().at(-1);
    const id = query.get("client_id");
    assert.ok(id.startsWith(`${PUBLIC}/oauth/client-metadata/`), id);
    const document = await gateway.fetch(id);
    assert.equal(document.json.client_id, id);
    assert.deepEqual(document.json.redirect_uris, [query.get("redirect_uri")]);
  });
});

/** What an authorization server gets when it fetches a document of the gateway, whose address only this test knows. */
async function served(gateway, url) {
  const { status, text, headers } = await gateway.fetch(String(url));
  return new Response(text, { status, headers: { "content-type": headers["content-type"] } });
}

/** A server on loopback that must never hear anything. */
async function startTrap() {
  const requests = [];
  const { origin, port, stop } = await listen(
    http.createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    }),
  );
  return { origin, port, requests, stop };
}
