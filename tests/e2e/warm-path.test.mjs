// What a warm call costs: nothing but the call itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { LEGACY, callTool, legacyCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ONE_CALL = { kv: 0, objects: 0, subrequests: 1 };

describe("the warm path", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ counted: true, config: configuration({ alpha: upstream.url }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  test("a warm tools/call of either era is one subrequest: no KV, no object", async () => {
    const { token } = await signedIn(gateway, "alpha");
    const url = gateway.mcpUrl("alpha");
    const { session } = await openSession(url, token);
    await gateway.counts();
    for (let call = 0; call < 5; call += 1) {
      const modern = await callTool(url, token);
      assert.equal(modern.status, 200, modern.text);
      assert.deepEqual(await gateway.counts(), ONE_CALL, `modern call ${call}`);
      const legacy = await post(url, token, legacyCall("tools/call", { name: "test_simple_text" }, { session, revision: LEGACY }));
      assert.equal(legacy.status, 200, legacy.text);
      assert.deepEqual(await gateway.counts(), ONE_CALL, `legacy call ${call}`);
    }
  });

  test("the counter counts: a cold call reads KV once, a redemption asks an object, and a refusal leaves the isolate not at all", async () => {
    await gateway.counts();
    const { token } = await signedIn(gateway, "alpha");
    const signIn = await gateway.counts();
    assert.ok(signIn.objects > 0 && signIn.kv > 0, JSON.stringify(signIn));
    await callTool(gateway.mcpUrl("alpha"), token);
    assert.deepEqual(await gateway.counts(), { kv: 1, objects: 0, subrequests: 1 }, "whether the grant was revoked is asked once");
    assert.equal((await callTool(gateway.mcpUrl("alpha"), `${token}x`)).status, 401);
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 0 });
  });
});
