// The authorization endpoint: what is proven before anybody is sent anywhere, and which errors travel back to the client.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { assertErrorRedirect, assertRefusedOnPage } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { OAuthClient, pkce } from "./support/oauth-client.mjs";

const NOWHERE = "http://localhost:9/mcp";
const WEB = "https://client.example/callback";

describe("the authorization endpoint", () => {
  let gateway, oauth, web;
  before(async () => {
    gateway = await startGateway({ config: configuration({ alpha: NOWHERE, beta: { url: NOWHERE, path: "/beta/mcp" } }) });
    oauth = new OAuthClient(gateway, { slug: "alpha" });
    await oauth.register();
    web = new OAuthClient(gateway, { slug: "alpha", redirectUri: WEB });
    await web.register();
  });
  after(() => gateway?.stop());

  /** Opens the URL in a fresh browser and answers nothing that is asked. */
  const look = (url) => new Browser(gateway.url).open(url);

  test("[H4] success brings exactly one code, one state as sent, and one iss", async () => {
    const state = "opaque /?&=+% ü";
    const arrived = await oauth.authorize({ state });
    assert.ok(arrived.landed, arrived.text);
    assert.deepEqual(arrived.params.getAll("state"), [state]);
    assert.deepEqual(arrived.params.getAll("iss"), [gateway.url]);
    assert.equal(arrived.params.getAll("code").length, 1);
    assert.equal(arrived.params.has("error"), false);
  });

  describe("before client and redirect URI are proven nobody is redirected", () => {
    test("[S3] an unknown client_id: invalid_client, and what to clear", async () => {
      for (const id of ["mcpg_client_AAAAAAAAAAAAAAAAAAAAAA", "another-gateways-client", "mcpg_client_"]) {
        const page = await look(oauth.authorizationUrl({ client_id: id }));
        assertRefusedOnPage(page, { status: page.status, says: [/clear/i, /register/i] });
        assert.ok([400, 401].includes(page.status));
      }
    });

    test("[H3] an unregistered redirect URI: the page shows the requested and the registered one", async () => {
      for (const requested of [
        "https://evil.example/callback",
        "https://client.example/callback/",
        "https://client.example/Callback",
        "https://client.example/callback?more=1",
        "https://client.example:8443/callback",
        "https://client.example/callback/../evil",
        "https://client.example@evil.example/callback",
        "http://client.example/callback",
        "https://CLIENT.example.evil.example/callback",
      ]) {
        const page = await look(web.authorizationUrl({ redirect_uri: requested }));
        assertRefusedOnPage(page, { says: [/registered/i] });
        assert.ok(page.text.includes(requested), `${requested} is not shown: ${page.text}`);
        assert.ok(page.text.includes(WEB), page.text);
      }
    });

    test("[H3] on loopback the port is free, and nothing else", async () => {
      const accepted = await oauth.authorize({ redirect_uri: "http://127.0.0.1:50123/callback" });
      assert.equal(accepted.landed?.port, "50123", accepted.text);
      for (const requested of ["http://localhost:33418/callback", "http://[::1]:33418/callback", "http://127.0.0.1:33418/callback/", "http://127.0.0.1:33418/", "https://127.0.0.1:33418/callback", "http://127.0.0.2:33418/callback"]) {
        assertRefusedOnPage(await look(oauth.authorizationUrl({ redirect_uri: requested })), { says: [/registered/i] });
      }
    });

    test("[S7] a redirect URI of an old registration says what to clear", async () => {
      const page = await look(web.authorizationUrl({ redirect_uri: "https://old.client.example/callback" }));
      assertRefusedOnPage(page, { says: [/clear|remove|register/i] });
    });

    test("client_id or redirect_uri twice, or missing: a page", async () => {
      for (const overrides of [
        { client_id: undefined },
        { client_id: [oauth.id, oauth.id] },
        { client_id: [oauth.id, web.id] },
        { redirect_uri: [oauth.redirectUri, "https://evil.example/"] },
        { redirect_uri: "javascript:alert(1)" },
        { redirect_uri: "/relative" },
      ]) {
        assertRefusedOnPage(await look(oauth.authorizationUrl(overrides)), { status: 400 });
      }
    });

    test("the only registered redirect URI may be left out, or be empty, which is the same", async () => {
      for (const redirect_uri of [undefined, ""]) {
        const arrived = await web.authorize({ redirect_uri });
        assert.ok(arrived.landed?.href.startsWith(WEB), arrived.text);
      }
    });

    test("a bad request of a web client is not sent on for a stranger: the gateway is no open redirector", async () => {
      for (const overrides of [{ response_type: "token" }, { code_challenge: undefined }, { resource: "https://evil.example/mcp" }, { scope: "admin" }]) {
        const page = await look(web.authorizationUrl(overrides));
        assertRefusedOnPage(page);
      }
    });
  });

  describe("other errors go back to the client with state and iss", () => {
    const { challenge } = pkce();
    const cases = {
      "response_type token": [{ response_type: "token" }, "unsupported_response_type"],
      "no response_type": [{ response_type: undefined }, "invalid_request"],
      "no code_challenge": [{ code_challenge: undefined }, "invalid_request"],
      "plain PKCE": [{ code_challenge_method: "plain" }, "invalid_request"],
      "no code_challenge_method, which means plain": [{ code_challenge_method: undefined }, "invalid_request"],
      "a code_challenge that is no S256 digest": [{ code_challenge: "short" }, "invalid_request"],
      "code_challenge twice": [{ code_challenge: [challenge, challenge] }, "invalid_request"],
      "scope twice": [{ scope: ["mcp:tools", "mcp:tools"] }, "invalid_request"],
      "only unknown scopes": [{ scope: "admin everything" }, "invalid_scope"],
      "request objects": [{ request: "eyJhbGciOiJub25lIn0.e30." }, "request_not_supported|invalid_request"],
      "form_post": [{ response_mode: "form_post" }, "invalid_request"],
    };
    for (const [name, [overrides, errors]] of Object.entries(cases)) {
      test(name, async () => {
        const arrived = await look(oauth.authorizationUrl(overrides));
        const error = arrived.params?.get("error");
        assert.match(error ?? `page: ${arrived.text}`, new RegExp(`^(${errors})$`));
        assertErrorRedirect(arrived, { redirectUri: oauth.redirectUri, error, state: oauth.last.state, iss: gateway.url });
      });
    }

    const targets = {
      "another origin": "https://evil.example/v1/mcp/alpha",
      "no server of ours": (url) => `${url}/v1/mcp/gamma`,
      "a relative reference": "/v1/mcp/alpha",
      "a fragment": (url) => `${url}/v1/mcp/alpha#x`,
      "the path in another case": (url) => `${url}/V1/mcp/alpha`,
      "two servers": (url) => [`${url}/v1/mcp/alpha`, `${url}/beta/mcp`],
      "none, with several to choose from": () => undefined,
    };
    for (const [name, target] of Object.entries(targets)) {
      test(`[H8] resource: ${name} is invalid_target`, async () => {
        const resource = typeof target === "function" ? target(gateway.url) : target;
        const arrived = await look(oauth.authorizationUrl({ resource }));
        assertErrorRedirect(arrived, { redirectUri: oauth.redirectUri, error: "invalid_target", state: oauth.last.state, iss: gateway.url });
      });
    }

    test("[S7] the resource of an old address says to remove the server in the client and add it again", async () => {
      const arrived = await look(oauth.authorizationUrl({ resource: "https://old.example.com/v1/mcp/alpha" }));
      assert.equal(arrived.params.get("error"), "invalid_target");
      assert.match(arrived.params.get("error_description"), /remove/i);
      assert.match(arrived.params.get("error_description"), /add/i);
    });
  });

  test("[H8] the resource becomes the audience, in its one canonical form", async () => {
    for (const written of [gateway.mcpUrl("alpha"), `${gateway.mcpUrl("alpha")}/`, gateway.mcpUrl("alpha").replace("http://localhost", "HTTP://LOCALHOST")]) {
      const arrived = await oauth.authorize({ resource: written });
      assert.ok(arrived.params?.get("code"), `${written}: ${arrived.landed ?? arrived.text}`);
      const { json } = await oauth.redeem(arrived.params.get("code"), { resource: written });
      const claims = JSON.parse(Buffer.from(json.access_token.split(".")[1], "base64url"));
      assert.equal(claims.aud, gateway.mcpUrl("alpha"));
    }
  });

  test("a client that knows nothing of resource gets the only server there is", async () => {
    const own = await startGateway({ config: configuration({ alpha: NOWHERE }) });
    try {
      const old = new OAuthClient(own, { slug: "alpha" });
      await old.register();
      const arrived = await old.authorize({ resource: undefined });
      const { json } = await old.redeem(arrived.params.get("code"), { resource: undefined });
      assert.equal(JSON.parse(Buffer.from(json.access_token.split(".")[1], "base64url")).aud, own.mcpUrl("alpha"));
    } finally {
      await own.stop();
    }
  });

  test("[S1] unknown scopes beside a known one are dropped; without a scope there is mcp:tools and no refresh token", async () => {
    for (const [scope, granted] of [["mcp:tools admin", "mcp:tools"], [undefined, "mcp:tools"]]) {
      const arrived = await oauth.authorize({ scope });
      const { json } = await oauth.redeem(arrived.params.get("code"));
      assert.equal(json.scope, granted);
      assert.equal(json.refresh_token, undefined);
    }
  });

  test("an enormous request is refused, not processed", async () => {
    const page = await look(oauth.authorizationUrl({ state: "s".repeat(9000) }));
    assert.equal(page.landed, undefined);
    assert.ok(page.status >= 400 && page.status < 500, String(page.status));
  });

  test("[P16] a refusal shown to a person names reason and request id", async () => {
    assertRefusedOnPage(await look(web.authorizationUrl({ redirect_uri: "https://evil.example/" })), { reason: "redirect_uri" });
  });
});
