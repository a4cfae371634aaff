// Every script says what it takes, and what was wrong with how it was called, before it installs or builds anything.
//
// Not here: what they do.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { readSecrets, writeSecrets, writeSecretsForWrangler } from "../../scripts/lib/secrets.mjs";
import { ROOT } from "./support/child.mjs";

const scripts = readdirSync(path.join(ROOT, "scripts"), { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ name }) => name);

function run(name, ...args) {
  // Nothing that would have to be installed can be found: only Node and the shell's own tools.
  const env = { PATH: [path.dirname(process.execPath), "/usr/bin", "/bin"].join(path.delimiter), HOME: "/nonexistent" };
  const { status, stdout, stderr } = spawnSync(path.join(ROOT, "scripts", name), args, { env, encoding: "utf8", timeout: 20_000 });
  return { status, stdout, stderr };
}

for (const name of scripts) {
  test(`scripts/${name} --help says how it is used`, () => {
    for (const flag of ["--help", "-h"]) {
      const { status, stdout, stderr } = run(name, flag);
      assert.equal(status, 0, stderr);
      assert.equal(stderr, "");
      assert.match(stdout, new RegExp(`^usage: scripts/${name}\\b.*\\n\\w.+`));
      const options = [...stdout.split("\n")[0].matchAll(/\[(--[\w-]+)/g)].map(([, option]) => option);
      for (const option of options) assert.match(stdout, new RegExp(`^  ${option}\\b.*  \\S`, "m"), `${option} is not explained`);
    }
  });

  test(`scripts/${name} called wrongly: one line of what, one of usage, exit code 2`, () => {
    for (const args of [["--no-such-option"], ["--help=x"], ["one", "too", "many"]]) {
      const { status, stdout, stderr } = run(name, ...args);
      assert.equal(status, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, new RegExp(`^${name}: .+\\nusage: scripts/${name}\\b.*\\n$`));
    }
  });
}

for (const [name, args, words] of [
  ["dev", ["--port", "http"], /--port takes a port number, not http/],
  ["dev", ["--port", "70000"], /--port takes a port number/],
  ["dev", ["--config"], /--config/],
  ["deploy", ["--env", "prod"], /--env is production or staging, not prod/],
  ["deploy", ["--wait", "soon"], /--wait takes a number/],
  ["check", [], /FILE is missing/],
  ["bench", ["--rounds", "0"], /--rounds takes a number above 0/],
]) {
  test(`scripts/${[name, ...args].join(" ")} is refused as such`, () => {
    const { status, stderr } = run(name, ...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /^ +at /m, "a stack trace");
  });
}

test("secrets that are written again stay what they are, and their owner's alone", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "secrets-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "secrets.env");
  writeFileSync(file, "", { mode: 0o644 });
  const secrets = { KEY: "cost$NAME and \\$more", OTHER: "it's $5", PLAIN: "a.b" };
  writeSecrets(file, secrets);
  assert.equal(statSync(file).mode & 0o777, 0o600, "as it was readable before");
  writeSecrets(file, readSecrets(file));
  assert.deepEqual({ ...readSecrets(file) }, secrets);
  writeSecretsForWrangler(file, { KEY: "cost$NAME" });
  assert.equal(readFileSync(file, "utf8"), "KEY='cost\\$NAME'\n");
});
