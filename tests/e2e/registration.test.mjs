// Dynamic client registration: what a client must say, what it gets, and how the operator narrows it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { OAuthClient } from "./support/oauth-client.mjs";

const NOWHERE = "http://localhost:9/mcp";

describe("dynamic client registration", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: NOWHERE }) });
  });
  after(() => gateway?.stop());

  const register = (metadata, target = gateway) => target.fetch("/oauth/register", { method: "POST", json: metadata });

  test("[H5] a public client gets 201, everything echoed, no secret and no null", async () => {
    const metadata = {
      client_name: "Editor",
      redirect_uris: ["https://editor.example/cb", "http://127.0.0.1/cb"],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      application_type: "native",
      software_id: "ignored",
      "x-unknown": { nested: true },
    };
    const { status, headers, json } = await register(metadata);
    assert.equal(status, 201);
    assert.equal(headers["cache-control"], "no-store");
    assert.match(json.client_id, /^mcpg_client_[\w-]+$/);
    for (const name of ["client_name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method"]) {
      assert.deepEqual(json[name], metadata[name], name);
    }
    assert.equal("client_secret" in json, false);
    assert.equal("client_secret_expires_at" in json, false);
    assert.ok(Object.values(json).every((value) => value !== null));
  });

  test("[H5] a confidential client gets a secret with its expiry", async () => {
    for (const method of ["client_secret_basic", "client_secret_post"]) {
      const { status, json } = await register({ redirect_uris: ["https://editor.example/cb"], token_endpoint_auth_method: method });
      assert.equal(status, 201);
      assert.ok(json.client_secret.length >= 32);
      assert.ok(Number.isInteger(json.client_secret_expires_at));
      assert.equal(json.token_endpoint_auth_method, method);
    }
  });

  test("[S4] ids have a prefix of ours and are no URLs; two registrations never share one", async () => {
    const answers = await Promise.all(Array.from({ length: 3 }, () => register({ redirect_uris: ["https://editor.example/cb"], token_endpoint_auth_method: "none" })));
    const ids = answers.map(({ json }) => json.client_id);
    assert.equal(new Set(ids).size, 3);
    for (const id of ids) assert.match(id, /^mcpg_client_/);
  });

  const refused = {
    "no redirect_uris": [{ client_name: "x" }, /invalid_redirect_uri|invalid_client_metadata/, /redirect_uris/],
    "empty redirect_uris": [{ redirect_uris: [] }, /invalid_redirect_uri|invalid_client_metadata/, /redirect_uris/],
    "plain http on the web": [{ redirect_uris: ["http://editor.example/cb"] }, /invalid_redirect_uri/, /plain http/],
    "a fragment": [{ redirect_uris: ["https://editor.example/cb#x"] }, /invalid_redirect_uri/],
    "user info": [{ redirect_uris: ["https://user@editor.example/cb"] }, /invalid_redirect_uri/],
    "a script": [{ redirect_uris: ["javascript:alert(1)"] }, /invalid_redirect_uri/],
    "data": [{ redirect_uris: ["data:text/html,x"] }, /invalid_redirect_uri/],
    "a file": [{ redirect_uris: ["file:///etc/passwd"] }, /invalid_redirect_uri/],
    "a private scheme nobody allowed": [{ redirect_uris: ["editor://cb"] }, /invalid_redirect_uri/],
    "a relative one": [{ redirect_uris: ["/cb"] }, /invalid_redirect_uri/],
    "redirect_uris that are no list": [{ redirect_uris: "https://editor.example/cb" }, /invalid_redirect_uri|invalid_client_metadata/],
    "an authentication method we do not have": [{ redirect_uris: ["https://editor.example/cb"], token_endpoint_auth_method: "tls_client_auth" }, /invalid_client_metadata/, /token_endpoint_auth_method/],
    "the implicit grant only": [{ redirect_uris: ["https://editor.example/cb"], grant_types: ["implicit"] }, /invalid_client_metadata/],
    "a list in place of metadata": [[], /invalid_client_metadata/],
  };
  for (const [name, [metadata, error, names]] of Object.entries(refused)) {
    test(`[H5] refused with ${name}`, async () => {
      const answer = await register(Array.isArray(metadata) ? metadata : { token_endpoint_auth_method: "none", ...metadata });
      assertRefused(answer, { status: 400 });
      assert.match(answer.json.error, error);
      if (names) assert.match(answer.text, names);
    });
  }

  test("a body that is no JSON, or enormous, is refused", async () => {
    const text = await gateway.fetch("/oauth/register", { method: "POST", body: "{", headers: { "content-type": "application/json" } });
    assertRefused(text, { status: 400 });
    const large = await register({ redirect_uris: ["https://editor.example/cb"], client_name: "x".repeat(100_000) });
    assert.ok([400, 413].includes(large.status), String(large.status));
  });

  test("of several redirect URIs the unfit ones are left out, and Cursor's own scheme is fit", async () => {
    const { status, json } = await register({
      redirect_uris: ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback", "ftp://nowhere/"],
      token_endpoint_auth_method: "none",
    });
    assert.equal(status, 201);
    assert.deepEqual(json.redirect_uris, ["cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"]);
  });

  test("[H5] patterns of the operator narrow what may be registered", async () => {
    const own = await startGateway({
      config: configuration({ alpha: NOWHERE }, { clients: { redirect_patterns: ["https://*.editor.example/cb"] } }),
    });
    try {
      assert.equal((await register({ redirect_uris: ["https://a.editor.example/cb"], token_endpoint_auth_method: "none" }, own)).status, 201);
      for (const uri of ["https://elsewhere.example/cb", "https://a.editor.example/cb/more", "https://evil.example/.editor.example/cb"]) {
        assertRefused(await register({ redirect_uris: [uri], token_endpoint_auth_method: "none" }, own), { status: 400, error: "invalid_redirect_uri" });
      }
    } finally {
      await own.stop();
    }
  });

  test("[H5] registration can be switched off, and then no metadata speaks of it", async () => {
    const own = await startGateway({ config: configuration({ alpha: NOWHERE }, { clients: { dynamic_registration: false } }) });
    try {
      const answer = await register({ redirect_uris: ["https://editor.example/cb"] }, own);
      assertRefused(answer, { status: answer.status, fix: /operator|document/i });
      assert.ok([403, 404].includes(answer.status));
      assert.equal("registration_endpoint" in (await own.fetch("/.well-known/oauth-authorization-server")).json, false);
    } finally {
      await own.stop();
    }
  });

  test("[H5] registrations are limited per address, with a time to come back", async () => {
    const own = await startGateway({ config: configuration({ alpha: NOWHERE }) });
    try {
      const metadata = { redirect_uris: ["https://editor.example/cb"], token_endpoint_auth_method: "none" };
      let answer;
      for (let count = 0; count < 110; count += 10) {
        [answer] = (await Promise.all(Array.from({ length: 10 }, () => register(metadata, own)))).sort((a, b) => b.status - a.status);
        if (answer.status !== 201) break;
      }
      assertRefused(answer, { status: 429 });
      assert.ok(Number(answer.headers["retry-after"]) > 0);
    } finally {
      await own.stop();
    }
  });

  test("[S4] registered clients, documents and clients set up beforehand are advertised side by side", async () => {
    const { json } = await gateway.fetch("/.well-known/oauth-authorization-server");
    assert.ok(json.registration_endpoint);
    assert.equal(json.client_id_metadata_document_supported, true);
    assert.ok(json.token_endpoint_auth_methods_supported.includes("none"));
  });

  test("a client set up by the operator works with its own id and secret", async () => {
    const own = await startGateway({
      secrets: { PORTAL_SECRET: "portal-secret-of-the-tests" },
      config: configuration({ alpha: NOWHERE }, {
        clients: { preregistered: [{ client_id: "portal", name: "Portal", client_secret: { secret: "PORTAL_SECRET" }, redirect_uris: ["https://portal.example/cb"] }] },
      }),
    });
    try {
      for (const method of ["client_secret_basic", "client_secret_post"]) {
        const portal = new OAuthClient(own, { slug: "alpha", id: "portal", secret: "portal-secret-of-the-tests", method, redirectUri: "https://portal.example/cb" });
        assert.ok((await portal.signIn()).access_token);
      }
      const impostor = new OAuthClient(own, { slug: "alpha", id: "portal", secret: "guess", redirectUri: "https://portal.example/cb" });
      const arrived = await impostor.authorize();
      assertRefused(await impostor.redeem(arrived.params.get("code")), { status: 401, error: "invalid_client" });
    } finally {
      await own.stop();
    }
  });
});
