// Bounds on what a client may send, each with a refusal of its own, and none that costs more than the request.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused, assertRpcRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool, modernCall, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("bounds", () => {
  let gateway, upstream, token, alpha;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({
      config: configuration({ alpha: upstream.url }, { consent: "never", limits: { body_bytes: 10_000, depth: 20 } }),
    });
    alpha = gateway.mcpUrl("alpha");
    ({ token } = await signedIn(gateway, "alpha"));
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const echo = (text) => modernCall("tools/call", { name: "echo", arguments: { text } });
  const deep = (levels) => modernCall("tools/call", { name: "echo", arguments: { text: "x", deep: JSON.parse("[".repeat(levels) + "]".repeat(levels)) } });

  test("a body over the limit: 413, announced or not, and the upstream sees nothing", async () => {
    assert.equal((await post(alpha, token, echo("x".repeat(5_000)))).status, 200);
    const received = upstream.requests.length;
    assertRpcRefused(await post(alpha, token, echo("x".repeat(20_000))), { status: 413, id: null, reason: "body_too_large", fix: /limits\.body_bytes/, slug: "alpha" });
    const { headers, json } = echo("x".repeat(20_000));
    const chunked = await post(alpha, token, { headers: { ...headers, "content-type": "application/json", "transfer-encoding": "chunked" }, body: JSON.stringify(json) });
    assertRpcRefused(chunked, { status: 413, id: null, reason: "body_too_large" });
    assert.equal(upstream.requests.length, received);
  });

  test("a message nested too deep: 400, however deep it is", async () => {
    assert.equal((await post(alpha, token, deep(10))).status, 200);
    const received = upstream.requests.length;
    assertRpcRefused(await post(alpha, token, deep(30)), { status: 400, id: 1, reason: "too_deep" });
    const { headers } = deep(1);
    const bomb = await post(alpha, token, { headers: { ...headers, "content-type": "application/json" }, body: "[".repeat(9_000) });
    assert.equal(bomb.status, 400, bomb.text);
    assert.equal(upstream.requests.length, received);
    assert.equal((await callTool(alpha, token)).status, 200);
  });

  test("headers over the limit: 431", async () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x-filler-${index}`, "x".repeat(900)]));
    assertRefused(await gateway.fetch("/v1/mcp/alpha", { method: "POST", headers: { ...many, authorization: `Bearer ${token}` }, json: {} }), { status: 431, reason: "headers_too_large" });
  });

  test("[H12] without a token the size of a body does not matter: 401 comes first", async () => {
    assertRefused(await post(alpha, undefined, echo("x".repeat(20_000))), { status: 401 });
  });

  test("forms and registrations are bounded too", async () => {
    const form = await gateway.fetch("/oauth/token", { method: "POST", form: { grant_type: "authorization_code", code: "x".repeat(200_000) } });
    assertRefused(form, { status: 413, reason: "body_too_large" });
    const registration = await gateway.fetch("/oauth/register", { method: "POST", json: { redirect_uris: ["https://a.example/"], filler: "x".repeat(200_000) } });
    assertRefused(registration, { status: 413, reason: "body_too_large" });
  });

  test("a method nobody has: 405, and never taken for GET", async () => {
    for (const [path, method] of [["/v1/mcp/alpha", "QUERY"], ["/.well-known/oauth-authorization-server", "QUERY"], ["/oauth/token", "PATCH"], ["/v1/mcp/alpha", "PUT"]]) {
      const answer = await gateway.fetch(path, { method, headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 405, `${method} ${path}: ${answer.status}`);
      assert.ok(answer.headers.allow);
    }
  });
});
