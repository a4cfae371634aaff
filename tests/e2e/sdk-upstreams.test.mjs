// Servers on the authorization servers that SDKs and libraries of the JavaScript world bring along: a person connects each, its tokens are
// renewed, and it is disconnected, with nothing configured but the address.
//
// Not here: Python (python-upstreams.test.mjs), habits one by one (neighbours.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { Browser } from "./support/browser.mjs";
import { clientOf, people } from "./support/connect-driver.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { startSdk1, startSdk1Proxy, startSdk2 } from "./support/sdk-upstreams.mjs";
import { startWorkerUpstream } from "./support/worker-upstream.mjs";

describe("upstreams on JavaScript's SDKs", { timeout: 120_000 }, () => {
  let gateway, provider, silent, upstreams, worker;
  before(async () => {
    provider = await startAuthorizationServer({ rotation: "strict" });
    silent = await startAuthorizationServer({ rotation: "strict" });
    silent.bend("/authorize*", withoutIssuer);
    worker = await startWorkerUpstream();
    upstreams = {
      "sdk-1": await startSdk1({ refreshTokens: true }),
      "sdk-1-example": await startSdk1({ refreshTokens: false }),
      "sdk-1-proxy": await startSdk1Proxy(silent),
      "sdk-1-proxy-iss": await startSdk1Proxy(provider),
      "sdk-2": await startSdk2(provider),
      "workers-oauth-provider": { ...worker, origin: worker.issuer, said: "alice" },
    };
    const servers = Object.entries(upstreams).map(([slug, { url }]) => [slug, { url, auth: { kind: "oauth", connect: "first_call" } }]);
    gateway = await startGateway({ config: configuration(Object.fromEntries(servers), people("alice")) });
  });
  after(() => Promise.all([gateway, provider, silent, ...Object.values(upstreams ?? {})].map((one) => one?.stop())));

  const personAt = ({ origin }) => new Browser(gateway.url, origin, provider.issuer, silent.issuer);

  for (const [slug, name, refreshes = true] of [
    ["sdk-1", "the TypeScript SDK 1.x and its mcpAuthRouter"],
    ["sdk-1-example", "the TypeScript SDK 1.x and its example's provider, without refresh tokens", false],
    ["sdk-1-proxy", "the TypeScript SDK 1.x and its ProxyOAuthServerProvider"],
    ["sdk-2", "the TypeScript SDK 2.x and oidc-provider"],
    ["workers-oauth-provider", "@cloudflare/workers-oauth-provider in a Worker"],
  ]) {
    test(`[X34] ${name}: connected, refreshed and disconnected`, async () => {
      const { expireAccessTokens, said = "a server on an SDK" } = upstreams[slug];
      const alice = await clientOf(gateway, slug, [], { browser: personAt(upstreams[slug]) });
      const call = async () => (await alice.session()).call();
      const connect = async () => assert.match((await alice.browser.walk((await call()).signal.url)).text, /is connected/);

      await connect();
      assert.equal((await call()).said, said);
      await expireAccessTokens();
      const again = await call();
      if (refreshes) {
        assert.equal(again.said, said, again.text);
        await expireAccessTokens();
        assert.equal((await call()).said, said, "and once more, with what it gave");
      } else {
        assert.ok(again.signal, again.text);
        await connect();
        assert.equal((await call()).said, said);
      }

      const page = await alice.browser.walk(`${gateway.url}/connections`);
      const buttons = page.forms.filter(({ fields }) => fields.slug === slug).flatMap((form) => form.buttons);
      await alice.browser.press(page, buttons.find(({ value }) => value === "disconnect"));
      assert.ok((await call()).signal, "and the next call asks for it");
    });
  }

  test("[X34] ProxyOAuthServerProvider in front of a server that sends its own iss is refused: it looks like a mix-up", async () => {
    const alice = await clientOf(gateway, "sdk-1-proxy-iss", [], { browser: personAt(upstreams["sdk-1-proxy-iss"]) });
    const page = await alice.browser.walk((await alice.call()).signal.url);
    assert.match(page.text, /upstream_answer_of_other_issuer/);
    assert.match(page.text, /servers\.sdk-1-proxy-iss\.auth\.issuer/, "and what the operator can do");
  });
});

/** As from a server older than RFC 9207: whoever stands in front of one that sends `iss` makes its answers look like another's. */
async function withoutIssuer({ response, forward }) {
  const answer = await forward();
  const { location } = answer.headers;
  if (!location?.includes("code=")) return answer.deliver(response);
  const back = new URL(location);
  back.searchParams.delete("iss");
  response.writeHead(answer.status, { ...answer.headers, location: back.href }).end(answer.body);
}
