// Browser clients: which origins may call what, and what they may send and read.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { LOGIN_SECRETS, oidcLogin } from "./support/idp.mjs";
import { modernCall, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const INSPECTOR = "http://localhost:6274";
const PORTAL = "https://portal.example.com";
const PUBLIC = "https://mcp.example.com";

const preflight = (gateway, path, origin, { method = "POST", headers = "authorization,content-type,mcp-protocol-version" } = {}) =>
  gateway.fetch(path, { method: "OPTIONS", headers: { origin, "access-control-request-method": method, "access-control-request-headers": headers } });

const list = (header) => (header ?? "").toLowerCase().split(/,\s*/);

describe("[H2] a public gateway", () => {
  let gateway;
  before(async () => {
    const own = await startGateway({
      secrets: LOGIN_SECRETS,
      config: configuration({ alpha: "http://localhost:9/mcp" }, { public_url: PUBLIC, allowed_origins: [PORTAL], login: oidcLogin({ issuer: "https://id.example.com" }) }),
    });
    gateway = own.at(PUBLIC);
    gateway.stop = own.stop;
  });
  after(() => gateway?.stop());

  const touched = ["/v1/mcp/alpha", "/oauth/token", "/oauth/register", "/oauth/revoke"];
  const documents = ["/.well-known/oauth-protected-resource/v1/mcp/alpha", "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

  test("[H2] every endpoint a browser client touches answers the preflight of an allowed origin", async () => {
    for (const path of touched) {
      const { status, headers } = await preflight(gateway, path, PORTAL);
      assert.ok([200, 204].includes(status), path);
      assert.equal(headers["access-control-allow-origin"], PORTAL, path);
      assert.ok(list(headers["access-control-allow-methods"]).includes("post"), path);
      for (const name of ["authorization", "content-type", "mcp-protocol-version"]) assert.ok(list(headers["access-control-allow-headers"]).includes(name), `${path} ${name}`);
    }
  });

  test("[H2] an origin is scheme, host and port: anything else is another one", async () => {
    for (const origin of ["http://portal.example.com", "https://portal.example.com:8443", "https://evil.portal.example.com", "https://portal.example.com.evil.example", "https://evil.example", "null", INSPECTOR]) {
      for (const path of touched) {
        const answer = await preflight(gateway, path, origin);
        assert.notEqual(answer.headers["access-control-allow-origin"], origin, `${path} ${origin}`);
        assert.notEqual(answer.headers["access-control-allow-origin"], "*", `${path} ${origin}`);
      }
      const call = await post(`${PUBLIC}/v1/mcp/alpha`, undefined, { ...modernCall("tools/list"), headers: { origin } });
      assertRefused(call, { status: 403 });
    }
  });

  test("[H2] documents may be read from anywhere, with the header the SDKs send along", async () => {
    for (const path of documents) {
      const { status, headers } = await preflight(gateway, path, "https://anywhere.example", { method: "GET", headers: "mcp-protocol-version" });
      assert.ok([200, 204].includes(status), path);
      assert.equal(headers["access-control-allow-origin"], "*", path);
      assert.ok(list(headers["access-control-allow-headers"]).includes("mcp-protocol-version"), path);
      const answer = await gateway.fetch(path, { headers: { origin: "https://anywhere.example" } });
      assert.equal(answer.headers["access-control-allow-origin"], "*", path);
    }
  });

  test("[H2] pages and operator endpoints are for no other origin, and credentials never are", async () => {
    for (const path of ["/", "/oauth/authorize", "/oauth/consent", "/login", "/admin/config", "/status"]) {
      const { headers } = await preflight(gateway, path, PORTAL);
      assert.equal(headers["access-control-allow-origin"], undefined, path);
    }
    for (const path of [...touched, ...documents]) {
      assert.equal((await preflight(gateway, path, PORTAL)).headers["access-control-allow-credentials"], undefined, path);
    }
  });

  test("[H2] refusals are readable too: the challenge and the request id are exposed", async () => {
    const answer = await post(`${PUBLIC}/v1/mcp/alpha`, undefined, { ...modernCall("tools/list"), headers: { origin: PORTAL } });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers["access-control-allow-origin"], PORTAL);
    for (const name of ["www-authenticate", "mcp-session-id", "mcp-protocol-version", "x-request-id"]) assert.ok(list(answer.headers["access-control-expose-headers"]).includes(name), name);
    assert.match(answer.headers.vary, /origin/i);
  });
});

describe("[S8] development", () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "never" }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  test("[S8] Inspector's origin, and any other on loopback, works without a setting", async () => {
    const { token } = await signedIn(gateway, "alpha");
    for (const origin of [INSPECTOR, "http://127.0.0.1:3000", "http://localhost:5173"]) {
      const headers = "authorization,content-type,accept,mcp-protocol-version,mcp-session-id,mcp-method,mcp-name,mcp-param-region,last-event-id";
      for (const path of ["/v1/mcp/alpha", "/oauth/token", "/oauth/register", "/oauth/revoke"]) {
        const asked = await preflight(gateway, path, origin, { headers });
        assert.equal(asked.headers["access-control-allow-origin"], origin, path);
        for (const name of headers.split(",")) assert.ok(list(asked.headers["access-control-allow-headers"]).includes(name), `${path} ${name}`);
      }
      const call = modernCall("tools/list");
      const answer = await post(gateway.mcpUrl("alpha"), token, { ...call, headers: { ...call.headers, origin } });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers["access-control-allow-origin"], origin);
    }
  });

  test("[H2] other origins are refused in development as well: DNS rebinding", async () => {
    const { token } = await signedIn(gateway, "alpha");
    const received = upstream.requests.length;
    for (const origin of ["http://evil.example", "https://localhost.evil.example", "null", "file://"]) {
      const call = modernCall("tools/list");
      assertRefused(await post(gateway.mcpUrl("alpha"), token, { ...call, headers: { ...call.headers, origin } }), { status: 403 });
    }
    assert.equal(upstream.requests.length, received);
  });
});
