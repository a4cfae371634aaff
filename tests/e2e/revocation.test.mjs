// Taking access back: by the client, at once here and within a bound elsewhere.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { OAuthClient, challengeOf, signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("[N8] revocation by the client", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ isolates: [{}, {}], config: configuration({ alpha: upstream.url }, { consent: "never" }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const call = (token) => callTool(gateway.mcpUrl("alpha"), token);

  for (const kind of ["refresh_token", "access_token"]) {
    test(`[N8] [N9] revoking the ${kind} ends the grant: every token of it, and nothing of another`, async () => {
      const { oauth, tokens, token } = await signedIn(gateway, "alpha");
      const bystander = await signedIn(gateway, "alpha");
      assert.equal((await call(token)).status, 200);
      const answer = await oauth.revoke(tokens[kind], { token_type_hint: kind });
      assert.equal(answer.status, 200, answer.text);
      const refused = await call(token);
      assertRefused(refused, { status: 401, error: "invalid_token", says: /^Invalid or expired access token$/ });
      assert.equal(challengeOf(refused).error, "invalid_token");
      assertRefused(await oauth.refresh(tokens.refresh_token), { status: 400, error: "invalid_grant" });
      assert.equal((await call(bystander.token)).status, 200);
    });
  }

  test("[N9] an isolate that has not yet seen the token learns of the revocation from storage", async () => {
    const { oauth, tokens, token } = await signedIn(gateway, "alpha");
    await oauth.revoke(tokens.refresh_token);
    const elsewhere = gateway.at(gateway.url, { isolate: 1 });
    const answer = await elsewhere.fetch("/v1/mcp/alpha", { method: "POST", json: {}, headers: { authorization: `Bearer ${token}` } });
    assertRefused(answer, { status: 401, error: "invalid_token" });
  });

  test("[N8] an unknown token is 200: as good as revoked", async () => {
    const { oauth } = await signedIn(gateway, "alpha");
    for (const token of ["unknown", "mcpg_rt_AAAA", "a.b.c"]) assert.equal((await oauth.revoke(token)).status, 200);
  });

  test("[N8] another client's token stays alive", async () => {
    const { oauth, tokens, token } = await signedIn(gateway, "alpha");
    const other = new OAuthClient(gateway, { slug: "alpha" });
    await other.register();
    const answer = await other.revoke(tokens.refresh_token);
    assert.ok([200, 400].includes(answer.status), answer.text);
    assert.equal((await call(token)).status, 200);
    assert.equal((await oauth.refresh(tokens.refresh_token)).status, 200);
  });

  test("a confidential client must prove itself to revoke", async () => {
    const { oauth, tokens, token } = await signedIn(gateway, "alpha", { method: "client_secret_post" });
    assertRefused(await oauth.revoke(tokens.refresh_token, { client_secret: "wrong" }), { status: 401, error: "invalid_client" });
    assertRefused(await oauth.revoke(tokens.refresh_token, { client_secret: undefined }), { status: 401, error: "invalid_client" });
    assert.equal((await call(token)).status, 200);
    assert.equal((await oauth.revoke(tokens.refresh_token)).status, 200);
    assert.equal((await call(token)).status, 401);
  });

  test("without a token, or with two, it is invalid_request", async () => {
    const { oauth, tokens } = await signedIn(gateway, "alpha");
    assertRefused(await oauth.revoke(undefined), { status: 400, error: "invalid_request" });
    assertRefused(await oauth.revoke([tokens.refresh_token, tokens.access_token]), { status: 400, error: "invalid_request" });
  });
});
