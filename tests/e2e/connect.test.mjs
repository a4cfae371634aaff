// Connecting a person's own account at an upstream: in one trip with the client's authorization, or when the first call asks for it.
//
// Not here: what keeps a connection alive (refresh.test.mjs), who must not get one (connect-attacks.test.mjs), what people do with theirs
// (connections.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { clientOf, connect, people, personAt } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { startWorkerUpstream } from "./support/worker-upstream.mjs";

const PEOPLE = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];

/** The two kinds of upstream, each with the server that issues its tokens. */
const VARIANTS = {
  "oidc-provider": async () => {
    const server = await startAuthorizationServer();
    return { server, upstream: await startConnectedUpstream({ servers: [server], scopes: ["read"] }) };
  },
  "oidc-provider that rotates strictly": async () => {
    const server = await startAuthorizationServer({ rotation: "strict" });
    return { server, upstream: await startConnectedUpstream({ servers: [server], scopes: ["read"], metadata: "unhinted" }) };
  },
  "workers-oauth-provider": async () => {
    const upstream = await startWorkerUpstream();
    return { server: upstream, upstream };
  },
};

for (const [name, startVariant] of Object.entries(VARIANTS)) {
  describe(`an upstream on ${name}`, () => {
    let gateway, server, upstream, storage;
    before(async () => {
      ({ server, upstream } = await startVariant());
      storage = mkdtempSync(path.join(tmpdir(), "connect-"));
      gateway = await startGateway({ storage, config: configuration({ notes: { name: "Notes", url: upstream.url, auth: { kind: "oauth" } } }, people(...PEOPLE)) });
    });
    after(async () => {
      await Promise.all([gateway?.stop(), upstream?.stop(), server !== upstream && server?.stop()]);
      if (storage) rmSync(storage, { recursive: true, force: true });
    });
    afterEach(() => {
      server.settings.account = "alice";
      server.straighten();
      upstream.straighten();
    });

    test("[Z3] one trip signs in, allows the client, connects the account and comes back with a code", async () => {
      server.settings.account = "alice@notes";
      const before = server.authorizations().length;
      const alice = await clientOf(gateway, "notes", [server]);
      assert.equal(server.authorizations().length, before + 1);
      const answer = await alice.call();
      assert.equal(answer.said, "alice@notes", answer.text);
      assert.equal(server.authorizations().length, before + 1, "nobody is asked again");

      server.settings.account = "alice-elsewhere";
      const again = await clientOf(gateway, "notes", [server], { browser: alice.browser });
      assert.equal((await again.call()).said, "alice@notes", "another client of hers uses the same connection");
      assert.equal(server.authorizations().length, before + 1);
    });

    test("[Z3] what is kept is sealed: no token of the upstream, and no token of ours, can be read from storage", async () => {
      const alice = await clientOf(gateway, "notes", [server]);
      assert.equal((await alice.call()).status, 200);
      const secrets = [alice.tokens.refresh_token, ...upstream.tokensSeen(), ...issuedBy(server)].filter(Boolean);
      assert.ok(secrets.length >= 3, "there are tokens to look for");
      for (const file of filesIn(storage)) {
        const bytes = readFileSync(file);
        for (const secret of secrets) assert.equal(bytes.includes(secret), false, `a token is readable in ${path.basename(file)}`);
      }
    });

    test("[Z3] the client's own token goes no further, and each person calls as themselves", async () => {
      server.settings.account = "carol@notes";
      const carol = await clientOf(gateway, "notes", [server], { as: "carol" });
      server.settings.account = "bob@notes";
      const bob = await clientOf(gateway, "notes", [server], { as: "bob" });
      assert.equal((await carol.call()).said, "carol@notes");
      assert.equal((await bob.call()).said, "bob@notes");
      for (const token of upstream.tokensSeen()) assert.equal([carol.token, bob.token].includes(token), false, "a gateway token at the upstream");
    });

    test("[Z3] connecting is skipped, asked for by the first call, and then the same session works", async () => {
      server.settings.account = "dave@notes";
      const dave = await clientOf(gateway, "notes", [server], { as: "dave", connect: "skip" });
      const session = await dave.session();
      const asked = await session.call();
      assert.equal(asked.status, 200, asked.text);
      assert.equal(asked.signal?.shape, "error", asked.text);
      assert.equal(asked.signal.state, "authenticating");
      assert.equal(asked.signal.requestId, asked.headers["x-request-id"]);
      assert.match(asked.signal.reason, /^[a-z_]+$/);
      const [elicitation] = asked.signal.elicitations;
      assert.equal(elicitation.mode, "url");
      assert.equal(elicitation.url, asked.signal.url);
      assert.ok(elicitation.elicitationId && elicitation.message);
      assert.ok(asked.signal.url.startsWith(`${gateway.url}/connect/`), asked.signal.url);
      await connect(dave.browser, asked.signal.url);
      assert.equal((await session.call()).said, "dave@notes");
    });

    test("[X2] a modern client is asked by input_required, and its retry with the state goes through", async () => {
      server.settings.account = "erin@notes";
      const erin = await clientOf(gateway, "notes", [server], { as: "erin", connect: "skip" });
      const asked = await erin.call();
      assert.equal(asked.signal?.shape, "input_required", asked.text);
      await connect(erin.browser, asked.signal.url);
      const { requestState, key } = asked.signal;
      const answer = await erin.call("who_am_i", { requestState, inputResponses: { [key]: { action: "accept" } } });
      assert.equal(answer.said, "erin@notes", answer.text);
      assert.equal((await erin.call()).said, "erin@notes");
    });

    test("[X2] a client that cannot show links is told in a tool result", async () => {
      server.settings.account = "frank@notes";
      const frank = await clientOf(gateway, "notes", [server], { as: "frank", connect: "skip" });
      const plain = await frank.call("who_am_i", { capabilities: {} });
      assert.equal(plain.signal?.shape, "text", plain.text);
      const session = await frank.session({});
      const asked = await session.call();
      assert.equal(asked.signal?.shape, "text", asked.text);
      await connect(frank.browser, asked.signal.url);
      assert.equal((await session.call()).said, "frank@notes");
    });

    test("where the gateway registers itself, the issuer sends people back to an address of its own", async () => {
      const uris = new Set(server.authorizations().map(({ query }) => query.get("redirect_uri")));
      const [own] = uris;
      assert.ok(uris.size === 1 && own.startsWith(`${gateway.url}/oauth/upstream-callback/`), [...uris].join(" "));
      const registered = server.registrations().map(({ json }) => json.redirect_uris);
      assert.deepEqual(registered, [[own]], "registered once, for everybody");
      for (const { query } of server.authorizations()) {
        assert.equal(query.get("resource"), upstream.url);
        assert.equal(query.get("code_challenge_method"), "S256");
        assert.equal(query.get("scope")?.split(" ").includes("read"), true, query.get("scope"));
      }
    });

    test("[S14] a person who says no upstream is told so, with reason and request id, and may be asked again", async () => {
      const grace = await clientOf(gateway, "notes", [server], { as: "grace", connect: "skip" });
      server.bend("/authorize", async ({ exchange, response }) => {
        const back = new URL(exchange.query.get("redirect_uri"));
        back.search = new URLSearchParams({ error: "access_denied", error_description: "<b>no</b>", state: exchange.query.get("state"), iss: server.issuer });
        response.writeHead(302, { location: String(back) }).end();
      });
      const refused = await grace.browser.walk((await grace.call()).signal.url);
      assert.equal(refused.landed, undefined);
      assert.equal(refused.status, 200, refused.text);
      for (const shown of ["Connect again", "upstream_access_denied", refused.headers["x-request-id"]]) assert.ok(refused.text.includes(shown), refused.text);
      assert.equal(refused.html.includes("<b>no</b>"), false, "nothing an upstream says is markup here");
      server.straighten();
      assert.equal((await grace.call()).signal?.shape, "input_required");
    });

    test("[Z11] who opens the link without a session signs in first, and then connects", async () => {
      server.settings.account = "heidi@notes";
      const heidi = await clientOf(gateway, "notes", [server], { as: "heidi", connect: "skip" });
      const { signal } = await heidi.call();
      const elsewhere = personAt(gateway, server);
      await connect(elsewhere, signal.url, { as: "heidi" });
      assert.ok(elsewhere.cookie("__mcp_session"), "signed in on the way");
      assert.equal((await heidi.call()).said, "heidi@notes");
    });
  });
}

/** Every token an authorization server ever handed out. */
const issuedBy = (server) =>
  server.front.exchanges.filter(({ path: at, status }) => at === "/token" && status === 200).flatMap(({ answer }) => [answer.access_token, answer.refresh_token]);

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, String(name)))
    .filter((file) => statSync(file).isFile());
