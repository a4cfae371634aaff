// An open stream of events lasts no longer than the access it was opened with: it ends with its token, and soon after a revocation, also
// where it was revoked elsewhere.
//
// Not here: how long each stream has beyond its token, which takes ten minutes (tests/journeys/streams.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { UnauthorizedError } from "@modelcontextprotocol/client";

import { startBroken } from "./support/broken-upstreams.mjs";
import { startIsolates } from "./support/connect-driver.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { events, modernCall } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { SdkHost, connectSdk2 } from "./support/sdk-host.mjs";
import { startUpstream } from "./support/upstream.mjs";

const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";
const LISTEN = modernCall("subscriptions/listen", { notifications: { toolsListChanged: true } }, { id: "the-stream" });
const CALL = modernCall("tools/call", { name: "slow", arguments: {} }, { id: "the-call" });
/** Nobody can be told in a batch's stream what becomes of it. */
const BATCH = { headers: { accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-03-26" }, json: [{ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "slow" } }] };
const expiryOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")).exp * 1000;

/** A stream as it goes: what it said so far, and how it `ended`. */
async function open(url, token, { headers, json }) {
  const answer = await request(url, { method: "POST", headers: { ...headers, authorization: `Bearer ${token}` }, json, stream: true });
  assert.equal(answer.status, 200);
  const stream = { text: "", open: true, leave: () => answer.body.socket.resetAndDestroy() };
  const begun = new Promise((resolve) => answer.body.once("data", resolve));
  answer.body.setEncoding("utf8").on("data", (text) => (stream.text += text));
  stream.ended = new Promise((resolve, reject) => answer.body.on("end", resolve).on("error", reject)).then(() => {
    stream.open = false;
    return events(stream.text).at(-1);
  });
  stream.ended.catch(() => {});
  await begun;
  return stream;
}

describe("[X30] a stream and its token", () => {
  const LIFETIME = 5;
  let gateway, upstream, slow;
  before(async () => {
    [upstream, slow] = await Promise.all([startUpstream(), startBroken("streams slowly")]);
    const servers = { alpha: upstream.url, slow: slow.url };
    gateway = await startGateway({ config: configuration(servers, { consent: "never", tokens: { access_ttl_seconds: LIFETIME } }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop(), slow?.stop()]));

  test("[X30] a subscription ends when its token does, with its result", async () => {
    const { token } = await signedIn(gateway, "alpha");
    const stream = await open(gateway.mcpUrl("alpha"), token, LISTEN);
    const last = await stream.ended;
    assert.deepEqual(last, { jsonrpc: "2.0", id: "the-stream", result: { resultType: "complete", _meta: { [SUBSCRIPTION]: "the-stream" } } });
    assert.ok(Math.abs(Date.now() - expiryOf(token)) < 1500, `${Date.now() - expiryOf(token)} ms after it`);
    assert.equal(events(stream.text)[0].method, "notifications/subscriptions/acknowledged", "what the server said came through");
    const line = await gateway.logs.find(({ fields }) => fields?.event === "stream_ended");
    assert.deepEqual([line.fields.reason, line.fields.server], ["token_expired", "alpha"]);
  });

  test("[X30] a call that was begun may finish after its token has ended", async () => {
    const { token } = await signedIn(gateway, "slow");
    const stream = await open(gateway.mcpUrl("slow"), token, CALL);
    await new Promise((later) => setTimeout(later, expiryOf(token) + 1500 - Date.now()));
    assert.ok(stream.open, stream.text);
    slow.release();
    assert.equal((await stream.ended).result.content[0].text, "at last");
  });

  test("[X30] SDK 2.x listens again after the end of its token, and hears of changes", async (t) => {
    const host = new SdkHost(gateway.url);
    const { client } = await connectSdk2(gateway.mcpUrl("alpha"), "auto", { host });
    t.after(() => client.close());
    const first = await client.listen({ toolsListChanged: true });
    assert.equal(await first.closed, "graceful");
    const tokens = host.issued.length;
    const second = await client.listen({ toolsListChanged: true });
    assert.equal(host.issued.length, tokens + 1, "it has refreshed for it");
    assert.equal(host.signIns, 1, "and nobody was asked");
    const changed = new Promise((resolve) => client.setNotificationHandler("notifications/tools/list_changed", resolve));
    await client.callTool({ name: "test_trigger_tool_change" });
    await changed;
    assert.equal(await second.closed, "graceful");
  });
});

describe("[X30] a stream and revocations", () => {
  let gateway, upstream, slow, broken;
  before(async () => {
    [upstream, slow, broken] = await Promise.all([startUpstream(), startBroken("streams slowly"), startBroken("breaks off in the middle of a stream")]);
    gateway = await startIsolates({ counted: true, config: configuration({ alpha: upstream.url, slow: slow.url, broken: broken.url }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop(), slow?.stop(), broken?.stop()]));

  test("[X30] [N8] whoever is revoked elsewhere keeps no stream for longer than the promised minute; everybody else does", async (t) => {
    gateway.choose(0);
    const [alpha, other] = ["alpha", "slow"].map(gateway.mcpUrl);
    const [grant, call, subject] = [await signedIn(gateway, "alpha"), await signedIn(gateway, "slow"), await signedIn(gateway, "alpha", { as: "bob" })];
    const stays = await signedIn(gateway, "alpha");
    const host = new SdkHost(gateway.url);
    host.invalidateCredentials = () => void (host.issued.length = 0);
    const { client } = await connectSdk2(alpha, "auto", { host });
    t.after(() => client.close());
    const streams = [await open(alpha, grant.token, LISTEN), await open(other, call.token, CALL), await open(alpha, subject.token, LISTEN)];
    const bystander = await open(alpha, stays.token, LISTEN);
    const batching = await signedIn(gateway, "slow");
    const batch = await open(other, batching.token, BATCH);
    const listening = await client.listen({ toolsListChanged: true });

    gateway.choose(1);
    const began = Date.now();
    for (const { oauth, tokens } of [grant, call, batching]) assert.equal((await oauth.revoke(tokens.refresh_token)).status, 200);
    const revoked = await gateway.fetch("/oauth/revoke", { method: "POST", form: { token: host.tokens().refresh_token, client_id: host.client.client_id } });
    assert.equal(revoked.status, 200, revoked.text);
    const ended = await gateway.fetch("/admin/subjects/dev:bob", { method: "DELETE", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    assert.equal(ended.status, 200, ended.text);
    gateway.choose(0);

    const [first, failed, third] = await Promise.all(streams.map((stream) => stream.ended));
    await assert.rejects(batch.ended, "a batch is broken off: without its answers it is not whole");
    assert.equal(await listening.closed, "graceful");
    assert.ok(Date.now() - began < 45_000, `${Date.now() - began} ms`);
    for (const last of [first, third]) assert.equal(last.result?.resultType, "complete", JSON.stringify(last));
    assert.deepEqual([failed.id, failed.error.data.reason, failed.error.data.slug], ["the-call", "token_revoked", "slow"]);
    await slow.left;
    const refused = await client.listen({ toolsListChanged: true }).catch((error) => error);
    assert.ok(refused instanceof UnauthorizedError, `the client is told to authorize, not ${refused}`);
    assert.equal(host.signIns, 2);
    assert.ok(bystander.open);
    bystander.leave();
  });

  test("[X30] many streams of one grant read storage as often as one", async () => {
    gateway.choose(0);
    const { token } = await signedIn(gateway, "alpha");
    const counts = async () => (await gateway.fetch("/__counts")).json;
    await open(gateway.mcpUrl("alpha"), token, LISTEN).then((stream) => stream.leave());
    await counts();
    const streams = [];
    for (let index = 0; index < 12; index += 1) streams.push(await open(gateway.mcpUrl("alpha"), token, LISTEN));
    assert.equal((await counts()).kv, 0, "to open one costs none");
    await new Promise((later) => setTimeout(later, 33_000));
    const { kv } = await counts();
    // The stream that the test before has left is looked at once more.
    assert.ok(kv > 0 && kv <= 4, `${kv} reads, of the configuration, a subject's marker and those of two grants`);
    for (const stream of streams) assert.ok(stream.open), stream.leave();
  });

  test("[X30] a stream that its server breaks off is not ended as if it were whole", async () => {
    const { token } = await signedIn(gateway, "broken");
    const stream = await open(gateway.mcpUrl("broken"), token, CALL);
    await assert.rejects(stream.ended);
    assert.equal(events(stream.text).length, 1);
  });
});
