// The objects that hold one record each under workerd: an alarm forgets a record that has expired, and no other.
//
// Not here: what is in a record (native tests), objects of many rows (log-object.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { eventually } from "./support/expect.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { signedIn } from "./support/oauth-client.mjs";

const DAY = 86_400_000;

describe("objects that hold a record", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ entry: "object-entry.js", config: configuration({ alpha: "http://localhost:9/mcp" }) });
  });
  after(() => gateway?.stop());

  const object = async (name, what, json = {}) => (await gateway.fetch(`/__object/${name}/${what}`, { method: "POST", json })).json;

  test("an alarm that rings before the record expires leaves it, and rings again when it does", async () => {
    await signedIn(gateway, "alpha");
    const first = await object("ACCOUNT/dev:alice", "rings");
    assert.ok(first > Date.now() + DAY, String(first));
    await object("ACCOUNT/dev:alice", "ring");
    const again = await eventually(async () => {
      const rings = await object("ACCOUNT/dev:alice", "rings");
      assert.ok(rings > Date.now() + DAY, String(rings));
      return rings;
    });
    assert.ok(again >= first);
    assert.deepEqual(await object("ACCOUNT/dev:alice", "keys"), ["record"]);
  });

  test("a record that expires later than its alarm rings leaves the alarm alone", async () => {
    const make = async (days) => {
      const json = { name: "Nightly report", expires_in_days: days };
      const made = await gateway.fetch("/admin/keys", { method: "POST", json, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
      assert.equal(made.status, 201, made.text);
    };
    await make(1);
    const first = await object("ACCOUNT/key:", "rings");
    assert.ok(first > Date.now() + DAY, String(first));
    await make(300);
    assert.equal(await object("ACCOUNT/key:", "rings"), first);
  });

  test("a record that has expired is forgotten", async () => {
    const burned = [{ id: "m9K4JOYiLHT5iMteduwoqeS-MXiIPj7YDbopFc0iHto", until: Math.floor(Date.now() / 1000) - 1 }];
    await object("ONCE/old", "put", { record: JSON.stringify({ v: 1, burned }) });
    assert.deepEqual(await object("ONCE/old", "keys"), ["record"]);
    await object("ONCE/old", "ring");
    await eventually(async () => assert.deepEqual(await object("ONCE/old", "keys"), []));
  });
});
