// The authorization log, as an operator reads it from the running Worker and its objects.
//
// Not here: every flow that leaves an entry (tests/journeys), and how pages are put together (authorization_log::page).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { modernCall, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("the authorization log", () => {
  let gateway, upstream, token;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "never" }) });
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const log = (query, headers = {}) => gateway.fetch(`/admin/log?${query}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers } });

  /** Entries are written behind the reply: asked for until they are there. */
  async function entries(query, enough = 1) {
    const until = Date.now() + 5000;
    for (;;) {
      const { status, text, json } = await log(query);
      assert.equal(status, 200, text);
      if (json.entries.length >= enough || Date.now() > until) return json.entries;
    }
  }

  test("[S5] a token request is an entry with client, scopes and the outcome of each step", async () => {
    const [entry] = await entries("kind=token&subject=dev:alice");
    assert.deepEqual([entry.kind, entry.subject, entry.server, entry.status, entry.reason], ["token", "dev:alice", "alpha", 200, undefined]);
    assert.match(entry.scopes, /mcp:tools/);
    assert.ok(entry.client.length > 0 && entry.operation.length === 22);
    const outcomes = Object.fromEntries(entry.steps.map(({ step, outcome }) => [step, outcome]));
    assert.deepEqual([outcomes.client_authentication, outcomes.code, outcomes.access_token], ["ok", "ok", "ok"]);
    const [same] = await entries(`request_id=${entry.request_id}`);
    assert.deepEqual(same, entry);
    assert.deepEqual((await entries(`operation=${entry.operation}&kind=token`))[0], entry);
  });

  test("[S5] a call that is refused is found by the id of its answer", async () => {
    const refused = await post(gateway.mcpUrl("alpha"), token, { headers: { "content-type": "application/json" }, body: "{" });
    const [entry] = await entries(`request_id=${refused.headers["x-request-id"]}`);
    assert.deepEqual([entry.kind, entry.subject, entry.status], ["call", "dev:alice", refused.status]);
    assert.deepEqual(await entries(`reason=${entry.reason}&server=alpha&subject=dev:alice`), [entry]);
  });

  test("[X18] [S14] what support needs of a refused call is one file, which names nobody unless that is asked for", async () => {
    const refused = await post(gateway.mcpUrl("alpha"), token, { headers: { "content-type": "application/json" }, body: "{" });
    const id = refused.headers["x-request-id"];
    const [entry] = await entries(`request_id=${id}`);
    const bundle = (query) => gateway.fetch(`/admin/bundle?request_id=${id}${query}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    const { status, headers, json, text } = await bundle("");
    assert.equal(status, 200, text);
    assert.equal(headers["content-disposition"], `attachment; filename="request-${id}.json"`);
    assert.deepEqual(json.entries, [{ ...entry, subject: "(cut)" }]);
    assert.ok(json.cut.includes("the ids of persons and operators") && !text.includes("alice") && !text.includes(token));
    assert.deepEqual([json.server.slug, json.server.auth, json.configuration_version], ["alpha", "none", 1]);
    assert.equal((await bundle("&names=true")).json.entries[0].subject, "dev:alice");
  });

  test("[Z12] a line of the log has the ids of its request, its authorization and its subject", async () => {
    const [entry] = await entries("kind=token&subject=dev:alice");
    const { fields } = await gateway.logs.find(({ fields }) => fields?.request_id === entry.request_id && fields.route);
    assert.deepEqual([fields.operation, fields.subject], [entry.operation, "dev:alice"]);
    const window = await gateway.fetch("/admin/metrics?window=15m", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    assert.ok(Array.isArray(window.json.reasons.top) && Array.isArray(window.json.origins.top), window.text);
  });

  test("[S5] what nobody vouched for leaves nothing, and a filter is no statement", async () => {
    const { headers } = await post(gateway.mcpUrl("alpha"), undefined, modernCall("tools/list"));
    assert.deepEqual((await log(`request_id=${headers["x-request-id"]}`)).json.entries, []);
    for (const name of ["subject", "client", "server", "reason", "request_id", "operation"]) {
      const { status, json } = await log(`${name}=${encodeURIComponent("x' OR 1=1; DROP TABLE entries; --")}`);
      assert.deepEqual([status, json.entries], [200, []], name);
    }
    assert.ok((await entries("kind=token")).length > 0);
  });

  test("[S5] pages follow each other, as JSON and as lines", async () => {
    const all = await entries("", 2);
    const first = (await log("limit=1")).json;
    const second = await log(`limit=1&cursor=${first.next}`);
    assert.deepEqual([...first.entries, ...second.json.entries], all.slice(0, 2));
    const lines = await log("limit=1", { accept: "application/x-ndjson" });
    assert.equal(lines.headers["content-type"], "application/x-ndjson");
    assert.match(lines.headers.link, /cursor=.*rel="next"/);
    assert.deepEqual(JSON.parse(lines.text), all[0]);
    for (const [query, reason] of [["cursor=x", "log_cursor_malformed"], ["subjekt=x", "log_query_malformed"], ["limit=501", "log_query_malformed"]]) {
      const { status, json } = await log(query);
      assert.deepEqual([status, json.reason], [400, reason], query);
    }
    assert.equal((await gateway.fetch("/admin/log")).status, 401);
  });

  test("[H11] at debug each step is a line, and no line or entry holds a token", async () => {
    const { status, text } = await gateway.configure(configuration({ alpha: upstream.url }, { consent: "never", log: { level: "debug" } }));
    assert.equal(status, 200, text);
    const { token: another } = await signedIn(gateway, "alpha");
    const { fields } = await gateway.logs.find(({ fields }) => fields?.event === "authorization_step" && fields.step === "access_token");
    assert.deepEqual([fields.outcome, fields.operation.length], ["ok", 22]);
    const lines = String(gateway.logs) + JSON.stringify(await entries("limit=500", 5));
    for (const secret of [token, another, ADMIN_TOKEN]) assert.ok(!lines.includes(secret));
  });
});
