// Agents with a sponsor: named on the page by a person, then alone with a stock client, in two isolates, and gone with their sponsor.
//
// Not here: every rule of theirs (tests/journeys/agents.rs), who tries to harm (tests/attacks/agents.rs).

import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";
import { SignJWT } from "jose";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { Browser } from "./support/browser.mjs";
import { personAt } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { assertRefused, eventually } from "./support/expect.mjs";
import { startExternalIssuer } from "./support/external-issuer.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { callTool, modernCall, post } from "./support/mcp.mjs";
import { startUpstream } from "./support/upstream.mjs";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ANSWER = "This is a simple text response for testing.";
const AGENT = /agent:[\w-]{22}/g;

describe("agents with a sponsor", () => {
  let gateway, upstream, authorization, personal, platform;
  before(async () => {
    [upstream, authorization, platform] = await Promise.all([startUpstream(), startAuthorizationServer(), startExternalIssuer()]);
    personal = await startConnectedUpstream({ servers: [authorization] });
    gateway = await startGateway({
      isolates: [{}, {}],
      config: configuration(
        { alpha: upstream.url, personal: { name: "Personal", url: personal.url, auth: { kind: "oauth", connect: "first_call" } } },
        { accepts: ["own", "agents"], issuers: { ci: { kind: "workload", issuer: platform.origin, require: { repository: ["acme/app"] } } } },
      ),
    });
  });
  after(() => Promise.all([gateway, upstream, personal, authorization, platform].map((one) => one?.stop())));

  /** Names an agent on the page; answers its id, the browser and the page. */
  async function names(typed, { as = "alice", browser = new Browser(gateway.url) } = {}) {
    const page = await browser.walk(`${gateway.url}/connections`, { as });
    const before = new Set(page.text.match(AGENT));
    const button = page.button("action", (value) => value === "name_agent");
    assert.ok(button, `no agent can be named on: ${page.text}`);
    const named = await browser.press(page, button, { agent_name: "Triage", days: "30", "server:alpha": "on", ...typed });
    const id = named.text.match(AGENT)?.find((known) => !before.has(known));
    assert.ok(id, `no agent on: ${named.text}`);
    return { id, browser, page: named };
  }

  /** Presses a button in the form of one agent. */
  async function press({ id, browser }, action, typed = {}) {
    const page = await browser.walk(`${gateway.url}/connections`);
    const bare = id.slice("agent:".length);
    const form = page.forms.find(({ fields, buttons }) => fields.agent === bare && buttons.some(({ value }) => value === action));
    assert.ok(form, `no ${action} of ${id} on: ${page.text}`);
    return browser.press(page, form.buttons.find(({ value }) => value === action), typed);
  }

  const pair = () => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { privateKey, pem: privateKey.export({ type: "pkcs8", format: "pem" }), key: publicKey.export({ type: "spki", format: "pem" }), jwk: JSON.stringify(publicKey.export({ format: "jwk" })) };
  };
  const signs = (id, privateKey, claims = {}) =>
    new SignJWT({ jti: randomUUID(), iss: id, sub: id, aud: gateway.url, ...claims }).setProtectedHeader({ alg: "ES256" }).setIssuedAt().setExpirationTime("1m").sign(privateKey);
  const present = (assertion, { slug = "alpha", isolate, ...fields } = {}) =>
    (isolate === undefined ? gateway : gateway.at(gateway.url, { isolate })).fetch("/oauth/token", {
      method: "POST",
      form: { grant_type: GRANT_TYPE, assertion, resource: gateway.mcpUrl(slug), ...fields },
    });

  test("[X15] a person names an agent by its public key, and a stock client gets tokens and calls with it alone", async (t) => {
    const { pem, key } = pair();
    const { id } = await names({ key });
    const authProvider = new sdk2.PrivateKeyJwtProvider({ clientId: id, privateKey: pem, algorithm: "ES256", expectedIssuer: gateway.url });
    const client = new sdk2.Client({ name: "agent", version: "1" });
    t.after(() => client.close());
    await client.connect(new sdk2.StreamableHTTPClientTransport(new URL(gateway.mcpUrl("alpha")), { authProvider }));
    const { content } = await client.callTool({ name: "test_simple_text", arguments: {} });
    assert.equal(content[0].text, ANSWER);
  });

  test("[X15] one assertion that reaches two isolates at once is good in one of them, and for this gateway and agent alone", async () => {
    const [mine, others] = [pair(), pair()];
    const [{ id }, { id: other }] = [await names({ key: mine.jwk }), await names({ key: others.jwk }, { as: "bob" })];
    const once = await signs(id, mine.privateKey);
    const answers = await Promise.all([0, 1, 0, 1].map((isolate) => present(once, { isolate })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400], answers.map(({ text }) => text).join("\n"));
    const [token] = answers.filter(({ status }) => status === 200);
    assert.deepEqual([token.json.expires_in <= 900, token.json.refresh_token], [true, undefined]);
    assert.equal((await callTool(gateway.mcpUrl("alpha"), token.json.access_token)).status, 200);
    for (const [assertion, reason] of [
      [once, "client_assertion_used"],
      [await signs(id, mine.privateKey, { aud: "https://other.example" }), "client_assertion_wrong_audience"],
      [await signs(id, others.privateKey), "client_assertion_wrong_signature"],
      [await signs(other, mine.privateKey), "client_assertion_wrong_signature"],
      [await signs(id, mine.privateKey, { sub: other }), "client_assertion_wrong_client"],
    ]) {
      assertRefused(await present(assertion), { status: 400, error: "invalid_grant", reason });
    }
  });

  test("[X15] it uses its sponsor's account only where they let it, and says whom to ask elsewhere", async () => {
    const { key, privateKey } = pair();
    const browser = personAt(gateway, authorization);
    const agent = await names({ key, "server:personal": "on" }, { browser });
    const ask = async () => present(await signs(agent.id, privateKey), { slug: "personal" });
    assertRefused(await ask(), { status: 400, error: "invalid_target", reason: "agent_account_not_lent", says: /sponsor/ });
    await press(agent, "lend", { "account:personal": "on" });
    const url = gateway.mcpUrl("personal");
    const call = async () => post(url, (await ask()).json.access_token, modernCall("tools/call", { name: "who_am_i", arguments: {} }));
    const asked = await eventually(async () => {
      const called = await call(); // a token of the very second in which it was said is worth nothing
      assert.equal(called.status, 403, called.text);
      return called;
    });
    const { reason, fix } = asked.message.error.data;
    assert.deepEqual([reason, /sponsor/.test(fix)], ["agent_sponsor_not_connected", true]);
    assert.match((await browser.walk(`${gateway.url}/connect/personal`)).text, /connected/i);
    const answer = await eventually(async () => {
      const called = await call();
      assert.equal(called.message?.result?.content?.[0]?.text, authorization.settings.account, called.text);
      return called;
    });
    assert.equal(answer.status, 200);
  });

  test("[X15] a job of a platform is an agent without any key, and no other job is", async () => {
    const { id } = await names({ issuer: "ci", workload: "repo:acme/app" });
    const job = (claims = {}) =>
      platform.sign({ sub: "repo:acme/app", aud: gateway.url, repository: "acme/app", jti: randomUUID(), ...claims }, { header: { typ: "JWT" } });
    const answer = await present(await job(), { client_id: id });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await callTool(gateway.mcpUrl("alpha"), answer.json.access_token)).status, 200);
    assertRefused(await present(await job({ sub: "repo:acme/other" }), { client_id: id }), { status: 400, error: "invalid_grant", reason: "agent_wrong_workload" });
    assertRefused(await present(await job({ repository: "evil/app" }), { client_id: id }), { status: 400, error: "invalid_grant", reason: "assertion_requirement_unmet" });
  });

  test("[X15] it ends when its sponsor ends it, and with everything of its sponsor", async () => {
    const url = gateway.mcpUrl("alpha");
    const ends = {
      sponsor: (agent) => press(agent, "end_agent"),
      operator: () => gateway.fetch("/admin/subjects/dev:bob", { method: "DELETE", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } }),
    };
    for (const [who, end] of Object.entries(ends)) {
      const { key, privateKey } = pair();
      const agent = await names({ key }, { as: "bob" });
      const token = await present(await signs(agent.id, privateKey));
      assert.equal((await callTool(url, token.json.access_token)).status, 200, who);
      await end(agent);
      const answer = await callTool(url, token.json.access_token);
      assertRefused(answer, { status: 401, error: "invalid_token", reason: "token_revoked" });
      assertRefused(await present(await signs(agent.id, privateKey)), { status: 400, error: "invalid_grant", reason: "agent_ended" });
    }
  });
});
