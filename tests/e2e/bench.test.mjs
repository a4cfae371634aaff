// scripts/bench works: a few requests of every row reach every target and are answered as they should be. No time is asserted.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const bench = new URL("../../scripts/bench", import.meta.url).pathname;

const checked = ["const", "shell", "peer", "gateway"];
const served = ["pass", "parse", "shell", "peer", "gateway"];

test("the benchmark measures every row on every target, and every request is answered as it should be", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "bench-test-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "figures.json");
  const text = await run("--quick", "--json", file);
  const { rows, cold, memory, size } = JSON.parse(readFileSync(file, "utf8"));

  const expected = { challenge: checked, metadata: checked, preflight: ["const", "gateway"], list: served, "sse-events": served, refresh: ["peer", "gateway"] };
  for (const row of ["key", "external", "external-first", "asked", "limited", "connected", "storm", "million", "list-fresh"]) expected[row] = ["gateway"];
  for (const kind of ["json", "sse"]) expected[`list-2mb-${kind}`] = ["filter", "gateway"];
  for (const kind of ["json", "sse"]) for (const bytes of ["1kb", "100kb", "5mb"]) expected[`${kind}-${bytes}`] = served;
  const targetsOf = (table) => Object.fromEntries(Object.entries(table).map(([row, figures]) => [row, Object.keys(figures)]));
  assert.deepEqual(targetsOf(rows), expected);
  for (const [row, figures] of Object.entries(rows)) {
    assert.ok(text.includes(`(${row})`), `${row} is not in the output:\n${text}`);
    for (const [target, { failed, requests, wrong }] of Object.entries(figures)) {
      assert.ok(requests > 0, `${row}: ${target} was asked nothing`);
      assert.equal(failed, 0, `${row}: ${target} answered ${JSON.stringify(wrong)}`);
    }
  }
  assert.deepEqual(targetsOf(cold), { challenge: ["hello", ...checked], "json-1kb": ["hello", ...served] });
  assert.deepEqual(Object.keys(memory), served);
  for (const [target, { failed }] of Object.entries(memory)) assert.equal(failed, 0, `${target} failed under many requests or streams`);
  assert.ok(size.gateway.gzip > 0);
});

test("its profile names functions of the gateway and counts what a warm call does", async () => {
  const text = await run("--profile", "--quick");
  assert.match(text, /\bmcp_edge_gateway::/);
  assert.match(text, /"kv":0,"objects":0,"subrequests":1\}, \d+ crossings/);
  assert.match(text, /^ {2}to wasm begin$/m);
});

function run(...args) {
  return new Promise((resolve, reject) => {
    execFile(bench, args, { timeout: 300_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`scripts/bench ${args.join(" ")} failed: ${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}
