// The budget of a call on a warm isolate, counted and not timed: one subrequest, no KV, no object.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool, legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("the warm path", () => {
  let gateway, upstream, token, alpha;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ counted: true, config: configuration({ alpha: upstream.url }, { consent: "never" }) });
    alpha = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha"));
    await callTool(alpha, token);
    await gateway.counts();
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const budget = { kv: 0, objects: 0, subrequests: 1 };

  test("the counters count: a sign-in uses KV and an object", async () => {
    await signedIn(gateway, "alpha");
    const counts = await gateway.counts();
    assert.ok(counts.kv > 0 && counts.objects > 0, JSON.stringify(counts));
  });

  test("a modern tools/call: 0 object calls, 0 KV operations, 1 subrequest", async () => {
    await gateway.counts();
    const answer = await callTool(alpha, token);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await gateway.counts(), budget);
  });

  test("a legacy tools/call in a session costs the same", async () => {
    const { session } = await openSession(alpha, token);
    await gateway.counts();
    const answer = await post(alpha, token, legacyCall("tools/call", { name: "test_simple_text" }, { session }));
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await gateway.counts(), budget);
  });

  test("a refused call costs nothing beyond the isolate", async () => {
    await gateway.counts();
    await post(alpha, undefined, modernCall("tools/list"));
    await callTool(alpha, "no-token-of-ours");
    await gateway.fetch("/.well-known/oauth-protected-resource/v1/mcp/alpha");
    await gateway.fetch("/.well-known/oauth-authorization-server");
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 0 });
  });
});
