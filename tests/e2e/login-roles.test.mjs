// Roles that an OpenID Provider gives: which tools people see and may call by them, and where they read of it.
//
// Not here: signing in itself (login.test.mjs), rules over scopes and arguments.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertRefusedOnPage } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startForger, startProvider } from "./support/idp.mjs";
import { callTool, legacyCall, modernCall, openSession, post } from "./support/mcp.mjs";
import { OAuthClient, signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const GROUPS = { sam: ["everybody", "0f3c9d1e"], carol: ["everybody", "support"], dave: [] };

/** A server whose `delete_issue` needs the role "support", at a provider that tells groups by their ids. */
const configured = (upstream, provider, roles = { claim: "groups", map: { "0f3c9d1e": "support" } }) =>
  configuration(
    { tracker: { name: "Tracker", url: upstream.url, auth: { kind: "none" }, require: [{ tools: ["delete_issue"], roles: ["support"] }] } },
    { login: oidcLogin(provider, { roles }), consent: "never" },
  );

const startTracker = () =>
  startUpstream({
    extend: (mcp) => mcp.registerTool("delete_issue", { description: "Deletes an issue." }, () => ({ content: [{ type: "text", text: "deleted" }] })),
  });

for (const claimsAtUserinfo of [false, true]) {
  describe(`roles of a certified provider that tells groups ${claimsAtUserinfo ? "at userinfo alone" : "in the ID token"}`, () => {
    let upstream, gateway, provider, url;
    before(async () => {
      [upstream, gateway] = await Promise.all([startTracker(), startGateway({ secrets: LOGIN_SECRETS })]);
      provider = await startProvider(gateway.url, { groupsOf: (name) => GROUPS[name], claimsAtUserinfo });
      await gateway.configure(configured(upstream, provider));
      url = `${gateway.url}/v1/mcp/tracker`;
    });
    after(() => Promise.all([upstream, gateway, provider].map((part) => part?.stop())));

    const arrives = async (name) => {
      const browser = new Browser(gateway.url, provider.issuer);
      return { browser, ...(await signedIn(gateway, "tracker", { browser, as: name })) };
    };
    const listed = async (token) => {
      const { message } = await post(url, token, modernCall("tools/list"));
      const { session } = await openSession(url, token);
      const legacy = await post(url, token, legacyCall("tools/list", {}, { session }));
      const names = ({ result }) => result.tools.map(({ name }) => name).sort();
      assert.deepEqual(names(legacy.message), names(message), "both eras list the same");
      return names(message);
    };

    test("[N6] who has the role sees the tool, calls it, and reads of the role", async () => {
      const { token, browser } = await arrives("sam");
      assert.ok((await listed(token)).includes("delete_issue"));
      const { message } = await callTool(url, token, "delete_issue");
      assert.equal(message.result?.content[0].text, "deleted", JSON.stringify(message));
      const page = await browser.open(`${gateway.url}/connections`);
      assert.match(page.text, /Roles from your last sign-in, \d+ \w+ \d{4}:\s*support/);
    });

    for (const name of ["carol", "dave"]) {
      test(`[N6] ${name}, who has it not, neither sees the tool nor calls it, and the refusal names the role`, async () => {
        const { token, browser } = await arrives(name);
        const names = await listed(token);
        assert.ok(!names.includes("delete_issue") && names.includes("test_simple_text"), names.join());
        const before = upstream.requests.length;
        const { message } = await callTool(url, token, "delete_issue");
        assert.match(message.error.message, /needs the role support/);
        assert.equal(message.error.data.reason, "capability_role_missing");
        assert.equal(upstream.requests.length, before, "the server hears nothing of it");
        assert.ok((await callTool(url, token)).message.result, "the others work");
        const page = await browser.open(`${gateway.url}/connections`);
        assert.match(page.text, /gave you none of the roles/);
      });
    }

    test("[N6] a role that was taken away is gone with the next sign-in", async () => {
      GROUPS.erin = ["0f3c9d1e"];
      const { token, oauth, tokens, browser } = await arrives("erin");
      assert.ok((await callTool(url, token, "delete_issue")).message.result);
      GROUPS.erin = [];
      const renewed = await oauth.refresh(tokens.refresh_token);
      assert.ok((await callTool(url, renewed.json.access_token, "delete_issue")).message.result, "until then it stays");
      await browser.open(`${gateway.url}/login`);
      const again = await oauth.refresh(renewed.json.refresh_token);
      assert.equal((await callTool(url, again.json.access_token, "delete_issue")).message.error.data.reason, "capability_role_missing");
    });
  });
}

describe("what a provider might say of roles", () => {
  let upstream, gateway, provider, oauth, url;
  before(async () => {
    [upstream, provider] = await Promise.all([startTracker(), startForger()]);
    gateway = await startGateway({ secrets: LOGIN_SECRETS, config: configured(upstream, provider, { claim: "groups" }) });
    oauth = new OAuthClient(gateway, { slug: "tracker" });
    await oauth.register();
    url = `${gateway.url}/v1/mcp/tracker`;
  });
  after(() => Promise.all([upstream, gateway, provider].map((part) => part?.stop())));

  const claiming = (more) => ({ claims, sign }) => sign({ ...claims, ...more });
  const attempt = async (bent) => {
    const answer = (text, status = 200) => ({ status, text });
    Object.assign(provider, { forge: claiming({}), userinfo: () => answer('{"sub":"alice"}') }, bent);
    const browser = new Browser(gateway.url, provider.issuer);
    return { browser, arrived: await oauth.authorize({}, { browser }) };
  };

  const answers = {
    "of somebody else": { text: '{"sub":"mallory","groups":["support"]}', reason: "login_userinfo_other_subject" },
    "of nobody": { text: '{"groups":["support"]}', reason: "login_userinfo_other_subject" },
    "that is no JSON": { text: "eyJhbGciOiJub25lIn0.e30.", reason: "login_userinfo_malformed" },
    "that is refused": { status: 403, text: "{}", reason: "login_userinfo_refused" },
    "that is endless": { text: JSON.stringify({ sub: "alice", groups: ["support"], a: "a".repeat(1 << 20) }), reason: "login_unavailable", shown: 503 },
    "that failed": { status: 500, text: "{}", reason: "login_unavailable", shown: 503 },
  };
  for (const [name, { status = 200, text, reason, shown = 502 }] of Object.entries(answers)) {
    test(`userinfo ${name} signs nobody in`, async () => {
      const { arrived, browser } = await attempt({ userinfo: () => ({ status, text }) });
      assertRefusedOnPage(arrived, { status: shown, reason });
      assert.equal(browser.cookie("__mcp_session"), undefined);
    });
  }

  test("[N6] groups that are kept elsewhere give no role, and the person reads that some may be missing", async () => {
    const { arrived, browser } = await attempt({ forge: claiming({ _claim_names: { groups: "src1" }, _claim_sources: { src1: { endpoint: "https://graph.invalid" } } }) });
    const { json } = await oauth.redeem(arrived.params.get("code"));
    assert.equal((await callTool(url, json.access_token, "delete_issue")).message.error.data.reason, "capability_role_missing");
    const page = await browser.open(`${gateway.url}/connections`);
    assert.match(page.text, /did not say everything about you/);
  });

  test("an ID token that says the roles is enough: userinfo is not asked", async () => {
    const asked = () => provider.requests.filter(({ path }) => path === "/userinfo").length;
    const before = asked();
    const { arrived } = await attempt({ forge: claiming({ groups: ["support"] }), userinfo: () => ({ status: 500, text: "" }) });
    assert.ok(arrived.params?.get("code"), arrived.text);
    assert.equal(asked(), before);
  });
});
