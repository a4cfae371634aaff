// What cannot be reached, and what happens to requests that need it: refused with 503, a reason and when to come back, never let through.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const AWAY = ["KV", "GRANT", "ACCOUNT", "KEY_RING"];
// Whether a call, a refresh and an authorization need what is away. A call asks no object.
const NEEDS = { KV: [true, true, true], GRANT: [false, true, false], ACCOUNT: [false, false, false], KEY_RING: [true, true, true] };

describe("what cannot be reached", () => {
  let gateway, upstream, oauth, tokens;
  before(async () => {
    upstream = await startUpstream();
    const without = AWAY.map((name) => (name === "KEY_RING" ? { KEY_RING: undefined } : { without: [name] }));
    gateway = await startGateway({
      isolates: [{}, ...without],
      config: configuration({ alpha: upstream.url }),
    });
    oauth = new OAuthClient(gateway, { slug: "alpha", scope: "mcp:tools offline_access" });
    tokens = await oauth.signIn();
  });
  after(() => Promise.all([gateway, upstream].map((one) => one?.stop())));

  for (const [index, away] of AWAY.entries()) {
    test(`[P4] without ${away} whoever needs it gets 503, a reason and Retry-After, and the rest goes on`, async () => {
      const { fetch } = gateway.at(gateway.url, { isolate: index + 1 });
      const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "test_simple_text", arguments: {} } };
      const form = { grant_type: "refresh_token", refresh_token: tokens.refresh_token, client_id: oauth.id };
      const headers = { authorization: `Bearer ${tokens.access_token}`, accept: "application/json, text/event-stream" };
      const asked = [
        await fetch("/v1/mcp/alpha", { method: "POST", headers, json: call }),
        await fetch("/oauth/token", { method: "POST", form }),
        await fetch(oauth.authorizationUrl()),
      ];
      for (const [ask, answer] of asked.entries()) {
        const shown = `${ask}: ${answer.status} ${answer.text}`;
        if (!NEEDS[away][ask]) {
          assert.ok(answer.status < 500, shown);
          continue;
        }
        assert.equal(answer.status, 503, shown);
        assert.match(answer.headers["retry-after"], /^\d+$/, shown);
        assert.match(answer.text, /storage_unavailable|keys_missing/, shown);
      }
    });
  }

});
