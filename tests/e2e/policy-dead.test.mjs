// Policy that means nothing of what a server has: told to the operator by an isolate that has never seen the server, and explained.
//
// Not here: which entries are dead (src/policy/dead.rs), what a decision is (policy.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { legacyCall, openSession, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ALIVE = ["test_simple_text", "test_error_handling"];

describe("[X39] policy that means nothing", { timeout: 60_000 }, () => {
  let gateway, upstream, config;
  const operator = { authorization: "Bearer admin-token-of-the-tests" };
  /** Asks the isolate that has seen no list. */
  const ask = async (path, options = {}) => {
    const answer = await gateway.fetch(new URL(path, gateway.urls[1]), { ...options, headers: operator });
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  before(async () => {
    upstream = await startUpstream();
    const alpha = {
      url: upstream.url,
      tools: { allow: [...ALIVE, "test_simple_txt"], allow_patterns: ["test_tool_*", "tset_*"] },
      require: [{ tools: ["test_error_handling"], roles: ["boss"] }, { tools: ["test_error_handlin"], roles: ["boss"] }],
    };
    config = configuration({ alpha }, { consent: "never", login: { kind: "dev", accounts: [{ subject: "alice" }, { subject: "carol", roles: ["boss"] }] } });
    gateway = await startGateway({ isolates: [{}, {}], config });
    const { token } = await signedIn(gateway, "alpha");
    const { session } = await openSession(gateway.mcpUrl("alpha"), token);
    await post(gateway.mcpUrl("alpha"), token, legacyCall("tools/list", {}, { session }));
    const kept = async () => (await (await gateway.kv()).list({ prefix: "catalogue:" })).keys.length;
    for (const until = Date.now() + 10_000; (await kept()) < 2; ) assert.ok(Date.now() < until, "it is not kept");
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const DEAD = ["test_error_handlin", "test_simple_txt", "tset_*"];
  const entries = (told) => told.map(({ entry }) => entry.name ?? entry.pattern).sort();

  test("[X39] [Z10] is a warning where the configuration is sent, also where nothing is applied", async () => {
    for (const path of ["/admin/config?dry_run", "/admin/config"]) {
      const { warnings } = await ask(path, { method: "PUT", json: config });
      assert.deepEqual(entries(warnings.map(({ entry }) => entry)), DEAD, path);
      assert.ok(warnings.every(({ server, problem }) => server === "alpha" && problem));
    }
    const line = await gateway.logs.find(({ fields }) => fields?.event === "policy_entries_dead" && fields.server === "alpha");
    assert.deepEqual(entries(line.fields.entries), DEAD);
  });

  test("[X39] [Z10] is in the status that operators see, and in nobody else's", async () => {
    const { servers } = await ask("/status");
    assert.deepEqual(entries(servers[0].policy_entries_dead), DEAD);
    const anybody = await gateway.fetch(new URL("/status", gateway.urls[1]));
    assert.ok(!anybody.text.includes("policy_entries_dead"));
  });

  test("[X39] the rule that decides is named, with what it needs", async () => {
    const explain = (question) => ask("/admin/explain", { method: "POST", json: { server: "alpha", ...question } });
    const denied = await explain({ tool: "test_error_handling", subject: "dev:alice" });
    assert.deepEqual([denied.decision, denied.rule, denied.need], ["deny", 0, { role: ["boss"] }]);
    assert.deepEqual(denied.rules.map(({ rule, named_by }) => [rule, named_by.name]), [[0, "test_error_handling"]]);
    assert.equal((await explain({ tool: "test_error_handling", roles: ["boss"] })).decision, "allow");
    const hidden = await explain({ tool: "test_image_content" });
    assert.deepEqual([hidden.decision, hidden.filter], ["hide", "not_allowed"]);
    const shown = await explain({ tool: "test_tool_with_progress" });
    assert.deepEqual([shown.decision, shown.filter], ["allow", { allowed: { pattern: "test_tool_*" } }]);
  });
});
