// The objects of the log and of the counters under workerd: their alarms delete what is old, and nothing else; pages and exports are whole
// while others write.
//
// Not here: what an entry says (log.test.mjs), a million of them (scripts/lib/bench/log.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { eventually } from "./support/expect.mjs";
import { count, fill, rows } from "./support/filled-log.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";

const DAY = 86_400_000;
const EACH = 2_500;

describe("objects whose rows become old", { timeout: 120_000 }, () => {
  let gateway, token;
  before(async () => {
    gateway = await startGateway({ entry: "object-entry.js", config: configuration({ alpha: "http://localhost:9/mcp" }, { consent: "never" }) });
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => gateway?.stop());

  const log = (query, headers = {}) => gateway.fetch(`/admin/log?${query}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers } });
  const refusedCall = () => post(gateway.mcpUrl("alpha"), token, { headers: { "content-type": "application/json" }, body: "{" });

  test("[S5] an alarm deletes entries that are older than they are kept, batch after batch, and no other", async () => {
    await refusedCall();
    const kept = await eventually(async () => {
      const { entries } = (await log("subject=dev:alice&limit=500")).json;
      assert.ok(entries.some(({ kind }) => kind === "call"));
      return entries;
    });
    await fill(gateway, { each: EACH, until: Date.now() - 31 * DAY });
    await rows(gateway, "0", "INSERT INTO entries (at, request_id, kind, entry) VALUES (?, 'young', 'call', '{}')", Date.now() - 29 * DAY);
    // As there is one in each object that was ever written to; how long entries are kept is written down there as well.
    for (const shard of ["0", "1", "2", "3"]) {
      assert.equal(await count(gateway, shard, "subject LIKE 'filled-%'"), EACH);
      await rows(gateway, shard, "INSERT OR REPLACE INTO settings (name, value) VALUES ('keep', ?)", 30 * 86_400);
      await gateway.fetch(`/__object/LOG/${shard}/ring`, { method: "POST", json: {} });
    }
    for (const shard of ["0", "1", "2", "3"]) {
      await eventually(async () => assert.equal(await count(gateway, shard, "subject LIKE 'filled-%'"), 0), { within: 20_000 });
    }
    assert.equal(await count(gateway, "0", "request_id = 'young'"), 1);
    assert.deepEqual((await log("subject=dev:alice&limit=500")).json.entries, kept);
    await rows(gateway, "0", "DELETE FROM entries WHERE request_id = 'young'");
  });

  test("[S5] every entry is on one page while others are written, and an export is whole lines", async () => {
    await fill(gateway, { each: EACH, until: Date.now() - 60_000 });
    let writing = true;
    const writer = (async () => {
      while (writing) await refusedCall();
    })();
    const seen = new Map();
    let cursor = "";
    do {
      const { status, json, text } = await log(`server=server-7&limit=50${cursor && `&cursor=${cursor}`}`);
      assert.equal(status, 200, text);
      for (const { request_id: id } of json.entries) seen.set(id, (seen.get(id) ?? 0) + 1);
      cursor = json.next;
    } while (cursor);
    const lines = [];
    let next = "/admin/log?limit=500&format=ndjson";
    while (next && lines.length < 4 * EACH + 2_000) {
      const { text, headers } = await log(next.split("?")[1]);
      lines.push(...text.split("\n").filter(Boolean));
      next = /<([^>]+)>; *rel="next"/.exec(headers.link ?? "")?.[1];
    }
    writing = false;
    await writer;
    assert.equal(seen.size, (4 * EACH) / 20, "no gap");
    assert.deepEqual([...seen.values()].filter((times) => times !== 1), [], "none twice");
    const ids = lines.map((line) => JSON.parse(line)).filter(({ subject }) => subject?.startsWith("filled-")).map(({ request_id: id }) => id);
    assert.deepEqual([new Set(ids).size, ids.length], [4 * EACH, 4 * EACH]);
  });

  test("[Z12] an alarm of the counters forgets days that are older than they are kept, and no other", async () => {
    const day = (age) => `day:${String((Math.floor(Date.now() / DAY) - age) * 86_400).padStart(12, "0")}`;
    const row = JSON.stringify({ v: 1, tally: { all: [2, 1] } });
    const object = (what, json = {}) => gateway.fetch(`/__object/METRICS/0/${what}`, { method: "POST", json });
    await object("put", { [day(40)]: row, [day(10)]: row });
    assert.equal((await object("keys")).json.includes(day(40)), true);
    await object("ring");
    const keys = await eventually(async () => {
      const { json } = await object("keys");
      assert.ok(!json.includes(day(40)), String(json));
      return json;
    });
    assert.ok(keys.includes(day(10)), String(keys));
  });
});
