// Calls through the gateway: both eras on one endpoint, answers as the upstream gave them, and nothing of the client's credentials beyond.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused, assertRpcRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { LEGACY, callTool, events, legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("calls through the gateway", () => {
  let gateway, upstream, other, token, bob, alpha;
  before(async () => {
    [upstream, other] = await Promise.all([startUpstream(), startUpstream()]);
    gateway = await startGateway({
      secrets: { UPSTREAM_KEY: "upstream-key-of-the-tests" },
      config: configuration(
        {
          alpha: { url: upstream.url, auth: { kind: "headers", headers: { "X-Api-Key": { secret: "UPSTREAM_KEY" }, "X-Team": "edge", Authorization: { secret: "UPSTREAM_KEY" } } } },
          beta: other.url,
        },
        { consent: "never" },
      ),
    });
    alpha = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha", { as: "alice" }));
    ({ token: bob } = await signedIn(gateway, "alpha", { as: "bob" }));
  });
  after(() => Promise.all([gateway, upstream, other].map((one) => one?.stop())));

  const seenLast = () => upstream.requests.at(-1);

  describe("both eras", () => {
    test("[X1] a modern client calls a tool in one request, and no session is made", async () => {
      const answer = await callTool(alpha, token);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.message.result.content[0].text, "This is a simple text response for testing.");
      assert.equal(answer.headers["mcp-session-id"], undefined);
      assert.equal(seenLast().headers["mcp-method"], "tools/call");
      assert.equal(seenLast().headers["mcp-name"], "test_simple_text");
    });

    test("[X1] a legacy client opens a session and calls a tool in it", async () => {
      for (const revision of [LEGACY, "2025-06-18", "2025-03-26"]) {
        const { session, status, text, message } = await openSession(alpha, token, {}, revision);
        assert.equal(status, 200, text);
        assert.equal(message.result.protocolVersion, revision);
        const answer = await post(alpha, token, legacyCall("tools/call", { name: "test_simple_text" }, { session, revision, id: revision }));
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.message.id, revision);
      }
    });

    test("[X1] a legacy client that sends no MCP-Protocol-Version is served: some never do", async () => {
      const { session } = await openSession(alpha, token);
      const { headers, json } = legacyCall("tools/list", {}, { session });
      const answer = await post(alpha, token, { headers: { ...headers, "mcp-protocol-version": undefined }, json });
      assert.equal(answer.status, 200, answer.text);
    });

    test("progress arrives while the tool runs: a stream is not held back", async () => {
      const { session } = await openSession(alpha, token);
      const call = legacyCall("tools/call", { name: "test_tool_with_progress", _meta: { progressToken: "p" } }, { session });
      const started = Date.now();
      const { body, status } = await request(alpha, { method: "POST", headers: { ...call.headers, authorization: `Bearer ${token}` }, json: call.json, stream: true });
      assert.equal(status, 200);
      const arrivals = [];
      let text = "";
      for await (const chunk of body) {
        text += chunk;
        arrivals.push(Date.now() - started);
      }
      assert.equal(events(text).filter(({ method }) => method === "notifications/progress").length, 3);
      assert.ok(arrivals.at(-1) - arrivals[0] >= 60, `all at once: ${arrivals}`);
    });

    test("a server asks the client on the stream, and the client's posted answer reaches it", async () => {
      const { session } = await openSession(alpha, token, { elicitation: {} });
      const call = legacyCall("tools/call", { name: "test_elicitation", arguments: { message: "Who?" } }, { session });
      const { body } = await request(alpha, { method: "POST", headers: { ...call.headers, authorization: `Bearer ${token}` }, json: call.json, stream: true });
      let text = "";
      let answered;
      for await (const chunk of body) {
        text += chunk;
        const asked = events(text).find(({ method }) => method === "elicitation/create");
        if (asked && !answered) {
          answered = await post(alpha, token, {
            headers: { accept: call.headers.accept, "mcp-protocol-version": LEGACY, "mcp-session-id": session },
            json: { jsonrpc: "2.0", id: asked.id, result: { action: "accept", content: { username: "alice", email: "a@example.com" } } },
          });
          assert.equal(answered.status, 202, answered.text);
        }
      }
      assert.match(events(text).at(-1).result.content[0].text, /alice/);
    });

    test("a notification is 202 with nothing in it", async () => {
      const { session } = await openSession(alpha, token);
      const answer = await post(alpha, token, {
        headers: { accept: "application/json, text/event-stream", "mcp-protocol-version": LEGACY, "mcp-session-id": session },
        json: { jsonrpc: "2.0", method: "notifications/initialized" },
      });
      assert.equal(answer.status, 202);
      assert.equal(answer.text, "");
    });

    test("an Accept of */*, as one client's probe sends it, is good enough", async () => {
      const { headers, json } = modernCall("tools/list");
      const answer = await post(alpha, token, { headers: { ...headers, accept: "*/*" }, json });
      assert.equal(answer.status, 200, answer.text);
    });

    test("[X1] [X7] batches pass where the revision has them and nowhere else", async () => {
      const { session } = await openSession(alpha, token, {}, "2025-03-26");
      const batch = [legacyCall("tools/list", {}, { id: 1 }).json, legacyCall("ping", {}, { id: 2 }).json];
      const send = (revision) => post(alpha, token, { headers: { accept: "application/json, text/event-stream", "mcp-protocol-version": revision, "mcp-session-id": session }, json: batch });
      for (const revision of ["2025-06-18", "2025-11-25", "2026-07-28", undefined]) {
        assertRpcRefused(await send(revision), { status: 400, id: null, code: -32600, reason: "batch_forbidden", slug: "alpha" });
      }
      const { status, messages, text } = await send("2025-03-26");
      assert.equal(status, 200, text);
      assert.deepEqual(messages.flat().map(({ id }) => id).sort(), [1, 2], text);
    });
  });

  describe("[X26] sessions", () => {
    test("[X26] the client's session id is not the upstream's", async () => {
      const { session } = await openSession(alpha, token);
      assert.match(session, /^[\x21-\x7E]+$/);
      assert.ok(!upstream.sessions.has(session));
      assert.ok([...upstream.sessions.keys()].every((id) => !session.includes(id)));
    });

    const inSession = (url, bearer, session) => post(url, bearer, legacyCall("tools/list", {}, { session }));

    test("[X26] another person's session id is 404, and so is a made-up one and one of another server", async () => {
      const { session } = await openSession(alpha, token);
      assert.equal((await inSession(alpha, token, session)).status, 200);
      const received = upstream.requests.length;
      assertRpcRefused(await inSession(alpha, bob, session), { status: 404, reason: "session_not_found" });
      for (const made of ["made-up", [...upstream.sessions.keys()][0], `${session}A`, session.slice(0, -3)]) {
        assertRpcRefused(await inSession(alpha, token, made), { status: 404, reason: "session_not_found" });
      }
      const { token: forBeta } = await signedIn(gateway, "beta", { as: "alice" });
      assertRpcRefused(await inSession(gateway.mcpUrl("beta"), forBeta, session), { status: 404, reason: "session_not_found" });
      assert.equal(upstream.requests.length, received, "a refused session reached the upstream");
    });

    test("[X26] DELETE ends a session; afterwards it is 404", async () => {
      const { session } = await openSession(alpha, token);
      const ended = await gateway.fetch("/v1/mcp/alpha", { method: "DELETE", headers: { authorization: `Bearer ${token}`, "mcp-session-id": session, "mcp-protocol-version": LEGACY } });
      assert.ok([200, 204].includes(ended.status), ended.text);
      assert.equal((await inSession(alpha, token, session)).status, 404);
    });

    test("DELETE without a token is 401, of another's session 404", async () => {
      const { session } = await openSession(alpha, token);
      const remove = (bearer) => gateway.fetch("/v1/mcp/alpha", { method: "DELETE", headers: { authorization: bearer && `Bearer ${bearer}`, "mcp-session-id": session } });
      assertRefused(await remove(undefined), { status: 401 });
      assertRefused(await remove(bob), { status: 404 });
      assert.equal((await inSession(alpha, token, session)).status, 200);
    });
  });

  describe("what reaches the upstream", () => {
    test("the client's bearer, cookies and forwarding headers do not; the server's own headers do", async () => {
      const { headers, json } = modernCall("tools/list");
      await post(alpha, token, {
        headers: { ...headers, cookie: "__mcp_session=secret; a=b", "x-forwarded-for": "1.2.3.4", forwarded: "for=1.2.3.4", "x-forwarded-host": "evil.example", "x-api-key": "the client's", "x-team": "red", "cf-connecting-ip": "1.2.3.4", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "mcp-param-region": "eu", "x-random": "1", "proxy-authorization": "Basic x" },
        json,
      });
      const { headers: seen, rawHeaders } = seenLast();
      assert.ok(!rawHeaders.join("\n").includes(token), "the client's bearer reached the upstream");
      assert.equal(seen.cookie, undefined);
      assert.equal(seen["x-api-key"], "upstream-key-of-the-tests");
      assert.equal(seen["x-team"], "edge");
      assert.equal(seen.authorization, "upstream-key-of-the-tests");
      for (const name of ["x-forwarded-for", "forwarded", "x-forwarded-host", "x-random", "proxy-authorization", "origin", "referer"]) assert.equal(seen[name], undefined, name);
      assert.match(seen.traceparent, /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/);
      assert.equal(seen["mcp-param-region"], "eu");
      assert.equal(seen.host, new URL(upstream.url).host);
    });

    test("without configured headers an upstream gets no credential at all", async () => {
      const { token: forBeta } = await signedIn(gateway, "beta");
      await callTool(gateway.mcpUrl("beta"), forBeta);
      assert.equal(other.requests.at(-1).headers.authorization, undefined);
    });

    test("[X7] the bytes that were checked are the bytes that are sent", async () => {
      const { session } = await openSession(alpha, token);
      const { headers } = legacyCall("tools/list", {}, { session });
      // Short text and long go different ways inside.
      for (const more of ["", "é\ufeff😀".repeat(4000)]) {
        const written = ` {"jsonrpc" : "2.0",\r\n "id":  10, "method":"tools/list", "params": {"x": 12345678901234567890.10, "y":"\\u00e9\\/é\ufeff😀${more}"} } `;
        const answer = await post(alpha, token, { headers: { ...headers, "content-type": "application/json" }, body: written });
        assert.equal(answer.status, 200, answer.text);
        assert.ok(seenLast().body.equals(Buffer.from(written)), seenLast().body.toString());
      }
    });
  });

  describe("[X7] strict messages", () => {
    const send = (body, headers = {}) => post(alpha, token, { headers: { accept: "application/json, text/event-stream", "content-type": "application/json", ...headers }, body: typeof body === "string" ? body : JSON.stringify(body) });
    const bodies = {
      "a duplicate method": ['{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}', -32600],
      "a duplicate id": ['{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}', -32600],
      "a duplicate written with an escape": ['{"jsonrpc":"2.0","id":1,"method":"tools/list","m\\u0065thod":"tools/call"}', -32600],
      "a duplicate tool name": ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}', -32600],
      "a duplicate deep in the arguments": ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":{"y":[{"k":1,"k":2}]}}}}', -32600],
      "Method beside method": ['{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}', -32600],
      "METHOD alone": ['{"jsonrpc":"2.0","id":1,"METHOD":"tools/list"}', -32600],
      "Name in params": ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}', -32600],
      "no JSON": ["{", -32700],
      "something after the message": ['{"jsonrpc":"2.0","id":1,"method":"tools/list"} {}', -32700],
      "no UTF-8": [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString("latin1"), undefined],
      "another jsonrpc version": ['{"jsonrpc":"1.0","id":1,"method":"tools/list"}', -32600],
      "no jsonrpc": ['{"id":1,"method":"tools/list"}', -32600],
      "id null": ['{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600],
      "a fraction as id": ['{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', -32600],
      "an object as id": ['{"jsonrpc":"2.0","id":{},"method":"tools/list"}', -32600],
      "a number as method": ['{"jsonrpc":"2.0","id":1,"method":1}', -32600],
      "a string": ['"tools/list"', -32600],
      "nothing": ["", -32700],
      "result and error at once": ['{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}', -32600],
    };
    for (const [name, [body, code]] of Object.entries(bodies)) {
      test(`[X7] ${name} is refused and reaches no upstream`, async () => {
        const received = upstream.requests.length;
        const answer = name === "no UTF-8" ? await post(alpha, token, { headers: { "content-type": "application/json" }, body: Buffer.from(body, "latin1") }) : await send(body);
        assert.equal(answer.status, 400, answer.text);
        assert.match(answer.json.error.data.reason, /^[a-z_]+$/);
        if (code) assert.equal(answer.json.error.code, code, answer.text);
        assert.equal(upstream.requests.length, received);
      });
    }

    test("[X7] keys of a tool's own arguments may be written as the tool likes", async () => {
      const answer = await post(alpha, token, modernCall("tools/call", { name: "echo", arguments: { text: "x", Text: "y", Method: "z" } }));
      assert.equal(answer.status, 200, answer.text);
    });

    const mismatches = {
      "Mcp-Method that is missing": { "mcp-method": undefined },
      "Mcp-Method of another method": { "mcp-method": "tools/list" },
      "Mcp-Method in another case": { "mcp-method": "Tools/Call" },
      "Mcp-Name that is missing": { "mcp-name": undefined },
      "Mcp-Name of another tool": { "mcp-name": "test_error_handling" },
      "Mcp-Name in bad base64": { "mcp-name": "=?base64?!!!?=" },
      "another MCP-Protocol-Version": { "mcp-protocol-version": "2025-11-25" },
    };
    for (const [name, headers] of Object.entries(mismatches)) {
      test(`[X7] a modern call with ${name}: -32020 with the request's id`, async () => {
        const received = upstream.requests.length;
        const call = modernCall("tools/call", { name: "test_simple_text", arguments: {} }, { id: "seven" });
        const answer = await post(alpha, token, { headers: { ...call.headers, ...headers }, json: call.json });
        assertRpcRefused(answer, { status: 400, id: "seven", code: -32020, slug: "alpha" });
        assert.equal(upstream.requests.length, received);
      });
    }

    test("[X7] a header sent twice is a mismatch: no smuggling past the check", async () => {
      const call = modernCall("tools/call", { name: "test_simple_text", arguments: {} });
      const flat = Object.entries({ ...call.headers, authorization: `Bearer ${token}`, "content-type": "application/json" }).flat();
      const answer = await request(alpha, { method: "POST", headers: [...flat, "Mcp-Name", "test_error_handling"], body: JSON.stringify(call.json) });
      assertRpcRefused(answer, { status: 400, code: -32020 });
    });

    test("[X7] a name outside ASCII passes in base64", async () => {
      const name = "wetter_für_zürich";
      const call = modernCall("tools/call", { name, arguments: {} });
      const encoded = `=?base64?${Buffer.from(name).toString("base64")}?=`;
      const answer = await post(alpha, token, { headers: { ...call.headers, "mcp-name": encoded }, json: call.json });
      assert.notEqual(answer.message?.error?.code, -32020, answer.text);
      assert.equal(seenLast().json.params.name, name);
    });

    test("[X7] a legacy message whose headers disagree with it is refused too", async () => {
      const { session } = await openSession(alpha, token);
      const call = legacyCall("tools/call", { name: "test_simple_text" }, { session });
      const answer = await post(alpha, token, { headers: { ...call.headers, "mcp-method": "tools/list" }, json: call.json });
      assertRpcRefused(answer, { status: 400, slug: "alpha" });
    });

    test("a body that does not say it is JSON: 415", async () => {
      const answer = await post(alpha, token, { headers: { "content-type": "text/plain" }, body: "{}" });
      assertRpcRefused(answer, { status: 415, id: null });
    });
  });

  describe("answers", () => {
    test("[N7] the upstream's own errors arrive unchanged", async () => {
      const direct = await post(upstream.url, undefined, modernCall("tools/call", { name: "no_such_tool", arguments: {} }));
      const through = await post(alpha, token, modernCall("tools/call", { name: "no_such_tool", arguments: {} }));
      assert.equal(through.status, direct.status);
      assert.deepEqual(through.message, direct.message);
    });

    test("[X1] unknown methods and revisions are the upstream's to refuse, with its status", async () => {
      const unknown = await post(alpha, token, modernCall("no/such_method"));
      assert.equal(unknown.status, 404);
      assert.equal(unknown.message.error.code, -32601);
    });

    test("answers are not to be cached or transformed, and streams not buffered", async () => {
      const answer = await post(alpha, token, modernCall("tools/call", { name: "test_tool_with_progress", arguments: {}, _meta: { progressToken: 1 } }));
      assert.match(answer.headers["content-type"], /^text\/event-stream/);
      assert.match(answer.headers["cache-control"], /no-store/);
      assert.match(answer.headers["cache-control"], /no-transform/);
      assert.equal(answer.headers["x-accel-buffering"], "no");
    });
  });

  test("[Z8] [S13] twenty clients one after another and twenty at once, without restart or hang", async () => {
    const whole = async () => {
      const client = await signedIn(gateway, "alpha");
      const answer = await callTool(alpha, client.token);
      assert.equal(answer.status, 200, answer.text);
    };
    for (let count = 0; count < 20; count += 1) await whole();
    await Promise.all(Array.from({ length: 20 }, whole));
  });
});
