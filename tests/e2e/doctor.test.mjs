// scripts/doctor against a running gateway: nothing is found on it as it is, and of every fault in front of it exactly that one.
//
// Not here: names and certificates (doctor-address.test.mjs), other people's servers (doctor-neighbours.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { startBendingProxy } from "./support/bending-proxy.mjs";
import { Browser } from "./support/browser.mjs";
import { ROOT, start } from "./support/child.mjs";
import { examine, found, visitor } from "./support/doctor.mjs";
import { faults } from "./support/doctor-faults.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("doctor", () => {
  let gateway, upstream, proxy;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url, beta: upstream.url }) });
    proxy = await inFront();
  });
  after(() => Promise.all([gateway, upstream, proxy].map((one) => one?.stop())));

  /** A proxy of one's own in front of the gateway; `changed` are headers that it sends on otherwise, or not where they are undefined. */
  async function inFront(changed = {}) {
    const rewrite = (headers) => Object.fromEntries(Object.entries({ ...headers, ...changed }).filter(([, value]) => value !== undefined));
    const started = await startBendingProxy({ rewrite });
    started.passTo(new URL(gateway.url).port);
    return started;
  }

  test("[X12] a gateway in order: the whole way is gone, and nothing is found", async () => {
    const seen = await examine(`${proxy.origin}/v1/mcp/alpha`, { signIn: visitor(proxy.origin) });
    assert.deepEqual(found(seen), []);
    assert.deepEqual(
      seen.steps.filter(({ skipped }) => skipped),
      [],
    );
    assert.match(seen.steps.find(({ name }) => name === "call").said, /2025-11-25 and 2026-07-28/);
    const used = proxy.exchanges.filter(({ path: asked, status }) => asked === "/oauth/revoke" && status === 200);
    assert.equal(used.length, 1, "what was issued was revoked");
  });

  for (const profile of ["claude", "claude-code", "chatgpt", "vscode", "cursor", "inspector"]) {
    test(`[X12] as ${profile}: nothing is found, and its own registration is sent`, async () => {
      const seen = await examine(gateway.mcpUrl("alpha"), { profile, documents: false });
      assert.deepEqual(found(seen), []);
      assert.match(seen.steps.find(({ name }) => name === "authorization").said, /sign-in/);
    });
  }

  describe("faults in front of it", { concurrency: 4 }, () => {
    for (const { finding, fault, bend, rewrite, path: asked = "/v1/mcp/alpha", signIn: whole, options } of faults) {
      test(`[X12] [S10] ${fault}: ${finding}`, async (t) => {
        const own = await inFront(rewrite?.(gateway));
        t.after(own.stop);
        bend?.(own);
        const seen = await examine(`${own.origin}${asked}`, { ...(whole && { signIn: visitor(own.origin) }), ...options });
        assert.deepEqual(found(seen), [finding], JSON.stringify(seen.findings, null, 1));
        const [{ at, expected, seen: what }] = seen.findings;
        assert.ok(at && expected && what, "it says where, what was expected and what was seen");
      });
    }
  });

  test("[X12] a given token is called with; one that ended is refused as such", async () => {
    const { token } = await signedIn(gateway, "alpha");
    const good = await examine(gateway.mcpUrl("alpha"), { token, register: false });
    assert.deepEqual(found(good), []);
    assert.match(good.steps.find(({ name }) => name === "call").said, /tools/);
    const bad = await examine(gateway.mcpUrl("alpha"), { token: `${token}x`, register: false });
    assert.deepEqual(found(bad), ["token_refused"]);
  });

  test("[X12] the gateway's own address: the way to its only server, or the names of several", async (t) => {
    const several = await examine(gateway.url);
    assert.deepEqual(found(several), ["nothing_there"]);
    for (const slug of ["alpha", "beta"]) assert.ok(several.findings[0].seen.includes(gateway.mcpUrl(slug)), several.findings[0].seen);
    const single = await startGateway({ config: configuration({ alpha: upstream.url }) });
    t.after(() => single.stop());
    const seen = await examine(single.url);
    assert.deepEqual(found(seen), []);
    assert.equal(seen.url, single.mcpUrl("alpha"));
  });

  test("[X12] what does not break the client that is played is a note", async () => {
    const straighten = proxy.bend(
      ({ headers }) => headers.origin,
      async ({ response }) => response.writeHead(403).end(),
    );
    const seen = await examine(`${proxy.origin}/v1/mcp/alpha`, { profile: "cursor" });
    straighten();
    assert.deepEqual(found(seen), []);
  });

  describe("the script", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "doctor-"));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const doctor = (args, env = {}) => start(path.join(ROOT, "scripts/doctor"), args, { env: { ...process.env, BROWSER: "true", ...env } });

    test("[X12] --browser goes all the way, --support writes it down, and no secret is in either", async () => {
      const file = path.join(folder, "bundle.json");
      const script = doctor([`${proxy.origin}/v1/mcp/alpha`, "--browser", "--support", file]);
      const begun = proxy.exchanges.length;
      const [, url] = await script.says(/^Sign in and approve here:\n(\S+)$/m);
      const { landed } = await new Browser(proxy.origin).walk(url);
      await request(landed);
      assert.equal((await script.ended).code, 0, script.said.both);
      assert.match(script.said.stdout, /^ {2}ok {7}refresh/m);
      assert.match(script.said.stdout, /^Nothing is wrong/m);

      const answers = proxy.exchanges.slice(begun).filter(({ path: asked, answer }) => asked === "/oauth/token" && answer);
      assert.equal(answers.length, 2);
      const secrets = [
        landed.searchParams.get("code"),
        landed.searchParams.get("state"),
        ...answers.flatMap(({ answer, form }) => [answer.access_token, answer.refresh_token, form.code_verifier]),
      ].filter(Boolean);
      assert.ok(secrets.length >= 7);
      const cookies = proxy.exchanges
        .slice(begun)
        .flatMap(({ headers }) => (headers.cookie ?? "").split("; "))
        .filter(Boolean)
        .map((pair) => pair.split("=")[1]);
      const states = proxy.exchanges.slice(begun).map(({ query }) => query.get("state"));
      assert.ok(states.filter(Boolean).length > 1, "the gateway's own sign-in has one as well");
      const text = readFileSync(file, "utf8");
      for (const secret of [...secrets, ...cookies, ...states.filter(Boolean)]) {
        assert.ok(!text.includes(secret), `in the bundle: ${secret}`);
        assert.ok(!script.said.stdout.includes(secret), `printed: ${secret}`);
      }
      const bundle = JSON.parse(text);
      assert.ok(bundle.exchanges.length > 20);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });

    test("[X12] --json is for programs, and the exit code says what came of it", async () => {
      const straighten = proxy.bend("/.well-known/*", async ({ response }) => response.writeHead(404).end());
      const script = doctor([`${proxy.origin}/v1/mcp/alpha`, "--json"]);
      const { code } = await script.ended;
      straighten();
      assert.equal(code, 1, script.said.both);
      const { v, findings } = JSON.parse(script.said.stdout);
      assert.equal(v, 1);
      assert.deepEqual(Object.keys(findings[0]), [
        "id",
        "step",
        "weight",
        "says",
        "at",
        "expected",
        "seen",
        "rule",
        "source",
        "who",
        "fix",
        "breaks",
      ]);
      assert.deepEqual(
        findings.map(({ id, who, source }) => [id, who, source]),
        [["resource_metadata_missing", "server", "RFC 9728 §3"]],
      );
    });

    test("[X12] a token in the environment is used and never printed", async () => {
      const { token } = await signedIn(gateway, "alpha");
      const script = doctor([gateway.mcpUrl("alpha"), "--no-register"], { DOCTOR_TOKEN: token });
      assert.equal((await script.ended).code, 0, script.said.both);
      assert.match(script.said.stdout, /^ {2}ok {7}call +speaks 2025-11-25/m);
      assert.ok(!script.said.both.includes(token));
    });

    test("[X12] it could not run: exit code 2", async () => {
      for (const args of [["mcp.example.com"], ["ftp://mcp.example.com"], ["http://localhost/mcp", "--profile", "netscape"]]) {
        const script = doctor(args);
        assert.equal((await script.ended).code, 2, script.said.both);
      }
    });
  });
});
