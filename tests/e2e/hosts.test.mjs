// Which public origin the gateway speaks for: the configured one, an allowed one, loopback in development, and never one a stranger names.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin, startForger } from "./support/idp.mjs";
import { callTool } from "./support/mcp.mjs";
import { OAuthClient, discover } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const PUBLIC = "https://mcp.example.com";
const PRIVATE = "https://gateway.internal.example";

describe("the public origin", () => {
  let gateway, provider, upstream;
  before(async () => {
    [provider, upstream] = await Promise.all([startForger(), startUpstream()]);
    gateway = await startGateway({
      secrets: LOGIN_SECRETS,
      config: configuration({ alpha: upstream.url }, { public_url: PUBLIC, allowed_hosts: ["gateway.internal.example"], login: oidcLogin(provider) }),
    });
  });
  after(() => Promise.all([gateway, provider, upstream].map((one) => one?.stop())));

  test("[Z7] [P13] issuer, metadata, iss and aud carry the public URL, whatever allowed host the request came by", async () => {
    for (const origin of [PUBLIC, PRIVATE]) {
      const seen = gateway.at(origin);
      const refusal = await seen.fetch("/v1/mcp/alpha", { method: "POST", json: {} });
      assert.match(refusal.headers["www-authenticate"], /resource_metadata="https:\/\/mcp\.example\.com\/\.well-known\//, origin);
      const { json } = await seen.fetch("/.well-known/oauth-authorization-server");
      assert.equal(json.issuer, PUBLIC);
      for (const [name, value] of Object.entries(json)) if (name.endsWith("_endpoint")) assert.ok(value.startsWith(`${PUBLIC}/`), name);
    }
  });

  test("[Z7] [P13] a client behind the public URL signs in, with the callback on the public origin, and calls a tool", async () => {
    const seen = gateway.at(PUBLIC);
    const found = await discover(seen.mcpUrl("alpha"));
    assert.equal(found.resource.json.resource, `${PUBLIC}/v1/mcp/alpha`);
    const oauth = new OAuthClient(seen, { slug: "alpha", scope: "mcp:tools" });
    await oauth.register();
    const browser = new Browser(PUBLIC, provider.issuer);
    const arrived = await oauth.authorize({}, { browser });
    assert.equal(arrived.params?.get("iss"), PUBLIC, arrived.text);
    const sent = provider.requests.find(({ path }) => path === "/authorize");
    assert.equal(sent.query.get("redirect_uri"), `${PUBLIC}/login/callback`);
    const { json: tokens } = await oauth.redeem(arrived.params.get("code"));
    const claims = JSON.parse(Buffer.from(tokens.access_token.split(".")[1], "base64url"));
    assert.equal(claims.iss, PUBLIC);
    assert.equal(claims.aud, `${PUBLIC}/v1/mcp/alpha`);
    const answer = await callTool(seen.mcpUrl("alpha"), tokens.access_token);
    assert.equal(answer.status, 200, answer.text);
    const cookie = browser.cookie("__mcp_session");
    assert.ok(cookie.attributes.secure && cookie.attributes.httponly);
  });

  test("[Z7] a host nobody allowed is refused, and never becomes the issuer", async () => {
    for (const headers of [
      { host: "evil.example" },
      { host: "mcp.example.com.evil.example" },
      { host: "mcp.example.com:8443" },
      { host: "evil.example", "x-forwarded-host": "evil.example" },
    ]) {
      for (const path of ["/.well-known/oauth-authorization-server", "/v1/mcp/alpha", "/oauth/authorize"]) {
        const answer = await gateway.fetch(path, { headers });
        assert.ok(answer.status >= 400 && answer.status < 500, `${JSON.stringify(headers)} ${path}: ${answer.status}`);
        assert.equal(answer.json?.issuer, undefined);
        assert.ok(!(answer.headers["www-authenticate"] ?? "").includes("evil"));
      }
    }
  });

  test("[Z7] X-Forwarded-Host is not believed unless that host is allowed", async () => {
    const { json } = await gateway.at(PUBLIC).fetch("/.well-known/oauth-authorization-server", { headers: { "x-forwarded-host": "evil.example" } });
    assert.equal(json.issuer, PUBLIC);
  });

  test("[N2] a public URL that is not the one in use is named, with what to do", async () => {
    const wrong = await gateway.at(PRIVATE).fetch("/status");
    const warning = wrong.json.warnings.find(({ reason }) => reason === "public_url_mismatch");
    assert.ok(warning, wrong.text);
    assert.match(warning.problem, /gateway\.internal\.example/);
    assert.match(warning.problem, /mcp\.example\.com/);
    assert.ok(warning.fix);
    const right = await gateway.at(PUBLIC).fetch("/status", { headers: { "x-forwarded-proto": "https" } });
    assert.deepEqual(right.json.warnings, []);
  });

  test("plain http: a bearer is told, a browser is sent to https, and what came by https is remembered", async () => {
    const seen = gateway.at(PUBLIC);
    for (const headers of [{ "x-forwarded-proto": "http" }, { "cf-visitor": '{"scheme":"http"}' }]) {
      const refused = await seen.fetch("/v1/mcp/alpha", { method: "POST", headers: { ...headers, authorization: "Bearer x" }, json: {} });
      assertRefused(refused, { status: 403, reason: "https_required", fix: /https:\/\/mcp\.example\.com/ });
      const page = await seen.fetch("/connections?a=b", { headers: { ...headers, accept: "text/html,*/*;q=0.8" } });
      assert.equal(page.status, 308);
      assert.equal(page.headers.location, `${PUBLIC}/connections?a=b`);
      for (const { headers } of [refused, page]) assert.equal(headers["strict-transport-security"], undefined);
    }
    const secure = await seen.fetch("/healthz", { headers: { "x-forwarded-proto": "https" } });
    assert.match(secure.headers["strict-transport-security"], /^max-age=\d{7,}$/);
  });

  test("the refusal of a host says which setting is meant", async () => {
    const answer = await gateway.fetch("/v1/mcp/alpha", { method: "POST", headers: { host: "evil.example" }, json: {} });
    assertRefused(answer, { status: answer.status, fix: /allowed_hosts/ });
  });
});

describe("without a public URL", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: "http://localhost:9/mcp" }, { allowed_hosts: ["mcp.example.org"] }) });
  });
  after(() => gateway?.stop());

  const issuerAt = async (headers) => (await gateway.fetch("/.well-known/oauth-authorization-server", { headers })).json.issuer;

  test("[Z7] the effective host decides: X-Forwarded-Host when that host is allowed, else Host", async () => {
    assert.equal(await issuerAt({ host: "mcp.example.org" }), "https://mcp.example.org");
    assert.equal(await issuerAt({ "x-forwarded-host": "mcp.example.org" }), "https://mcp.example.org");
    assert.equal(await issuerAt({ "x-forwarded-host": "evil.example" }), gateway.url);
    assert.equal(await issuerAt({ host: "evil.example" }), undefined);
  });

  test("a page whose name was rebound to this machine reaches nothing, whatever header it writes", async () => {
    for (const forwarded of [undefined, "mcp.example.org", new URL(gateway.url).host]) {
      const headers = { host: "evil.example", origin: "http://evil.example", "x-forwarded-host": forwarded };
      for (const path of ["/.well-known/oauth-authorization-server", "/login", "/"]) {
        assert.equal((await gateway.fetch(path, { headers })).status, 421, `${forwarded} ${path}`);
      }
    }
  });

  test("[S13] development on loopback needs no setting at all", async () => {
    assert.equal(await issuerAt({}), gateway.url);
    assert.equal((await gateway.fetch("/", { headers: { "x-forwarded-proto": "http" } })).headers["strict-transport-security"], undefined);
  });

  test("the development login is not served on a public host", async () => {
    const seen = gateway.at("https://mcp.example.org");
    const oauth = new OAuthClient(seen, { slug: "alpha" });
    await oauth.register();
    const arrived = await oauth.authorize();
    assert.equal(arrived.landed, undefined);
    assert.ok(arrived.status >= 400, arrived.text);
    assert.equal(arrived.button("account"), undefined);
  });
});
