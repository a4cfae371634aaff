// What the log of the running Worker tells of calls, and that it tells nothing of what is in them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("the record of a request", () => {
  let gateway, upstream, token, alpha;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "never" }) });
    alpha = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const lineOf = async ({ headers }) => (await gateway.logs.find(({ fields }) => fields?.request_id === headers["x-request-id"])).fields;

  test("[P15] a call that goes well has one: tool, caller, what the server answered, how long it took", async () => {
    const answer = await post(alpha, token, modernCall("tools/call", { name: "test_simple_text", arguments: {} }));
    assert.equal(answer.status, 200, answer.text);
    const { duration_ms, upstream_ms, client, started_ms, "upstream.started_ms": asked_ms, ...all } = await lineOf(answer);
    const { trace_id, span_id, "upstream.span_id": upstreamSpan, ...line } = all;
    assert.deepEqual(line, {
      request_id: answer.headers["x-request-id"],
      method: "POST",
      route: "mcp",
      status: 200,
      subject: "dev:alice",
      by: "access_token",
      server: "alpha",
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "test_simple_text",
      era: "modern",
      "mcp.protocol.version": "2026-07-28",
      "upstream.status": 200,
    });
    assert.ok(client.length > 0 && duration_ms >= upstream_ms && upstream_ms >= 0, `${duration_ms} ${upstream_ms}`);
    assert.ok(started_ms <= asked_ms && asked_ms <= Date.now(), `${started_ms} ${asked_ms}`);
    assert.equal(trace_id, line.request_id);
    assert.ok(/^[0-9a-f]{16}$/.test(span_id) && /^[0-9a-f]{16}$/.test(upstreamSpan) && span_id !== upstreamSpan, `${span_id} ${upstreamSpan}`);
  });

  test("[P15] a refused one says why, and whose it was where that is known", async () => {
    const nobodys = await lineOf(await post(alpha, undefined, modernCall("tools/list")));
    assert.deepEqual([nobodys.status, nobodys.reason, nobodys.blame, nobodys.subject], [401, "token_missing", "client", undefined]);
    const { session } = await openSession(alpha, token);
    const refused = await post(alpha, token, legacyCall("tools/call", { name: "x" }, { session: `${session}x` }));
    const alices = await lineOf(refused);
    assert.deepEqual([alices.status, alices.reason, alices.subject], [404, "session_not_found", "dev:alice"]);
  });

  test("[P15] arguments, results, addresses of resources and tokens are in no line", async () => {
    const secret = "the-diagnosis-of-bob";
    const told = await post(alpha, token, modernCall("tools/call", { name: "test_error_handling", arguments: { secret } }));
    const read = await post(alpha, token, modernCall("resources/read", { uri: `test://${secret}` }));
    const line = await lineOf(read);
    await lineOf(told);
    assert.equal(line["mcp.method.name"], "resources/read");
    for (const kept of [secret, token, "This tool intentionally returns an error"]) assert.ok(!String(gateway.logs).includes(kept), kept);
  });

  test("[P15] what a client chose stays in its field of its line, and is not long", async () => {
    const name = `x\n{"reason":"forged"}\u2028${"y".repeat(3000)}`;
    const answer = await post(alpha, token, legacyCall("tools/call", { name, arguments: {} }, await openSession(alpha, token)));
    const line = await lineOf(answer);
    assert.ok(line["gen_ai.tool.name"].startsWith('x\n{"reason":"forged"}'), JSON.stringify(line));
    assert.ok(line["gen_ai.tool.name"].length <= 128 && line.reason !== "forged");
  });

  test("[P15] log.calls leaves out what the operator does not want", async () => {
    const written = async (calls) => {
      const { status, text } = await gateway.configure(configuration({ alpha: upstream.url }, { consent: "never", log: { calls } }));
      assert.equal(status, 200, text);
      const well = await post(alpha, token, modernCall("tools/list"));
      const refused = await post(alpha, undefined, modernCall("tools/list"));
      const page = await gateway.fetch("/oauth/authorize");
      await lineOf(page); // lines come in order
      const ids = gateway.logs.lines.map(({ fields }) => fields?.request_id);
      return [well, refused].map(({ headers }) => ids.includes(headers["x-request-id"]));
    };
    assert.deepEqual(await written("refusals"), [false, true]);
    assert.deepEqual(await written("none"), [false, false]);
    assert.deepEqual(await written("all"), [true, true]);
  });
});
