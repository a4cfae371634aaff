// What the running Worker counts of its requests, told behind replies and asked for by an operator.
//
// Not here: that it adds up over hours and isolates (tests/journeys/metrics.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool, modernCall, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const TOOL = "test_simple_text";

describe("what is counted", () => {
  let gateway, upstream, token, alpha;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ counted: true, isolates: [{}, {}], config: configuration({ alpha: upstream.url }, { consent: "never" }) });
    alpha = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const metrics = async (query = "") => {
    const answer = await gateway.asOperator(`/admin/metrics${query}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const requests = ({ top }, labels) => {
    const rows = top.filter((row) => Object.entries(labels).every(([name, value]) => row[name] === value));
    return rows.reduce((all, row) => all + row.requests, 0);
  };
  /** Calls until what was counted has been told, as only requests tell of others. Answers how many calls that took. */
  const toldOf = async (tools, call) => {
    for (let more = 0; ; more += 1) {
      if (requests((await metrics()).tools, { server: "alpha", tool: TOOL }) >= tools) return more;
      assert.ok(more < 60, "it is not told in 30 seconds");
      await pause(500);
      await call();
    }
  };

  test("calls of two isolates are in the sums within ten seconds, and cost no object but for that", async () => {
    const elsewhere = gateway.at(gateway.url, { isolate: 1 });
    const call = async () => {
      const { json, headers } = modernCall("tools/call", { name: TOOL });
      const both = [callTool(alpha, token), elsewhere.fetch("/v1/mcp/alpha", { method: "POST", json, headers: { ...headers, authorization: `Bearer ${token}` } })];
      for (const { status, text } of await Promise.all(both)) assert.equal(status, 200, text);
    };
    await call();
    await Promise.all([gateway.counts(), gateway.told()]);
    const began = Date.now();
    for (let n = 0; n < 20; n += 1) await call();
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 20 });
    assert.ok((await gateway.told()) <= 2 * Math.ceil((Date.now() - began) / 10_000));
    await toldOf(42, call);
    const { tools, subjects, servers, series, gateway_ms, upstream_ms, may_lack, ...rest } = await metrics("?window=15m");
    assert.ok(requests(subjects, { subject: "dev:alice" }) >= 42 && requests(servers, { server: "alpha" }) >= 42);
    assert.equal(requests(tools, { server: "alpha" }) + tools.other.requests, requests(tools, { server: "alpha", tool: TOOL }));
    assert.equal(series.reduce((all, point) => all + point.requests, 0), rest.requests);
    assert.ok(gateway_ms.count >= 42 && upstream_ms.p50 <= upstream_ms.p99 && may_lack.includes("10 seconds"));
  });

  test("[X13] a refusal has one reason in its body, in the log, in the sums and for Prometheus", async () => {
    const { status, json, headers } = await post(alpha, `${token}x`, modernCall("tools/list"));
    assert.equal(status, 401);
    const line = await gateway.logs.find(({ fields }) => fields?.request_id === headers["x-request-id"]);
    assert.equal(line.fields.reason, json.reason);
    const { reason, blame } = line.fields;
    let told;
    for (let n = 0; n < 60 && !requests((told = await metrics()).reasons, { reason, blame }); n += 1) {
      await pause(500);
      await callTool(alpha, token);
    }
    assert.equal(requests(told.reasons, { reason, blame }), 1, JSON.stringify(told.reasons));
    assert.ok(requests(told.origins, { origin: blame }) >= 1);
    const { text } = await gateway.asOperator("/admin/metrics.prom");
    assert.ok(text.includes(`\nmcpgateway_reasons_total{reason="${reason}",blame="${blame}"} 1\n`), text);
  });

  test("analytics of the platform get a data point of each request, where they are bound", async () => {
    await gateway.fetch("/__points");
    await callTool(alpha, token);
    await post(alpha, undefined, modernCall("tools/list"));
    const [call, refused] = (await gateway.fetch("/__points")).json;
    const [client] = call.blobs.splice(5, 1);
    assert.deepEqual([call.blobs, call.indexes], [["mcp", "", "", "alpha", TOOL, "dev:alice"], ["alpha"]]);
    assert.ok(client.length > 0 && call.doubles.length === 3 && call.doubles[0] === 200, JSON.stringify(call));
    assert.deepEqual([refused.blobs, refused.indexes], [["mcp", "token_missing", "client", "", "", "", ""], ["mcp"]]);
  });

  test("the text for Prometheus is in its format, line by line", async () => {
    const { headers, text } = await gateway.asOperator("/admin/metrics.prom");
    assert.equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    const samples = parsed(text);
    for (const [name, kind] of samples.kinds) {
      const own = samples.of(name, kind);
      assert.ok(own.length > 0, `${name} has no sample`);
      assert.equal(new Set(own.map(({ series }) => series)).size, own.length, `${name} has a series twice`);
      if (kind !== "histogram") continue;
      const buckets = own.filter((sample) => sample.name.endsWith("_bucket"));
      const counts = buckets.map(({ value }) => value);
      assert.deepEqual(counts, counts.toSorted((a, b) => a - b), `${name} is cumulated`);
      const bounds = buckets.map(({ labels }) => (labels.le === "+Inf" ? Infinity : Number(labels.le)));
      assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b));
      assert.equal(bounds.at(-1), Infinity);
      assert.equal(counts.at(-1), own.find((sample) => sample.name.endsWith("_count")).value);
    }
    for (const name of ["alice", TOOL]) assert.ok(!text.includes(name), `${name} is a label`);
  });
});

/** Text format 0.0.4: every line is HELP, TYPE or a sample of what was announced before it. */
function parsed(text) {
  assert.ok(text.endsWith("\n"));
  const [kinds, samples] = [new Map(), []];
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment?.[1] === "TYPE") {
      assert.ok(!kinds.has(comment[2]) && /^(counter|gauge|histogram)$/.test(comment[3]), line);
      kinds.set(comment[2], comment[3]);
    }
    if (comment) continue;
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\"n])*",?)+)\})? (\d+(?:\.\d+)?)$/.exec(line);
    assert.ok(sample, `no sample: ${line}`);
    const labels = Object.fromEntries([...(sample[3] ?? "").matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
    samples.push({ name: sample[1], series: `${sample[1]}${sample[2] ?? ""}`, labels, value: Number(sample[4]) });
  }
  const names = (name, kind) => (kind === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : [name]);
  const of = (name, kind) => samples.filter((sample) => names(name, kind).includes(sample.name));
  const announced = new Set([...kinds].flatMap(([name, kind]) => names(name, kind)));
  for (const { name } of samples) assert.ok(announced.has(name), `${name} has no TYPE`);
  return { kinds, of };
}
