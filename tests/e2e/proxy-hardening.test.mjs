// What a hostile or unlucky peer can do to the proxy beyond plain misbehaviour: leave early, stall, mislabel, oversize.
//
// Not here: upstreams that fail outright (broken-upstreams.test.mjs), the bounds of a call (limits.test.mjs).

import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { listen } from "./support/listen.mjs";
import { legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";

describe("the proxy under pressure", () => {
  let upstream, gateway, url, token;
  let answer; // how the upstream answers, set by each test
  before(async () => {
    const server = http.createServer(async (incoming, response) => {
      let body = "";
      for await (const chunk of incoming) body += chunk;
      answer(response, JSON.parse(body), incoming);
    });
    upstream = await listen(server);
    gateway = await startGateway({ config: configuration({ odd: { url: `${upstream.origin}/mcp`, timeout_seconds: 2 } }) });
    url = gateway.mcpUrl("odd");
    ({ token } = await signedIn(gateway, "odd"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const call = modernCall("tools/call", { name: "slow" });
  const json = (response, status, value, headers = {}) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

  // The gateway watches its client from half a second on: it notices then who left before, and at once who leaves later.
  for (const [when, staying] of Object.entries({ "at once": 0, "after a while": 800 })) {
    test(`[X13] a client that leaves ${when} ends the call, and the gateway lets go of it`, async () => {
      const earlier = new Set(gateway.logs.lines);
      const { promise: came, resolve: arrived } = Promise.withResolvers();
      const { promise: closed, resolve: left } = Promise.withResolvers();
      answer = (response) => {
        arrived();
        response.on("close", () => left(Date.now()));
      };
      const body = JSON.stringify(call.json);
      const headers = { host: new URL(url).host, authorization: `Bearer ${token}`, "content-type": "application/json", "content-length": body.length, ...call.headers };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const client = net.connect(Number(new URL(url).port), "127.0.0.1");
      client.on("error", () => {});
      client.write(`POST ${new URL(url).pathname} HTTP/1.1\r\n${lines}\r\n${body}`);
      await came;
      await new Promise((stayed) => setTimeout(stayed, staying));
      const leaving = Date.now();
      client.resetAndDestroy();
      assert.ok((await closed) - leaving < 1000, "the upstream was left waiting");
      const line = await gateway.logs.find((line) => line.fields?.reason === "client_gone" && !earlier.has(line));
      assert.equal(line.fields.blame, "client");
    });
  }

  test("[X13] an answer that begins and never ends is given up in time", async () => {
    answer = (response) => response.writeHead(200, { "content-type": "application/json" }).write('{"jsonrpc":');
    const started = Date.now();
    await assert.rejects(post(url, token, { ...call, signal: AbortSignal.timeout(8000) }), (error) => error.name !== "AbortError");
    assert.ok(Date.now() - started < 4000, "it took too long");
  });

  test("a stream of events may last longer than the time until an answer", async () => {
    answer = (response, { id }) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write(": begun\n\n");
      setTimeout(() => response.end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result: {} })}\n\n`), 3000);
    };
    assert.deepEqual((await post(url, token, call)).message.result, {});
  });

  test("[N7] an error that the upstream calls HTML is not handed on as HTML", async () => {
    const error = { code: -32602, message: "<script>alert(1)</script>" };
    answer = (response, { id }) => json(response, 400, { jsonrpc: "2.0", id, error }, { "content-type": "text/html" });
    const refused = await post(url, token, call);
    assert.equal(refused.status, 400);
    assert.deepEqual(refused.json.error, error);
    assert.equal(refused.headers["content-type"], "application/json");
  });

  test("[X26] a session keeps its id though the upstream repeats its own in every answer", async () => {
    const seen = [];
    answer = (response, { id }, { headers }) => {
      seen.push(headers["mcp-session-id"]);
      if (id === undefined) return response.writeHead(202).end();
      json(response, 200, { jsonrpc: "2.0", id, result: {} }, { "mcp-session-id": "of-the-upstream" });
    };
    const { session } = await openSession(url, token);
    const listed = await post(url, token, legacyCall("tools/list", {}, { session }));
    assert.equal(listed.status, 200);
    assert.equal(listed.headers["mcp-session-id"], undefined);
    assert.deepEqual(seen, [undefined, "of-the-upstream", "of-the-upstream"]);
  });

  test("[X13] a preflight is bounded like any request, so that its answer is too", async () => {
    const preflight = (asked) =>
      request(url, {
        method: "OPTIONS",
        headers: { origin: "http://localhost:6274", "access-control-request-method": "POST", "access-control-request-headers": asked },
      });
    assert.equal((await preflight("mcp-param-a")).status, 204);
    const refused = await preflight(`mcp-param-${"a".repeat(33_000)}`);
    assert.equal(refused.status, 431);
    assert.equal(refused.json.reason, "headers_too_large");
  });
});
