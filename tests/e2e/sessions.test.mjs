// A server that loses its sessions, as one that is started anew does: clients of the legacy era go on, in every isolate.
//
// Not here: whose a session is (proxy.test.mjs), servers that must be connected first (connect-signal.test.mjs).

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import { startIsolates } from "./support/connect-driver.mjs";
import { configuration } from "./support/gateway.mjs";
import { legacyCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { connectSdk1 } from "./support/sdk-host.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ANSWER = "This is a simple text response for testing.";

describe("[X26] a server that lost its sessions", () => {
  let gateway, upstream, url, token;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startIsolates({ config: configuration({ alpha: upstream.url }) });
    url = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha", { as: "alice" }));
  });
  beforeEach(() => {
    gateway.choose(undefined);
    upstream.requests.length = 0;
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const call = (session, id = 1) => post(url, token, legacyCall("tools/call", { name: "test_simple_text", arguments: {} }, { id, session }));
  const textOf = ({ message }) => message?.result?.content?.[0]?.text;

  test("[X26] SDK 1.x does not notice", async (t) => {
    const { client } = await connectSdk1(url);
    t.after(() => client.close());
    const calls = async () => (await client.callTool({ name: "test_simple_text" })).content[0].text;
    assert.equal(await calls(), ANSWER);
    for (const times of [1, 2]) {
      upstream.forgetSessions();
      assert.equal(await calls(), ANSWER, `lost ${times} times`);
      assert.ok((await client.listTools()).tools.length > 1);
    }
    const said = upstream.calls("initialize").map(({ json }) => json.params.clientInfo.name);
    assert.deepEqual([...new Set(said)], ["sdk-1"], "the server is told who the client is, each time");
  });

  test("[X26] a client that keeps its first id goes on in every isolate, and is asked for nothing", async () => {
    const { session } = await openSession(url, token);
    upstream.forgetSessions();
    for (const id of [1, 2, 3, 4]) {
      const answer = await call(session, id);
      assert.equal(textOf(answer), ANSWER, answer.text);
      assert.equal(answer.message.id, id);
    }
    assert.ok(upstream.calls("initialize").length <= 3, "one at the start, and at most one for each isolate");
    gateway.choose(0);
    upstream.requests.length = 0;
    assert.equal(textOf(await call(session)), ANSWER);
    assert.equal(upstream.requests.length, 1, "what an isolate remembers costs no second request");
  });

  test("[X26] a client that takes up the new id has it in every isolate", async () => {
    const { session } = await openSession(url, token);
    upstream.forgetSessions();
    const answer = await call(session);
    const renamed = answer.headers["mcp-session-id"];
    assert.ok(renamed && renamed !== session, answer.text);
    assert.ok([...upstream.sessions.keys()].every((id) => !renamed.includes(id)), "it is sealed as the first one was");
    for (const isolate of [0, 1]) {
      gateway.choose(isolate);
      upstream.requests.length = 0;
      assert.equal(textOf(await call(renamed)), ANSWER);
      assert.equal(upstream.requests.length, 1);
    }
  });

  test("[X26] calls that find out at the same time all go through, and agree afterwards", async () => {
    const { session } = await openSession(url, token);
    upstream.forgetSessions();
    const answers = await Promise.all(Array.from({ length: 12 }, (_, id) => call(session, id)));
    assert.deepEqual(answers.map(textOf), Array(12).fill(ANSWER));
    const opened = upstream.calls("initialize").length;
    await Promise.all(Array.from({ length: 6 }, (_, id) => call(session, id)));
    assert.equal(upstream.calls("initialize").length, opened, "nobody opens one more");
  });

  test("[X26] a session that its client ended is not opened again, in no isolate", async () => {
    const { session } = await openSession(url, token);
    const ended = await gateway.fetch("/v1/mcp/alpha", { method: "DELETE", headers: { authorization: `Bearer ${token}`, "mcp-session-id": session } });
    assert.equal(ended.status, 200, ended.text);
    for (const isolate of [0, 1]) {
      gateway.choose(isolate);
      assert.equal((await call(session)).status, 404);
    }
  });
});
