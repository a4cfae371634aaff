// Marked secrets through every way in and every kind of connection, at the level that says most; then every byte that anybody could read
// is searched for them: the log, the operator's pages and answers, what people's pages said, and the files of KV and of the objects.
//
// Not here: the same over storage that lies in memory (tests/journeys/log.rs, tests/attacks/sealed.rs).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { clientOf, personAt } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { ADMIN_TOKEN, configuration, keyRing, startGateway } from "./support/gateway.mjs";
import { modernCall, post } from "./support/mcp.mjs";
import { startUpstream } from "./support/upstream.mjs";

const mark = (what) => `canary-${what}-5f1d8e0c`;
const NOTES_SECRET = mark("client-secret");
const ENTERED = mark("entered-key");
const FIXED = mark("server-key");
const KEY = /mcpg_key_[0-9A-Za-z]{49}/;

test("[P15] [S5] [S14] no secret can be read anywhere, whichever way it went", { timeout: 120_000 }, async (t) => {
  const storage = mkdtempSync(path.join(tmpdir(), "canary-"));
  t.after(() => rmSync(storage, { recursive: true, force: true }));
  const upstream = await startUpstream();
  const ring = keyRing();
  const client = { client_id: "gateway", client_secret: { secret: "NOTES_SECRET" }, token_endpoint_auth_method: "client_secret_post" };
  const gateway = await startGateway({ storage, secrets: { KEY_RING: ring, NOTES_SECRET, FIXED_KEY: FIXED } });
  const server = await startAuthorizationServer({
    registration: false,
    rotation: "strict",
    clients: [{ client_id: "gateway", client_secret: NOTES_SECRET, token_endpoint_auth_method: "client_secret_post", redirect_uris: [`${gateway.url}/oauth/upstream-callback`] }],
  });
  const notes = await startConnectedUpstream({ servers: [server], scopes: ["read"] });
  t.after(() => Promise.all([gateway.stop(), server.stop(), notes.stop(), upstream.stop()]));
  const servers = {
    notes: { name: "Notes", url: notes.url, auth: { kind: "oauth", issuer: server.issuer, client } },
    entered: { name: "Entered", url: upstream.url, auth: { kind: "headers", headers: { "X-Api-Key": { person: "Your API key" } } } },
    fixed: { name: "Fixed", url: upstream.url, auth: { kind: "headers", headers: { "X-Api-Key": { secret: "FIXED_KEY" } } } },
  };
  const written = await gateway.configure(configuration(servers, { accepts: ["own", "keys"], log: { level: "debug", calls: "all" } }));
  assert.equal(written.status, 200, written.text);

  const said = [];
  const hear = (browser) => {
    const open = browser.open.bind(browser);
    browser.open = async (...asked) => {
      const page = await open(...asked);
      if (page.html) said.push(page.html);
      return page;
    };
    return browser;
  };
  const browser = hear(personAt(gateway, server));
  const alice = await clientOf(gateway, "notes", [server], { browser });
  assert.equal((await alice.call()).said, "alice");
  server.expireAccessTokens();
  assert.equal((await alice.call()).said, "alice", "its token was renewed");
  const typed = { "header:X-Api-Key": ENTERED, "header:x-api-key": ENTERED };
  const keyed = await clientOf(gateway, "entered", [], { browser, typed });
  assert.equal((await keyed.call("test_simple_text")).status, 200);
  assert.equal(upstream.requests.at(-1).headers["x-api-key"], ENTERED);
  const fixed = await clientOf(gateway, "fixed", [], { browser });
  assert.equal((await fixed.call("test_simple_text")).status, 200);
  const { json: service } = await gateway.fetch("/admin/keys", { method: "POST", json: { name: "CI", expires_in_days: 30 }, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  assert.match(service.key, KEY);
  const call = modernCall("tools/call", { name: "test_simple_text", arguments: { text: mark("argument") } });
  await post(gateway.mcpUrl("fixed"), undefined, { ...call, headers: { ...call.headers, "x-api-key": service.key } });
  await post(gateway.mcpUrl("fixed"), undefined, { ...call, headers: { ...call.headers, "x-api-key": `${service.key}x` } });
  // And what goes wrong.
  await alice.oauth.redeem("mcpg_code_" + mark("code"));
  await alice.oauth.refresh(alice.tokens.refresh_token);
  await alice.oauth.refresh(alice.tokens.refresh_token);
  server.revokeGrants("alice");
  server.expireAccessTokens();
  await alice.call();

  const issued = server.front.exchanges.filter(({ path: at, status }) => at === "/token" && status === 200);
  const secrets = {
    operator: ADMIN_TOKEN, ring: ring.split(":")[1], client: NOTES_SECRET, entered: ENTERED, fixed: FIXED, key: service.key, argument: mark("argument"), code: mark("code"),
    session: browser.cookie("__mcp_session").value,
    ...Object.fromEntries([alice, keyed, fixed].flatMap(({ tokens, oauth }, at) => [[`access ${at}`, tokens.access_token], [`refresh ${at}`, tokens.refresh_token], [`verifier ${at}`, oauth.last.verifier]])),
    ...Object.fromEntries(issued.flatMap(({ answer, form }, at) => [[`upstream access ${at}`, answer.access_token], [`upstream refresh ${at}`, answer.refresh_token], [`upstream code ${at}`, form.code], [`upstream verifier ${at}`, form.code_verifier]])),
  };
  const known = Object.entries(secrets).filter(([, secret]) => secret);
  assert.ok(known.length > 15 && known.every(([, secret]) => secret.length > 8), JSON.stringify(Object.keys(secrets)));

  await gateway.logs.find(({ fields }) => fields?.event === "authorization_step" && fields.step === "connection");
  const places = [["the log", String(gateway.logs)], ...said.map((page, at) => [`page ${at}`, page])];
  for (const asked of ["/admin/log?limit=500", "/admin/log?format=ndjson", "/admin/metrics?window=1h", "/admin/metrics.prom", "/status", "/admin/servers", "/admin/people?subject=dev%3Aalice", "/admin/keys", "/admin/config"]) {
    const { status, text } = await gateway.asOperator(asked);
    assert.equal(status, 200, text);
    places.push([asked, text]);
  }
  await gateway.stop();
  const files = readdirSync(storage, { recursive: true }).map((name) => path.join(storage, String(name))).filter((file) => statSync(file).isFile());
  assert.ok(files.some((file) => readFileSync(file).includes("dev:alice")), "the objects are there to be read");
  for (const file of files) places.push([path.relative(storage, file), readFileSync(file)]);
  for (const [what, secret] of known) {
    for (const [place, bytes] of places) assert.equal(bytes.includes(secret), false, `${what} is readable in ${place}`);
  }
});
