// A tail Worker, as operators attach one to send lines on: it receives every line as it is documented, and no secret.
//
// Not here: what each line says (record.test.mjs).

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";

import { eventually } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("a tail Worker", () => {
  let collector, gateway, upstream, token;
  const received = [];
  before(async () => {
    collector = await listen(
      http.createServer(async (request, response) => {
        let text = "";
        for await (const chunk of request) text += chunk;
        received.push(...JSON.parse(text));
        response.end();
      }),
    );
    upstream = await startUpstream();
    const script = `export default { async tail(events) {
      const lines = events.flatMap(({ logs }) => logs.map(({ level, message }) => ({ level, message })));
      await fetch("${collector.origin}", { method: "POST", body: JSON.stringify(lines) });
    } }`;
    gateway = await startGateway({ tail: script, config: configuration({ alpha: upstream.url }, { consent: "never" }) });
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop(), collector?.stop()]));

  test("[P15] [Z12] it receives the line of a call and of a refusal, each as one text of JSON, and no token", async () => {
    const id = async (bearer) => (await callTool(gateway.mcpUrl("alpha"), bearer)).headers["x-request-id"];
    const [good, refused] = [await id(token), await id("none")];
    const line = (wanted) =>
      eventually(() => {
        const lines = received.map(({ message }) => message.map((text) => JSON.parse(text))).filter((message) => message[0].request_id === wanted);
        assert.ok(lines.length > 0, JSON.stringify(received));
        return lines;
      });
    const [[call, ...more]] = await line(good);
    assert.deepEqual(more, []);
    assert.deepEqual([call.route, call.status, call["mcp.method.name"], call.server, call.subject], ["mcp", 200, "tools/call", "alpha", "dev:alice"]);
    assert.ok(call.trace_id && call.span_id && call["upstream.status"] === 200, JSON.stringify(call));
    const [[refusal]] = await line(refused);
    assert.deepEqual([refusal.status, refusal.blame, refusal["error.type"]], [401, "client", refusal.reason]);
    assert.ok(!JSON.stringify(received).includes(token));
  });
});
