// A server with a host of its own, beside its path: what is at the host, and which tokens are good where.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { OAuthClient, discover } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("a server's own host", () => {
  let gateway, upstream, host;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({
      config: (url) => {
        host = `docs.localhost:${new URL(url).port}`;
        return configuration({ docs: { url: upstream.url, host }, other: upstream.url }, { public_url: url });
      },
    });
  });
  after(() => Promise.all([gateway, upstream].map((one) => one?.stop())));

  const atHost = (path, options) => gateway.fetch(`http://${host}${path}`, options);

  test("[X33] a client that knows only the host is led to the gateway, comes back and calls", async () => {
    const url = `http://${host}/mcp`;
    const found = await discover(url);
    assert.equal(found.challenge.resource_metadata, `http://${host}/.well-known/oauth-protected-resource/mcp`);
    assert.equal(found.resource.json.resource, url);
    assert.deepEqual(found.resource.json.authorization_servers, [gateway.url]);
    assert.deepEqual((await atHost("/.well-known/oauth-protected-resource")).json, found.resource.json);
    const oauth = Object.assign(new OAuthClient(gateway, { slug: "docs" }), { resource: url });
    const { access_token: token } = await oauth.signIn();
    const answer = await callTool(url, token);
    assert.equal(answer.status, 200, answer.text);
    const log = await gateway.logs.find(({ fields }) => fields?.request_id === answer.headers["x-request-id"]);
    assert.equal(log.fields.server, "docs");
  });

  test("[X33] a token of the path is 401 at the host, one of the host 401 at the path, and both forms work side by side", async () => {
    const [path, own] = [gateway.mcpUrl("docs"), `http://${host}/mcp`];
    const tokens = [];
    for (const resource of [path, own]) {
      const oauth = Object.assign(new OAuthClient(gateway, { slug: "docs" }), { resource });
      tokens.push((await oauth.signIn()).access_token);
    }
    for (const [url, good, bad] of [[path, ...tokens], [own, ...tokens.toReversed()]]) {
      assert.equal((await callTool(url, good)).status, 200, url);
      assertRefused(await callTool(url, bad), { status: 401, reason: "token_wrong_audience", slug: "docs" });
    }
  });

  test("[X33] the authorization server is not at the host: 404 that points to where it is", async () => {
    for (const path of ["/.well-known/oauth-authorization-server", "/oauth/token", "/oauth/authorize", "/connections", "/v1/mcp/docs", "/v1/mcp/other"]) {
      assertRefused(await atHost(path, { headers: { "x-forwarded-host": new URL(gateway.url).host } }), { status: 404, reason: "not_at_this_host", fix: new RegExp(gateway.url) });
    }
    assert.equal((await atHost("/healthz")).status, 200);
    const issuer = await gateway.fetch("/.well-known/oauth-authorization-server", { headers: { "x-forwarded-host": host } });
    assert.equal(issuer.json.issuer, gateway.url);
  });

  test("[X33] a browser that opens the host is shown how to add the server", async () => {
    for (const path of ["/", "/mcp"]) {
      const page = await atHost(path, { headers: { accept: "text/html" } });
      assert.equal(page.status, 200, page.text);
      assert.match(page.headers["content-type"], /^text\/html/);
      assert.ok(page.text.includes(`http://${host}/mcp`));
    }
  });
});
