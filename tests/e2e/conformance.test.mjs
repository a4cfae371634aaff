// The official conformance suite, against the gateway as a server (through it to a real upstream) and as an authorization server.
//
// Not here: what the suite does not ask; the other suites do.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { packaged, quietEnvironment, start } from "./support/child.mjs";
import { eventually } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { freePort } from "./support/listen.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startReverseProxy } from "./support/reverse-proxy.mjs";
import { startUpstream } from "./support/upstream.mjs";

const NO_TASKS = "the upstream of the tests does not have the tasks extension (SEP-2663)";

/** How many scenarios each revision scores, and which others fail, with the reason. One that has come to pass fails the test. */
const REVISIONS = {
  "2025-11-25": { scored: 30, failing: {} },
  "2026-07-28": {
    scored: 37,
    failing: {
      "tasks-capability-negotiation": NO_TASKS,
      "tasks-dispatch-and-envelope": NO_TASKS,
      "tasks-lifecycle": NO_TASKS,
      "tasks-mrtr-composition": NO_TASKS,
      "tasks-mrtr-input": NO_TASKS,
      "tasks-request-headers": NO_TASKS,
      "tasks-request-state-removal": NO_TASKS,
      "tasks-required-task-error": NO_TASKS,
      "tasks-wire-fields": NO_TASKS,
    },
  },
};

let work;
before(() => (work = mkdtempSync(path.join(tmpdir(), "conformance-"))));
after(() => rmSync(work, { recursive: true, force: true }));

/** Which of the suite's runs goes through which server: one that nobody filters, and one whose every list and call policy looks at. */
const EVERYTHING = { allow_patterns: ["*"] };
const POLICIES = {
  alpha: ["through the gateway", {}],
  judged: [
    "through a policy that allows everything",
    { tools: EVERYTHING, prompts: EVERYTHING, resources: EVERYTHING, resource_templates: EVERYTHING },
  ],
};

describe("conformance as a server", () => {
  let gateway, upstream, proxy, token;
  const tokens = {};
  before(async () => {
    upstream = await startUpstream();
    const servers = Object.entries(POLICIES).map(([slug, [, policy]]) => [slug, { url: upstream.url, auth: { kind: "none" }, ...policy }]);
    gateway = await startGateway({ config: configuration(Object.fromEntries(servers)) });
    // The suite has no way to sign in, so a proxy adds the token of somebody who did, to requests of any host.
    const port = new URL(gateway.url).port;
    proxy = await startReverseProxy(() => ({ port, headers: token ? { authorization: `Bearer ${token}` } : {} }));
    const seen = { url: proxy.url, fetch: (target, options) => request(new URL(target, proxy.url), options), mcpUrl: (slug) => `${proxy.url}/v1/mcp/${slug}` };
    for (const slug of Object.keys(POLICIES)) {
      token = undefined;
      ({ token: tokens[slug] } = await signedIn(seen, slug));
    }
  });
  after(async () => {
    await proxy?.stop();
    await Promise.all([gateway?.stop(), upstream?.stop()]);
  });

  const runs = Object.entries(REVISIONS).flatMap((revision) => Object.keys(POLICIES).map((slug) => [...revision, slug]));
  for (const [revision, expected, slug] of runs) {
    test(`[X1] [Z10] every scored scenario of ${revision} passes ${POLICIES[slug][0]}`, { timeout: 300_000 }, async (t) => {
      token = tokens[slug];
      const output = path.join(work, `${revision}-${slug}`);
      const suite = conformance(t, ["server", "--url", `${proxy.url}/v1/mcp/${slug}`, "--requirements", revision, "-o", output]);
      const { code } = await suite.ended;
      const wrong = resultsIn(output).filter(({ failures }) => failures.length > 0).map(({ scenario, failures }) => `${scenario}: ${failures.join("; ")}`);
      assert.equal(code, 0, `${wrong.join("\n")}\n${suite.said.both}`);
      const unscored = new Set([...suite.said.stdout.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, scenario]) => scenario));
      const results = resultsIn(output);
      const scored = results.filter(({ scenario }) => !unscored.has(scenario));
      assert.equal(scored.length, expected.scored, suite.said.both);
      for (const { scenario, failures } of scored) assert.deepEqual(failures, [], scenario);
      const failing = results.filter(({ failures }) => failures.length > 0).map(({ scenario }) => scenario);
      assert.deepEqual(failing.sort(), Object.keys(expected.failing), wrong.join("\n"));
      t.diagnostic(`${scored.length} scored scenarios of ${results.length}, ${results.flatMap(({ checks }) => checks).length} checks`);
    });
  }
});

test("[H4] conformance as an authorization server: every check passes", { timeout: 120_000 }, async (t) => {
  const port = await freePort();
  const gateway = await startGateway({
    config: configuration(
      { alpha: "http://localhost:9/mcp" },
      { clients: { preregistered: [{ client_id: "conformance", name: "The conformance suite", redirect_uris: [`http://127.0.0.1:${port}/callback`] }] } },
    ),
  });
  t.after(gateway.stop);
  const output = path.join(work, "authorization");
  const args = ["authorization", "--url", gateway.url, "--client-id", "conformance", "--port", String(port), "--resource", gateway.mcpUrl("alpha"), "-o", output];
  const suite = conformance(t, args);
  const [link] = await suite.says(new RegExp(`${gateway.url}/oauth/authorize\\?\\S+`));
  const { landed, text } = await new Browser(gateway.url).walk(link);
  assert.ok(landed, text);
  await eventually(() => request(landed)); // the link may be printed before anybody listens
  const { code } = await suite.ended;
  assert.equal(code, 0, suite.said.both);
  const checks = resultsIn(output).flatMap(({ checks: all }) => all);
  assert.ok(checks.length >= 3, suite.said.both);
  for (const check of checks) assert.equal(check.status, "SUCCESS", JSON.stringify(check));
});

function conformance(t, args) {
  const suite = start(process.execPath, [packaged("@modelcontextprotocol/conformance/dist/index.js"), ...args], { env: quietEnvironment(work), cwd: work });
  t.after(suite.stop);
  return suite;
}

/** What the suite wrote: one folder per scenario, named after it and the time. */
function resultsIn(folder) {
  const files = readdirSync(folder, { recursive: true }).map(String).filter((file) => path.basename(file) === "checks.json");
  return files.map((file) => {
    const checks = JSON.parse(readFileSync(path.join(folder, file), "utf8"));
    const scenario = path.dirname(file).replace(/^server-/, "").replace(/-\d{4}-\d{2}-\d{2}T.*$/, "");
    return { scenario, checks, failures: checks.filter(({ status }) => status === "FAILURE").map(({ id, errorMessage }) => `${id}: ${errorMessage}`) };
  });
}
