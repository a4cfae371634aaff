// What a client finds from a bare URL: the challenge, the documents it names, and clear answers everywhere else.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { OpenIdProviderDiscoveryMetadataSchema, OAuthMetadataSchema, OAuthProtectedResourceMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { challengeOf, discover } from "./support/oauth-client.mjs";
import { legacyCall, modernCall, post } from "./support/mcp.mjs";

const NOWHERE = "http://localhost:9/mcp";

describe("discovery", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: NOWHERE, beta: { url: NOWHERE, path: "/beta/mcp" } }) });
  });
  after(() => gateway?.stop());

  const places = (slug) => (slug === "beta" ? "/beta/mcp" : `/v1/mcp/${slug}`);

  for (const slug of ["alpha", "beta"]) {
    test(`[Z1] ${slug} without a token: 401 with a challenge that names metadata and scope, and no error`, async () => {
      for (const call of [legacyCall("tools/list"), modernCall("tools/list"), { body: "not json" }, {}]) {
        const answer = await post(`${gateway.url}${places(slug)}`, undefined, call);
        assert.equal(answer.status, 401, answer.text);
        assert.deepEqual(challengeOf(answer), {
          resource_metadata: `${gateway.url}/.well-known/oauth-protected-resource${places(slug)}`,
          scope: "mcp:tools",
        });
        assertRefused(answer, { status: 401, slug });
      }
    });

    test(`[S6] [H4] the challenge of ${slug}, its resource metadata and the authorization server's metadata agree`, async () => {
      const { challenge, resource, issuer, server } = await discover(`${gateway.url}${places(slug)}`);
      assert.equal(resource.status, 200);
      assert.equal(resource.json.resource, `${gateway.url}${places(slug)}`);
      assert.deepEqual(resource.json.authorization_servers, [gateway.url]);
      assert.ok(resource.json.scopes_supported.includes(challenge.scope));
      assert.equal(server.status, 200);
      assert.equal(server.json.issuer, issuer);
      assert.ok(server.json.scopes_supported.includes(challenge.scope));
    });
  }

  test("[H4] [S1] the authorization server's metadata has every field clients depend on, and no null", async () => {
    const { headers, json } = await gateway.fetch("/.well-known/oauth-authorization-server");
    assert.match(headers["content-type"], /^application\/json/);
    assert.equal(json.issuer, gateway.url);
    assert.equal(json.authorization_endpoint, `${gateway.url}/oauth/authorize`);
    assert.equal(json.token_endpoint, `${gateway.url}/oauth/token`);
    assert.equal(json.registration_endpoint, `${gateway.url}/oauth/register`);
    assert.equal(json.revocation_endpoint, `${gateway.url}/oauth/revoke`);
    assert.deepEqual(json.response_types_supported, ["code"]);
    assert.deepEqual(json.grant_types_supported, ["authorization_code", "refresh_token"]);
    assert.deepEqual(json.code_challenge_methods_supported, ["S256"]);
    assert.deepEqual([...json.token_endpoint_auth_methods_supported].sort(), ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"]);
    assert.ok(json.scopes_supported.includes("offline_access"));
    assert.equal(json.client_id_metadata_document_supported, true);
    assert.equal(json.authorization_response_iss_parameter_supported, true);
    assert.ok(Object.values(json).every((value) => value !== null));
    OAuthMetadataSchema.parse(json);
  });

  test("[S1] lifetimes are advertised", async () => {
    const { text } = await gateway.fetch("/.well-known/oauth-authorization-server");
    assert.match(text, /:3600\b/);
    assert.match(text, /:2592000\b/);
  });

  test("[H4] the OpenID document satisfies the official SDK and says the same", async () => {
    const openid = (await gateway.fetch("/.well-known/openid-configuration")).json;
    const oauth = (await gateway.fetch("/.well-known/oauth-authorization-server")).json;
    OpenIdProviderDiscoveryMetadataSchema.parse(openid);
    for (const [name, value] of Object.entries(oauth)) assert.deepEqual(openid[name], value, name);
    const keys = await gateway.fetch(openid.jwks_uri);
    assert.equal(keys.status, 200);
    assert.ok(Array.isArray(keys.json.keys));
  });

  test("[P12] documents answer wherever a client looks first", async () => {
    for (const path of [
      "/.well-known/oauth-protected-resource",
      "/.well-known/oauth-protected-resource/v1/mcp/alpha",
      "/.well-known/oauth-protected-resource/beta/mcp",
      "/beta/mcp/.well-known/oauth-protected-resource",
    ]) {
      const answer = await gateway.fetch(path);
      assert.equal(answer.status, 200, path);
      OAuthProtectedResourceMetadataSchema.parse(answer.json);
    }
    for (const document of ["oauth-authorization-server", "openid-configuration"]) {
      for (const path of [`/.well-known/${document}`, `/.well-known/${document}/v1/mcp/alpha`, `/beta/mcp/.well-known/${document}`]) {
        const answer = await gateway.fetch(path);
        assert.equal(answer.status, 200, path);
        assert.equal(answer.json.issuer, gateway.url, path);
      }
    }
  });

  test("[P12] everything else is a clear 404", async () => {
    for (const path of ["/nothing", "/oauth", "/.well-known/elsewhere", "/.well-known/oauth-protected-resource/v1/mcp/gamma", "/v1", "/authorize"]) {
      assertRefused(await gateway.fetch(path), { status: 404 });
    }
  });

  test("[P3] a server has the path the operator gave it; an unknown one says there is no such server", async () => {
    const known = await post(`${gateway.url}/beta/mcp`, undefined, legacyCall("tools/list"));
    assert.equal(known.status, 401);
    for (const path of ["/v1/mcp/gamma", "/gamma/mcp", "/v1/mcp/Alpha"]) {
      const answer = await post(`${gateway.url}${path}`, undefined, legacyCall("tools/list"));
      assertRefused(answer, { status: 404, says: /no such server/i });
    }
  });

  test("[Z9] GET on an MCP route: 405, Allow names POST, and a word about Streamable HTTP", async () => {
    const answer = await gateway.fetch("/v1/mcp/alpha", { headers: { accept: "text/event-stream" } });
    assertRefused(answer, { status: 405, slug: "alpha" });
    assert.match(answer.headers.allow, /\bPOST\b/);
    assert.match(answer.text, /Streamable HTTP/);
  });

  test("[Z9] the resource metadata is a health check: no token, no storage of its own", async () => {
    const answer = await gateway.fetch("/.well-known/oauth-protected-resource/v1/mcp/alpha", { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "");
  });

  test("[Z14] a server added to the configuration needs nothing else to be found and authorized", async () => {
    const own = await startGateway({ config: configuration({ alpha: NOWHERE }) });
    try {
      await own.configure(configuration({ alpha: NOWHERE, gamma: NOWHERE }));
      const { resource, issuer } = await discover(own.mcpUrl("gamma"));
      assert.equal(resource.json.resource, own.mcpUrl("gamma"));
      assert.equal(issuer, own.url);
    } finally {
      await own.stop();
    }
  });

  test("[P7] the one callback of upstream sign-ins exists, and says so when nothing is under way", async () => {
    const answer = await gateway.fetch("/oauth/upstream-callback?code=x&state=y");
    assert.equal(answer.status, 400);
    assert.match(answer.headers["content-type"], /^text\/html/);
  });

  test("[H12] every malformed credential gets a well-formed challenge", async () => {
    const cases = [
      [{ authorization: "Bearer" }, [400, 401]],
      [{ authorization: "Bearer not-a-token" }, [401], "invalid_token"],
      [{ authorization: "Bearer a b" }, [400], "invalid_request"],
      [{ authorization: 'Bearer "quoted"' }, [400, 401]],
      [{ authorization: "Basic YTpi" }, [401]],
      [["Authorization", "Bearer one", "Authorization", "Bearer two"], [400, 401]],
    ];
    for (const [headers, statuses, error] of cases) {
      const answer = await gateway.fetch("/v1/mcp/alpha", { method: "POST", headers, json: {} });
      assert.ok(statuses.includes(answer.status), `${JSON.stringify(headers)}: ${answer.status} ${answer.text}`);
      const header = answer.headers["www-authenticate"];
      assert.match(header, /^Bearer (\w+="[\x20\x21\x23-\x5B\x5D-\x7E]*"(, )?)+$/, JSON.stringify(headers));
      const challenge = challengeOf(answer);
      assert.ok(challenge.resource_metadata.endsWith("/v1/mcp/alpha"));
      if (error) assert.equal(challenge.error, error);
      if (answer.status === 400) assert.equal(challenge.error, "invalid_request");
    }
  });

  test("[H12] a token in the query is not accepted", async () => {
    const answer = await gateway.fetch("/v1/mcp/alpha?access_token=x", { method: "POST", json: {} });
    assert.equal(answer.status, 400);
    assert.equal(challengeOf(answer).error, "invalid_request");
  });

  test("[P16] every answer has a request id, and no two the same", async () => {
    const answers = await Promise.all(["/", "/healthz", "/nothing", "/v1/mcp/alpha", "/.well-known/openid-configuration"].map((path) => gateway.fetch(path)));
    const ids = answers.map((answer) => answer.headers["x-request-id"]);
    assert.ok(ids.every(Boolean), String(ids));
    assert.equal(new Set(ids).size, ids.length);
  });
});
