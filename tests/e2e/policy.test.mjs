// Who sees and may use what, on a real server in both eras: by hand, and with stock clients.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const POLICY = {
  tools: { allow: ["test_simple_text", "test_error_handling"], allow_patterns: ["test_tool_*"] },
  prompts: { allow: [] },
  resources: { allow: ["test://static-text", "test://watched-resource"] },
  require: [{ tools: ["test_error_handling"], scopes: ["tools:fail"] }],
};

describe("policy on a real server", () => {
  let gateway, upstream, token, alpha, open;
  before(async () => {
    upstream = await startUpstream();
    const server = (more) => ({ name: "Alpha", url: upstream.url, auth: { kind: "none" }, ...more });
    const servers = { alpha: server(POLICY), open: server({}) };
    gateway = await startGateway({ config: configuration(servers, { consent: "never", scopes: { "tools:fail": { title: "Fail" } } }) });
    [alpha, open] = ["alpha", "open"].map((slug) => gateway.mcpUrl(slug));
    token = { [alpha]: (await signedIn(gateway, "alpha")).token, [open]: (await signedIn(gateway, "open")).token };
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const eras = {
    legacy: async (url, method, params) => post(url, token[url], legacyCall(method, params, await openSession(url, token[url]))),
    modern: (url, method, params) => post(url, token[url], modernCall(method, params)),
  };
  const listOf = async (send, url, method, member) => {
    const answer = await send(url, method, {});
    assert.equal(answer.status, 200, answer.text);
    return answer.message.result[member];
  };

  for (const [era, send] of Object.entries(eras)) {
    test(`[Z10] [X6] a ${era} list has what is allowed, whole and as the server wrote it, and nothing else`, async () => {
      const all = await listOf(send, open, "tools/list", "tools");
      const shown = await listOf(send, alpha, "tools/list", "tools");
      const allowed = ({ name }) => POLICY.tools.allow.includes(name) || name.startsWith("test_tool_");
      assert.deepEqual(shown, all.filter(allowed), "what a scope would open stays visible");
      assert.ok(shown.length >= 4 && shown.length < all.length, `${shown.length} of ${all.length}`);
      assert.deepEqual(await listOf(send, alpha, "prompts/list", "prompts"), []);
      const uris = (await listOf(send, alpha, "resources/list", "resources")).map(({ uri }) => uri);
      assert.deepEqual(uris.sort(), POLICY.resources.allow);
      assert.ok((await listOf(send, alpha, "resources/templates/list", "resourceTemplates")).length > 0, "nothing is said of templates");
    });

    test(`[Z10] what is hidden looks to a ${era} client as what does not exist, and is never sent`, async () => {
      upstream.requests.length = 0;
      for (const [method, params] of [
        ["tools/call", { name: "test_image_content", arguments: {} }],
        ["tools/call", { name: "Test_Simple_Text", arguments: {} }],
        ["prompts/get", { name: "test_simple_prompt" }],
        ["resources/read", { uri: "test://static-binary" }],
        ["completion/complete", { ref: { type: "ref/prompt", name: "test_prompt_with_arguments" }, argument: { name: "a", value: "" } }],
      ]) {
        const hidden = await send(alpha, method, params);
        const { error } = hidden.json;
        assert.deepEqual([hidden.status, error.data.reason], [200, "capability_unknown"], hidden.text);
        assert.ok([-32602, -32002].includes(error.code));
        const made = params.uri ? { uri: "test://made-up" } : { ...params, name: "made-up", ref: params.ref && { ...params.ref, name: "made-up" } };
        const unknown = (await send(alpha, method, made)).json.error;
        const same = ({ code, data: { reason, fix } }) => ({ code, reason, fix });
        assert.deepEqual(same(error), same(unknown));
      }
      assert.deepEqual(upstream.requests.filter(({ message }) => /call|get|read|complete/.test(message?.method)), []);
    });

    test(`[Z10] what is allowed works in the ${era} era`, async () => {
      const answer = await send(alpha, "tools/call", { name: "test_simple_text", arguments: {} });
      assert.equal(answer.message.result.content[0].text, "This is a simple text response for testing.");
      const read = await send(alpha, "resources/read", { uri: "test://static-text" });
      assert.equal(read.status, 200, read.text);
      assert.ok(read.message.result.contents.length > 0);
    });

    test(`[H7] [Z2] a ${era} call without the tool's scope says which, in the challenge and in the error`, async () => {
      const answer = await send(alpha, "tools/call", { name: "test_error_handling", arguments: {} });
      assert.equal(answer.status, 403, answer.text);
      const challenge = answer.headers["www-authenticate"];
      assert.match(challenge, /^Bearer error="insufficient_scope"/);
      assert.match(challenge, /resource_metadata="[^"]+\/\.well-known\/oauth-protected-resource\/v1\/mcp\/alpha"/);
      const scope = /scope="([^"]+)"/.exec(challenge)[1].split(" ");
      assert.deepEqual(scope.sort(), ["mcp:tools", "offline_access", "tools:fail"]);
      const { tool, granted_scopes, required_scope, reason } = answer.json.error.data;
      assert.deepEqual([tool, required_scope, reason], ["test_error_handling", "tools:fail", "capability_scope_missing"]);
      assert.ok(granted_scopes.includes("mcp:tools") && !granted_scopes.includes("tools:fail"));
    });
  }

  test("[Z10] a server does not promise what nobody could use", async () => {
    const of = async (url) => {
      const { message } = await post(url, token[url], modernCall("server/discover"));
      const { headers, ...initialize } = legacyCall("initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "test", version: "1" },
      });
      const begun = await post(url, token[url], { headers, ...initialize });
      return [message.result.capabilities, begun.message.result.capabilities];
    };
    for (const capabilities of await of(alpha)) {
      assert.equal(capabilities.prompts, undefined);
      assert.ok(capabilities.tools && capabilities.resources, JSON.stringify(capabilities));
    }
    for (const capabilities of await of(open)) assert.ok(capabilities.prompts);
  });

  test("[X5] behind an authorization nothing is everybody's to cache, nor longer than a configuration takes to arrive", async () => {
    for (const method of ["server/discover", "tools/list", "resources/list"]) {
      const { message } = await post(open, token[open], modernCall(method));
      assert.equal(message.result.cacheScope, "private", method);
      assert.ok(message.result.ttlMs <= 60_000, method);
    }
  });

  test("[Z10] a subscription to what is hidden is refused, and updates of it do not come", async () => {
    const refused = await post(alpha, token[alpha], modernCall("subscriptions/listen", { notifications: { resourceSubscriptions: ["test://static-binary"] } }));
    assert.equal(refused.json.error.data.reason, "capability_unknown");
  });
});
