// The official conformance suite's side for clients: what the gateway does as an OAuth client of upstreams, judged by the suite's mock servers.
//
// Not here: the gateway as a server and as an authorization server (conformance.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { packaged, quietEnvironment, start } from "./support/child.mjs";
import { CONFORMANCE_SECRETS, startConformanceDriver } from "./support/conformance-driver.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";

const OWN_DOCUMENT =
  "wants the client id https://conformance-test.local/client-metadata.json; the gateway's is a URL of its own public origin, and on loopback it registers instead";

const ORIGINATES_NOTHING = "how a client words MCP messages of its own; the gateway hands on those of its clients";

/**
 * Each run: its arguments, how many of its scenarios are about an OAuth client, which are not and why, and the checks that are not met,
 * with the reason. One that has come to pass fails the test.
 */
const RUNS = {
  "auth, 2025-11-25": { args: ["--suite", "auth", "--spec-version", "2025-11-25"], scenarios: 14, unmet: { "auth/basic-cimd: cimd-client-id-used": OWN_DOCUMENT } },
  "auth, 2026-07-28": { args: ["--suite", "auth", "--spec-version", "2026-07-28"], scenarios: 14, unmet: { "auth/basic-cimd: cimd-client-id-used": OWN_DOCUMENT } },
  "new in 2026-07-28": {
    args: ["--suite", "draft", "--spec-version", "2026-07-28"],
    scenarios: 11,
    others: {
      "http-custom-headers": ORIGINATES_NOTHING,
      "http-invalid-tool-headers": ORIGINATES_NOTHING,
      "http-standard-headers": ORIGINATES_NOTHING,
      "json-schema-ref-no-deref": ORIGINATES_NOTHING,
      "request-metadata": ORIGINATES_NOTHING,
      "sep-2322-client-request-state": ORIGINATES_NOTHING,
    },
    unmet: {},
  },
  "extension io.modelcontextprotocol/oauth-client-credentials": { args: ["--scenario", "auth/client-credentials-basic"], scenarios: 1, unmet: {} },
  "backcompat, 2025-03-26": { args: ["--suite", "backcompat"], scenarios: 2, unmet: {} },
};

describe("conformance as an OAuth client of upstreams", () => {
  let gateway, driver, work;
  before(async () => {
    work = mkdtempSync(path.join(tmpdir(), "conformance-client-"));
    gateway = await startGateway({ config: configuration(), secrets: CONFORMANCE_SECRETS });
    driver = await startConformanceDriver(gateway);
  });
  after(async () => {
    await Promise.all([driver?.stop(), gateway?.stop()]);
    if (work) rmSync(work, { recursive: true, force: true });
  });

  for (const [name, { args, scenarios, others = {}, unmet }] of Object.entries(RUNS)) {
    test(`[Z3] ${name}: every check is met but those listed`, { timeout: 400_000 }, async (t) => {
      const output = path.join(work, name.replaceAll(/\W+/g, "-"));
      const program = packaged("@modelcontextprotocol/conformance/dist/index.js");
      const command = [program, "client", "--command", driver.command, "--timeout", "300000", "-o", output, ...args];
      const suite = start(process.execPath, command, { env: quietEnvironment(work) });
      t.after(suite.stop);
      await suite.ended;
      const all = resultsIn(output);
      const results = all.filter(({ scenario }) => scenario.startsWith("auth/"));
      assert.equal(results.length, scenarios, suite.said.both);
      assert.deepEqual(all.filter((one) => !results.includes(one)).map(({ scenario }) => scenario).sort(), Object.keys(others));
      const failing = results.flatMap(({ scenario, checks }) =>
        checks.filter(({ status }) => status === "FAILURE" || status === "WARNING").map((check) => ({ scenario, ...check })),
      );
      const shown = failing.map(({ scenario, id, description, errorMessage, details }) =>
        [`${scenario}: ${id}: ${errorMessage ?? description}`, JSON.stringify(details), ...(driver.stories[scenario] ?? [])].join("\n  "),
      );
      assert.deepEqual([...new Set(failing.map(({ scenario, id }) => `${scenario}: ${id}`))].sort(), Object.keys(unmet).sort(), shown.join("\n"));
      t.diagnostic(`${results.length} scenarios, ${results.flatMap(({ checks }) => checks).length} checks`);
    });
  }
});

/** What the suite wrote: one folder per scenario, named after it and the time. */
function resultsIn(folder) {
  const files = readdirSync(folder, { recursive: true }).map(String).filter((file) => path.basename(file) === "checks.json");
  return files.map((file) => ({
    scenario: path.dirname(file).replace(/-\d{4}-\d{2}-\d{2}T.*$/, ""),
    checks: JSON.parse(readFileSync(path.join(folder, file), "utf8")),
  }));
}
