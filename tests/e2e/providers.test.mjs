// Recorded answers of the identity providers that people have, through the real sign-in in the real runtime.
//
// Not here: what goes by a provider's own host, which cannot be had here (tests/journeys/providers.rs); forged answers (login.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startRecorded } from "./support/recorded.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("identity providers as they were recorded", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream({
      extend: (mcp) => mcp.registerTool("delete_issue", { description: "Deletes an issue." }, () => ({ content: [{ type: "text", text: "deleted" }] })),
    });
    gateway = await startGateway({ secrets: { LOGIN_SECRET: "of the recording" } });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  for (const name of ["auth0", "entra", "okta", "google", "keycloak", "cognito", "workos", "github"]) {
    test(`[X14] ${name}: people sign in, are who they were, and have their roles`, async () => {
      const provider = await startRecorded(name);
      try {
        const servers = { tracker: { name: "Tracker", url: upstream.url, auth: { kind: "none" }, require: [{ tools: ["delete_issue"], roles: ["support"] }] } };
        await gateway.configure(configuration(servers, { login: provider.login, consent: "never" }));
        const browser = new Browser(gateway.url, provider.origin);
        const { token } = await signedIn(gateway, "tracker", { browser });
        const { message } = await callTool(gateway.mcpUrl("tracker"), token, "delete_issue");
        assert.equal(message.result?.content[0].text, "deleted", JSON.stringify(message));
        const page = await browser.open(`${gateway.url}/connections`);
        assert.ok(page.text.includes(provider.expects.subject), page.text);
        const asked = browser.visited.find(({ url }) => url.startsWith(provider.origin));
        const sent = new URL(asked.url).searchParams;
        for (const [parameter, value] of Object.entries(provider.expects.sent ?? {})) assert.equal(sent.get(parameter), value);
        assert.equal(sent.get("resource"), null);
      } finally {
        await provider.stop();
      }
    });
  }
});
