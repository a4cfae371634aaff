// Enterprise-managed authorization inbound: a stock client exchanges a person's ID token at their company for an assertion, and that here for
// an access token.
//
// Not here: what an assertion must say, one rule at a time (tests/attacks/assertions.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";

import { startAssertionProvider } from "./support/assertion-provider.mjs";
import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { startUpstream } from "./support/upstream.mjs";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SECRET = "the client's secret";

describe("assertions of a company's identity provider", () => {
  let gateway, upstream, company;
  before(async () => {
    [upstream, company] = await Promise.all([startUpstream(), startAssertionProvider()]);
    gateway = await startGateway({
      secrets: { CLAUDE_SECRET: SECRET },
      isolates: [{}, {}],
      config: configuration(
        { alpha: upstream.url, beta: upstream.url, personal: { url: upstream.url, auth: { kind: "oauth" } } },
        {
          scopes: { "tools:write": { title: "Change things" } },
          issuers: { idp: { kind: "id_jag", issuer: company.origin, clients: ["claude"] } },
          clients: { preregistered: ["claude", "other"].map((client_id) => ({ client_id, client_secret: { secret: "CLAUDE_SECRET" }, redirect_uris: ["https://claude.example/cb"] })) },
        },
      ),
    });
  });
  after(() => Promise.all([gateway, upstream, company].map((one) => one?.stop())));

  const basic = `Basic ${Buffer.from(`claude:${encodeURIComponent(SECRET)}`).toString("base64")}`;
  const claims = (more = {}) => ({ sub: "ann", aud: gateway.url, resource: gateway.mcpUrl("alpha"), client_id: "claude", scope: "mcp:tools", ...more });
  const present = (assertion, { isolate = 0, authorization = basic, ...fields } = {}) =>
    gateway.at(gateway.url, { isolate }).fetch("/oauth/token", { method: "POST", headers: authorization ? { authorization } : {}, form: { grant_type: GRANT_TYPE, assertion, ...fields } });

  test("a stock client's CrossAppAccessProvider finds its way by itself and calls a tool", async (t) => {
    const authProvider = new sdk2.CrossAppAccessProvider({
      clientId: "claude",
      clientSecret: SECRET,
      expectedIssuer: gateway.url,
      assertion: async ({ authorizationServerUrl, resourceUrl, scope, fetchFn }) => {
        const idToken = await company.idToken("ann", "claude");
        const exchange = { idpUrl: company.origin, audience: authorizationServerUrl, resource: resourceUrl, idToken, clientId: "claude", scope, fetchFn };
        return (await sdk2.discoverAndRequestJwtAuthGrant(exchange)).jwtAuthGrant;
      },
    });
    const client = new sdk2.Client({ name: "claude", version: "1" });
    t.after(() => client.close());
    await client.connect(new sdk2.StreamableHTTPClientTransport(new URL(gateway.mcpUrl("alpha")), { authProvider }));
    const { content } = await client.callTool({ name: "test_simple_text", arguments: {} });
    assert.equal(content[0].text, "This is a simple text response for testing.");
    const [{ audience, resource }] = company.exchanged;
    assert.deepEqual([audience.replace(/\/$/, ""), resource], [gateway.url, gateway.mcpUrl("alpha")]);
    assert.equal(authProvider.tokens().refresh_token, undefined);
    assertRefused(await present(company.assertions[0], { isolate: 1 }), { status: 400, error: "invalid_grant", reason: "assertion_used" });
  });

  test("what it gives is for one server, one client and one scope", async () => {
    const answer = await present(await company.assertion(claims({ scope: "mcp:tools tools:write" })), { scope: "mcp:tools" });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual([answer.json.scope, answer.json.token_type?.toLowerCase()], ["mcp:tools", "bearer"]);
    assert.equal((await callTool(gateway.mcpUrl("alpha"), answer.json.access_token)).status, 200);
    assertRefused(await callTool(gateway.mcpUrl("beta"), answer.json.access_token), { status: 401, error: "invalid_token", reason: "token_wrong_audience" });
    for (const [more, reason, error = "invalid_grant"] of [
      [{ client_id: "other" }, "assertion_wrong_client"],
      [{ aud: [gateway.url, "https://other.example"] }, "assertion_wrong_audience"],
      [{ resource: `${gateway.url}/v1/mcp/none` }, "assertion_wrong_resource", "invalid_target"],
      [{ resource: gateway.mcpUrl("personal") }, "external_cannot_connect", "invalid_target"],
      [{ jti: undefined }, "assertion_id_missing"],
    ]) {
      assertRefused(await present(await company.assertion(claims(more))), { status: 400, error, reason });
    }
    assertRefused(await present(await company.assertion(claims()), { scope: "tools:write" }), { status: 400, error: "invalid_scope", reason: "assertion_scope_exceeded" });
    assertRefused(await present(await company.assertion(claims()), { authorization: null, client_id: "claude" }), { status: 401, error: "invalid_client" });
    assertRefused(await present(await company.idToken("ann", gateway.url)), { status: 400, error: "invalid_grant", reason: "assertion_wrong_type" });
  });

  test("one assertion that reaches two isolates at once is good in one of them", async () => {
    const once = await company.assertion(claims());
    const answers = await Promise.all([0, 1, 0, 1].map((isolate) => present(once, { isolate })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400]);
  });
});
