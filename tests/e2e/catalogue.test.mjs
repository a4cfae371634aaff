// What a server last said it has, while it cannot be asked and while that is fresh: through the built Worker, with real servers.
//
// Not here: whose it is and what policy shows of it (tests/journeys/catalogue.rs, tests/attacks/catalogue.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { connect, signalIn } from "./support/connect-driver.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { events, legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUnconnected } from "./support/unconnected.mjs";
import { startUpstream } from "./support/upstream.mjs";

const answerOf = ({ headers, json, text }) =>
  /event-stream/.test(headers["content-type"]) ? events(text).find(({ result, error }) => result || error) : json;
const namesOf = (answer) => answerOf(answer).result?.tools.map(({ name }) => name);

describe("[X35] a server that goes down", { timeout: 60_000 }, () => {
  let gateway, upstream, token, url;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "never" }) });
    url = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => gateway?.stop());

  test("[X35] lists what it last listed, in a session and in a new one, and says so in the log", async () => {
    const { session } = await openSession(url, token);
    const before = namesOf(await post(url, token, legacyCall("tools/list", {}, { session })));
    assert.ok(before.includes("test_simple_text"));
    // What is kept is kept behind the answer.
    const kept = async () => (await (await gateway.kv()).list({ prefix: "catalogue:" })).keys.length;
    for (const until = Date.now() + 10_000; (await kept()) < 2; ) assert.ok(Date.now() < until, "it is not kept");
    await upstream.stop();
    const down = await post(url, token, legacyCall("tools/list", {}, { session }));
    assert.deepEqual(namesOf(down), before);
    const line = await gateway.logs.find(({ fields }) => fields?.request_id === down.headers["x-request-id"]);
    assert.equal(line.fields.reason, "list_from_catalogue");
    const again = await openSession(url, token);
    assert.deepEqual(namesOf(await post(url, token, legacyCall("tools/list", {}, { session: again.session }))), before);
    const call = await post(url, token, legacyCall("tools/call", { name: "test_simple_text" }, { session }));
    assert.equal(answerOf(call).error.data.reason, "upstream_unreachable");
  });
});

describe("[X35] an account that has ended", { timeout: 60_000 }, () => {
  let unconnected;
  before(async () => (unconnected = await startUnconnected()));
  after(() => unconnected?.stop());

  test("[X35] a stock client sees the server's own tools beside the way to renew it", async (t) => {
    const { as, host, follow } = unconnected.somebody();
    const client = await unconnected.sdk1(t, host);
    await follow(signalIn({ result: await client.callTool({ name: "connect_notes" }) }).url);
    const own = (await client.listTools()).tools.map(({ name }) => name);
    assert.ok(own.includes("who_am_i"));
    unconnected.server.revokeGrants(`${as}@notes`);
    const signal = signalIn({ result: await client.callTool({ name: "who_am_i" }) });
    assert.match(signal.message, /authorization must be renewed/);
    const later = await unconnected.sdk2(t, "auto", host);
    assert.deepEqual((await later.listTools()).tools.map(({ name }) => name), ["connect_notes", ...own]);
    await connect(host.browser, signalIn({ result: await later.callTool({ name: "who_am_i" }) }).url, { as });
    assert.equal((await later.callTool({ name: "who_am_i" })).content[0].text, `${as}@notes`);
  });
});

describe("[X5] a list that is fresh", { timeout: 60_000 }, () => {
  let gateway, upstream, token, url;
  before(async () => {
    upstream = await startUpstream();
    const alpha = { url: upstream.url, list_cache_seconds: 300 };
    gateway = await startGateway({ counted: true, config: configuration({ alpha }, { consent: "never" }) });
    url = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  test("[X5] costs nothing outside the isolate, and is what the server said", async () => {
    const first = await post(url, token, modernCall("tools/list"));
    await gateway.counts();
    const again = await post(url, token, modernCall("tools/list", {}, { id: 7 }));
    assert.deepEqual(await gateway.counts(), { kv: 0, objects: 0, subrequests: 0 });
    assert.equal(answerOf(again).id, 7);
    assert.deepEqual(answerOf(again).result.tools, answerOf(first).result.tools);
    assert.equal(answerOf(again).result.cacheScope, "private");
    assert.equal(upstream.calls("tools/list").length, 1);
  });
});
