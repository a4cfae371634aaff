// Programs that act for themselves: stock clients with the client-credentials provider of each SDK.
//
// Not here: every rule of theirs (tests/journeys/machines.rs), who tries to harm (tests/attacks/machines.rs).

import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";
import { ClientCredentialsProvider, PrivateKeyJwtProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ANSWER = "This is a simple text response for testing.";
const SECRET = "the program's secret";
const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" });

/** An assertion of `client` as RFC 7523 has it, made by hand. */
function assertion(client, audience, more = {}) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: client, sub: client, aud: audience, jti: randomUUID(), iat: now, exp: now + 60, ...more };
  const message = `${part({ alg: "ES256" })}.${part(claims)}`;
  return `${message}.${sign("sha256", Buffer.from(message), { key: createPrivateKey(PEM), dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

describe("programs", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    const machine = { servers: ["alpha", "personal"], scopes: ["tools:write"] };
    const ci = { client_id: "ci", client_secret: { secret: "CI_SECRET" }, machine };
    const signing = { client_id: "signing", jwks: { keys: [publicKey.export({ format: "jwk" })] }, machine };
    gateway = await startGateway({
      secrets: { CI_SECRET: SECRET },
      isolates: [{}, {}],
      config: configuration(
        { alpha: upstream.url, beta: upstream.url, personal: { url: upstream.url, auth: { kind: "oauth" } } },
        { scopes: { "tools:write": { title: "Change things" } }, clients: { preregistered: [ci, signing] } },
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

  const signers = {
    "SDK 1.x": (url, credentials) => [new Client({ name: "program", version: "1" }), new StreamableHTTPClientTransport(new URL(url), { authProvider: new PrivateKeyJwtProvider(credentials) })],
    "SDK 2.x": (url, credentials) => [new sdk2.Client({ name: "program", version: "1" }), new sdk2.StreamableHTTPClientTransport(new URL(url), { authProvider: new sdk2.PrivateKeyJwtProvider(credentials) })],
  };

  for (const [sdk, build] of Object.entries(signers)) {
    test(`a stock client on ${sdk} proves itself with its key and calls`, async (t) => {
      const [client, transport] = build(gateway.mcpUrl("alpha"), { clientId: "signing", privateKey: PEM, algorithm: "ES256", expectedIssuer: gateway.url });
      t.after(() => client.close());
      await client.connect(transport);
      const { content } = await client.callTool({ name: "test_simple_text", arguments: {} });
      assert.equal(content[0].text, ANSWER);
    });
  }

  test("one assertion that reaches two isolates at once is good in one of them, and never again", async () => {
    const once = assertion("signing", gateway.url);
    const form = { grant_type: "client_credentials", resource: gateway.mcpUrl("alpha"), client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
    const send = (isolate, client_assertion) => gateway.at(gateway.url, { isolate }).fetch("/oauth/token", { method: "POST", form: { ...form, client_assertion } });
    const answers = await Promise.all([0, 1, 0, 1].map((isolate) => send(isolate, once)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401, 401, 401]);
    for (const isolate of [0, 1]) assertRefused(await send(isolate, once), { status: 401, error: "invalid_client", reason: "client_assertion_used" });
    assertRefused(await send(0, assertion("signing", "https://other.example")), { status: 401, error: "invalid_client", reason: "client_assertion_wrong_audience" });
    const metadata = (await gateway.fetch("/.well-known/oauth-authorization-server")).json;
    assert.ok(metadata.token_endpoint_auth_methods_supported.includes("private_key_jwt"));
    assert.ok(metadata.token_endpoint_auth_signing_alg_values_supported.includes("ES256"));
  });

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
