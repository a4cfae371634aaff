// Answers that are the same for everybody who asks the same: whoever gives them, the client sees no difference, and the log has each.
//
// Not here: what such answers cost (scripts/bench).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";

const TIMES = 4;
const ONE = "http://localhost:9/mcp";

describe("the same question again", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: ONE }, { consent: "never" }) });
    await gateway.fetch("/healthz");
  });
  after(() => gateway?.stop());

  const mcp = "/v1/mcp/alpha";
  const challenge = (headers = {}) => gateway.fetch(mcp, { method: "POST", json: {}, headers });
  const lineOf = async (id) => (await gateway.logs.find(({ fields }) => fields?.request_id === id)).fields;
  const idOf = ({ headers }) => headers["x-request-id"];

  /** An answer without what is its own: the id, and when it was given. */
  const bare = (answer) => {
    const { date, ...headers } = answer.headers;
    return JSON.parse(JSON.stringify({ status: answer.status, headers, text: answer.text }).replaceAll(idOf(answer), "ID"));
  };
  const questions = {
    "a challenge": () => challenge(),
    "metadata of a server": () => gateway.fetch(`/.well-known/oauth-protected-resource${mcp}`),
    "metadata of the gateway": () => gateway.fetch("/.well-known/oauth-authorization-server"),
    "a preflight": () => gateway.fetch(mcp, { method: "OPTIONS", headers: { origin: gateway.url, "access-control-request-method": "POST" } }),
  };
  for (const [what, ask] of Object.entries(questions)) {
    test(`${what} is answered alike, with an id and a line of its own`, async () => {
      const answers = [];
      for (let time = 0; time < TIMES; time += 1) answers.push(await ask());
      for (const answer of answers) assert.deepEqual(bare(answer), bare(answers[0]));
      assert.equal(new Set(answers.map(idOf)).size, TIMES);
      const lines = await Promise.all(answers.map((answer) => lineOf(idOf(answer))));
      assert.equal(new Set(lines.map(({ span_id: span }) => span)).size, TIMES);
      for (const line of lines) {
        assert.match(line.span_id, /^[0-9a-f]{16}$/);
        assert.match(line.request_id, /^[0-9a-f]{32}$/);
        assert.equal(line.trace_id, line.request_id);
        assert.ok(Math.abs(Date.now() - line.started_ms) < 60_000);
        const { request_id: id, trace_id: trace, span_id: span, started_ms: at, duration_ms: took, ...same } = line;
        const { request_id: id0, trace_id: trace0, span_id: span0, started_ms: at0, duration_ms: took0, ...first } = lines[0];
        assert.deepEqual(same, first);
      }
    });
  }

  test("what is part of the question is part of the answer", async () => {
    await challenge();
    const traced = await challenge({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
    assert.equal((await lineOf(idOf(traced))).trace_id, "0af7651916cd43dd8448eb211c80319c");
    assert.equal((await challenge({ authorization: "Bearer nothing" })).json.reason, "token_malformed");
    assert.equal((await challenge({ origin: "https://elsewhere.example" })).json.reason, "origin_not_allowed");
    assert.equal((await challenge({ "x-large": "x".repeat(40_000) })).json.reason, "headers_too_large");
    assert.equal((await gateway.fetch(`${mcp}?access_token=1`, { method: "POST", json: {} })).json.reason, "authorization_malformed");
    assert.equal((await gateway.fetch(mcp, { method: "HEAD" })).text, "");
  });

  test("each of them is counted", async () => {
    const missing = async () => {
      const { reasons } = (await gateway.asOperator("/admin/metrics")).json;
      return JSON.stringify(reasons).match(/"token_missing"[^}]*"requests":(\d+)/)?.[1] ?? 0;
    };
    const { token } = await signedIn(gateway, "alpha"); // of which the isolate tells at once, and of what was before
    await callTool(gateway.mcpUrl("alpha"), token);
    const before = Number(await missing());
    for (let time = 0; time < TIMES; time += 1) await challenge();
    const until = Date.now() + 20_000; // twice as long as an isolate keeps what it counted to itself
    while (Number(await missing()) < before + TIMES && Date.now() < until) {
      await new Promise((done) => setTimeout(done, 500));
      await callTool(gateway.mcpUrl("alpha"), token);
    }
    assert.equal(Number(await missing()), before + TIMES);
  });

  test("another configuration answers at once", async () => {
    assert.equal((await challenge()).status, 401);
    await gateway.configure(configuration({ beta: ONE }, { public_url: gateway.url }));
    assert.equal((await challenge()).json.reason, "no_such_server");
  });
});
