// The gateway's check of a server, against upstreams that are bent or broken one way each: exactly that is found, and nothing on those in
// order. And scripts/doctor --upstreams, which prints it beside its own findings.
//
// Not here: every rule by itself (tests/journeys/checks.rs), its page in a browser (console.test.mjs), other people's servers
// (doctor-neighbours.test.mjs).

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { startBroken } from "./support/broken-upstreams.mjs";
import { ROOT, start } from "./support/child.mjs";
import { assertRefused } from "./support/expect.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { HABITS } from "./support/neighbours/habits.mjs";
import { SECRETS, startStranger } from "./support/neighbours/stranger.mjs";
import { startUpstream } from "./support/upstream.mjs";

/** What a misbehaving upstream is found to do. */
const BROKEN = {
  "refuses connections": "upstream_unreachable",
  "hangs up": "upstream_unreachable",
  "answers with a redirect": "upstream_redirected",
  "answers HTML": "upstream_not_mcp",
  "answers HTML with an error status": "upstream_error",
  "answers garbage that it calls JSON": "upstream_garbled",
  "answers 401 with its own challenge": "upstream_wants_credentials",
  "answers 404 for the session": "upstream_not_initialized",
};

/** Reasons for which nobody can connect, that are there before anybody tries. Of others the way itself tells. */
const BEFORE = ["upstream_without_pkce", "upstream_issuer_mismatch", "upstream_issuer_metadata_missing", "upstream_without_registration"];

describe("checks of servers", { concurrency: 4 }, () => {
  const strangers = {};
  const broken = {};
  let gateway, healthy;
  before(async () => {
    healthy = await startUpstream();
    for (const [slug, habits] of Object.entries(HABITS)) strangers[slug] = await startStranger(habits);
    for (const how of Object.keys(BROKEN)) broken[slugOf(how)] = await startBroken(how, { elsewhere: healthy.url });
    const servers = {
      healthy: { url: healthy.url },
      ...mapped(strangers, ({ origin, url }, slug) => ({ url, auth: { kind: "oauth", ...HABITS[slug].auth?.(origin) } })),
      ...mapped(broken, ({ url }) => ({ url })),
    };
    gateway = await startGateway({ config: configuration(servers), secrets: SECRETS });
  });
  after(() => Promise.all([gateway, healthy, ...Object.values(strangers), ...Object.values(broken)].map((one) => one?.stop())));

  const ask = (slug, authorization = `Bearer ${ADMIN_TOKEN}`) =>
    gateway.fetch(`/admin/servers/${slug}/check`, { method: "POST", headers: authorization ? { authorization } : {} });

  async function check(slug) {
    const answer = await ask(slug);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  const found = ({ findings }) => findings.map(({ id }) => id);

  test("[X12] a server in order: every step is gone, nothing is found, and no tool is called", async () => {
    const begun = healthy.requests.length;
    const checked = await check("healthy");
    assert.deepEqual(found(checked), []);
    assert.match(checked.steps.find(({ name }) => name === "call").said, /^speaks 2025-\d\d-\d\d and 2026-07-28$/);
    const methods = healthy.requests.slice(begun).map(({ json }) => json?.method);
    assert.ok(!methods.includes("tools/call"), methods.join());
    const told = (await gateway.asOperator("/admin/servers")).json.servers.find(({ slug }) => slug === "healthy");
    assert.deepEqual(told.last_check.findings, []);
  });

  for (const [slug, { refused, checked = BEFORE.includes(refused) ? [refused] : [], seen }] of Object.entries(HABITS)) {
    test(`[X12] [X34] ${slug}${seen ? ` (${seen})` : ""}: ${checked.join(", ") || "nothing is found"}`, async () => {
      const report = await check(slug);
      assert.deepEqual(found(report), checked, JSON.stringify(report, null, 1));
      for (const secret of Object.values(SECRETS)) assert.ok(!JSON.stringify(report).includes(secret));
    });
  }

  for (const [how, finding] of Object.entries(BROKEN)) {
    test(`[X12] an upstream that ${how}: ${finding}`, async () => {
      const report = await check(slugOf(how));
      assert.deepEqual(found(report), [finding], JSON.stringify(report, null, 1));
    });
  }

  test("[X12] nobody but the operator checks", async () => {
    for (const authorization of ["", "Bearer wrong"]) {
      assertRefused(await ask("healthy", authorization), { status: 401, reason: "operator_token_required" });
    }
    assertRefused(await ask("nobody"), { status: 404, reason: "no_such_server" });
  });

  test("[X12] scripts/doctor --upstreams prints what the gateway finds behind it", async () => {
    const doctor = (args, token = ADMIN_TOKEN) => start(path.join(ROOT, "scripts/doctor"), args, { env: { ...process.env, ADMIN_TOKEN: token } });
    const clean = doctor([gateway.mcpUrl("healthy"), "--upstreams", "--no-register"]);
    assert.equal((await clean.ended).code, 0, clean.said.both);
    assert.match(clean.said.stdout, /behind it: .*\n\n {2}ok {7}reach/);
    assert.match(clean.said.stdout, /^ {2}ok {7}call +speaks 2025-\d\d-\d\d and 2026-07-28$/m);

    const faulty = doctor([gateway.mcpUrl("no-pkce-said"), "--upstreams", "--no-register", "--json"]);
    assert.equal((await faulty.ended).code, 1, faulty.said.both);
    const { findings, upstreams } = JSON.parse(faulty.said.stdout);
    assert.deepEqual([findings, upstreams.map(found)], [[], [["upstream_without_pkce"]]]);
    assert.ok(!faulty.said.both.includes(ADMIN_TOKEN));

    const stranger = doctor([strangers["by-the-book"].url, "--upstreams", "--no-register"]);
    assert.equal((await stranger.ended).code, 2, stranger.said.both);
    assert.match(stranger.said.stderr, /no gateway/);
    const tokenless = doctor([gateway.mcpUrl("healthy"), "--upstreams"], "");
    assert.equal((await tokenless.ended).code, 2, tokenless.said.both);
    assert.match(tokenless.said.stderr, /ADMIN_TOKEN/);
  });
});

const slugOf = (how) => how.replaceAll(" ", "-").toLowerCase();
const mapped = (all, to) => Object.fromEntries(Object.entries(all).map(([slug, one]) => [slug, to(one, slug)]));
