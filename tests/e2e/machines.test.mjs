// Programs that act for themselves: stock clients with the client-credentials provider of each SDK.
//
// Not here: every rule of theirs (tests/journeys/machines.rs), who tries to harm (tests/attacks/machines.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ANSWER = "This is a simple text response for testing.";
const SECRET = "the program's secret";

describe("programs", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    const machine = { servers: ["alpha", "personal"], scopes: ["tools:write"] };
    const ci = { client_id: "ci", client_secret: { secret: "CI_SECRET" }, machine };
    gateway = await startGateway({
      secrets: { CI_SECRET: SECRET },
      isolates: [{}, {}],
      config: configuration(
        { alpha: upstream.url, beta: upstream.url, personal: { url: upstream.url, auth: { kind: "oauth" } } },
        { scopes: { "tools:write": { title: "Change things" } }, clients: { preregistered: [ci] } },
      ),
    });
  });
  after(() => Promise.all([gateway, upstream].map((one) => one?.stop())));

  const ask = (fields) => gateway.fetch("/oauth/token", { method: "POST", form: { grant_type: "client_credentials", client_id: "ci", client_secret: SECRET, ...fields } });

  const clients = {
    "SDK 1.x": (url, credentials) => [new Client({ name: "program", version: "1" }), new StreamableHTTPClientTransport(new URL(url), { authProvider: new ClientCredentialsProvider(credentials) })],
    "SDK 2.x": (url, credentials) => [new sdk2.Client({ name: "program", version: "1" }), new sdk2.StreamableHTTPClientTransport(new URL(url), { authProvider: new sdk2.ClientCredentialsProvider(credentials) })],
  };

  for (const [sdk, build] of Object.entries(clients)) {
    test(`[H9] a stock client on ${sdk} gets a token of its own and calls with it`, async (t) => {
      const [client, transport] = build(gateway.mcpUrl("alpha"), { clientId: "ci", clientSecret: SECRET, expectedIssuer: gateway.url });
      t.after(() => client.close());
      await client.connect(transport);
      const { content } = await client.callTool({ name: "test_simple_text", arguments: {} });
      assert.equal(content[0].text, ANSWER);
    });
  }

  test("[H9] a program has the servers and scopes that the operator gives it, and no refresh token", async () => {
    const metadata = (await gateway.fetch("/.well-known/oauth-authorization-server")).json;
    assert.ok(metadata.grant_types_supported.includes("client_credentials"));
    const all = await ask({ resource: gateway.mcpUrl("alpha") });
    assert.equal(all.status, 200, all.text);
    assert.deepEqual([all.json.scope, all.json.refresh_token], ["mcp:tools tools:write", undefined]);
    assert.equal((await ask({ resource: gateway.mcpUrl("alpha"), scope: "mcp:tools" })).json.scope, "mcp:tools");
    assertRefused(await ask({ resource: gateway.mcpUrl("beta") }), { status: 400, error: "invalid_target", reason: "machine_wrong_server" });
    assertRefused(await ask({ resource: gateway.mcpUrl("personal") }), { status: 400, error: "invalid_target", reason: "machine_needs_person" });
    assertRefused(await ask({ resource: gateway.mcpUrl("alpha"), scope: "tools:all" }), { status: 400, error: "invalid_scope", reason: "machine_scope_exceeded" });
    assert.equal((await callTool(gateway.mcpUrl("alpha"), all.json.access_token)).status, 200);
    assert.equal((await callTool(gateway.mcpUrl("beta"), all.json.access_token)).status, 401);
  });
});
