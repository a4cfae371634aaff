// How often callers may call and what becomes of a server that fails, against the platform's own counting.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRpcRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool, legacyCall, modernCall, post } from "./support/mcp.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("load", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    const limits = { per_tool: { test_simple_text: 10 } };
    gateway = await startGateway({
      config: configuration({ limited: { url: upstream.url, limits }, away: "http://localhost:9/mcp" }, { limits: { sign_in_per_address: 10 } }),
    });
  });
  after(() => Promise.all([gateway, upstream].map((one) => one?.stop())));

  const token = async (slug) => (await new OAuthClient(gateway, { slug }).signIn()).access_token;

  test("a tool above its limit is 429 with Retry-After, in the form of both eras, and the log and the counters have it", async () => {
    const bearer = await token("limited");
    const url = gateway.mcpUrl("limited");
    for (let calls = 0; calls < 10; calls++) assert.equal((await callTool(url, bearer)).status, 200);
    const modern = await callTool(url, bearer);
    const legacy = await post(url, bearer, legacyCall("tools/call", { name: "TEST_simple_text", arguments: {} }));
    for (const answer of [modern, legacy]) {
      assertRpcRefused(answer, { status: 429, reason: "tool_rate_limited" });
      assert.equal(answer.headers["retry-after"], "60");
      const line = await gateway.logs.find(({ fields }) => fields?.request_id === answer.headers["x-request-id"]);
      assert.equal(line.fields.reason, "tool_rate_limited");
    }
    assert.equal((await post(url, bearer, modernCall("tools/list"))).status, 200, "what is not limited goes on");
  });

  test("an address above the limit of sign-ins is 429 on the page, and another address is not", async () => {
    const from = (address) => gateway.fetch("/login", { headers: { "cf-connecting-ip": address } });
    for (let steps = 0; steps < 10; steps++) assert.notEqual((await from("192.0.2.1")).status, 429);
    const refused = await from("192.0.2.1");
    assert.equal(refused.status, 429, refused.text);
    assert.ok(refused.text.includes("address_rate_limited") && refused.headers["retry-after"]);
    assert.notEqual((await from("192.0.2.2")).status, 429);
  });

  test("[P4] a server that fails in a row is left alone: 503 that says until when, also at /status, and a line in the log", async () => {
    const bearer = await token("away");
    const url = gateway.mcpUrl("away");
    for (let calls = 0; calls < 10; calls++) assertRpcRefused(await callTool(url, bearer), { status: 502, reason: "upstream_unreachable" });
    const answer = await callTool(url, bearer);
    assertRpcRefused(answer, { status: 503, reason: "server_left_alone", slug: "away" });
    assert.match(answer.headers["retry-after"], /^[1-5]$/);
    const { json } = await gateway.fetch("/status");
    assert.ok(json.servers.find(({ slug }) => slug === "away").left_alone_until > Date.now() / 1000 - 5);
    await gateway.logs.find(({ fields }) => fields?.event === "circuit_opened" && fields.server === "away");
  });
});

test("a limiter that answers at once is not waited for in vain, right after a body was read or after another such answer", async (t) => {
  const upstream = await startUpstream();
  t.after(() => upstream.stop());
  const limits = { per_server: 3000, per_tool: { test_simple_text: 3000 } };
  const gateway = await startGateway({
    entry: "hasty-entry.js",
    config: configuration({ limited: { url: upstream.url, limits } }, { limits: { per_subject: 3000 } }),
  });
  t.after(() => gateway.stop());
  const { access_token: token } = await new OAuthClient(gateway, { slug: "limited" }).signIn();
  const answers = await Promise.all(Array.from({ length: 8 }, () => callTool(gateway.mcpUrl("limited"), token)));
  assert.deepEqual(answers.map(({ status }) => status), Array(8).fill(200));
});
