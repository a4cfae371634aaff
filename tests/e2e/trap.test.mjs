// A panic in Rust traps and spoils the instance: whoever is in it is told, and the next request meets a fresh one.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";

describe("a trap", () => {
  let gateway, upstream, url, token;
  let came; // resolves when the upstream holds a request back; called to let it go
  before(async () => {
    upstream = await listen(http.createServer((incoming, response) => incoming.resume().on("end", () => came(response))));
    gateway = await startGateway({ counted: true, config: configuration({ slow: `${upstream.origin}/mcp` }, { consent: "never" }) });
    url = gateway.mcpUrl("slow");
    ({ token } = await signedIn(gateway, "slow"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const result = JSON.stringify({ jsonrpc: "2.0", id: 1, result: {} });
  const answer = (response) => response.writeHead(200, { "content-type": "application/json", "content-length": result.length }).end(result);
  const held = () => new Promise((resolve) => (came = resolve));

  test("a call under way in the instance is answered 500, and the log says why", async () => {
    const holding = held();
    const call = callTool(url, token);
    const response = await holding;
    await gateway.fetch("/__trap");
    answer(response);
    const { status, json, headers } = await call;
    assert.equal(status, 500);
    assert.equal(json.reason, "gateway_panicked");
    assert.equal(headers["x-request-id"], json.request_id);
    const line = await gateway.logs.find(({ fields }) => fields?.event === "gateway_panicked");
    assert.match(line.fields.error, /unreachable/);
  });

  test("the next requests meet a fresh instance, objects too", async () => {
    await gateway.fetch("/__trap");
    came = answer;
    assert.equal((await callTool(url, token)).status, 200, "the token is good for it");
    const { token: another } = await signedIn(gateway, "slow");
    assert.equal((await callTool(url, another)).status, 200);
  });

  test("an operator is told of it as of a state, at /status and by a line", async () => {
    await gateway.fetch("/__trap");
    const { json, text } = await gateway.asOperator("/status");
    const [alarm] = json.alarms;
    assert.deepEqual([alarm.alarm, alarm.reason, alarm.times], ["isolate", "gateway_panicked", 1], text);
    assert.ok(Math.abs(alarm.since - Date.now() / 1000) < 60, text);
    await gateway.logs.find(({ fields }) => fields?.event === "alarm_raised" && fields.alarm === "isolate");
    assert.equal((await gateway.fetch("/status")).json.alarms, undefined, "operators only");
  });
});
