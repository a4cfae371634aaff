// Every test, and one line that sums them up. Format and lints count as one test each.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { build } from "./build.mjs";
import { environment, inRoot, output, root } from "./ground.mjs";
import { parsed } from "./usage.mjs";

const options = parsed("test");
const total = { passed: 0, failed: 0 };

await check("cargo", ["fmt", "--check"]);
await check("cargo", ["clippy", "--all-targets", "--quiet", "--", "-D", "warnings"]);
if (output("cargo", ["nextest", "--version"])) {
  await suite("cargo", ["nextest", "run", "--no-fail-fast", "--status-level", "fail"], /(\d+) (passed|failed|timed out)/g, /^ *Summary/);
} else {
  await suite("cargo", ["test", "--no-fail-fast", "--quiet", "--lib", "--tests"], /(\d+) (passed|failed)/g, /^test result:/);
}
if (!options.quick) await endToEnd();

console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Real clients against the built Worker, one file at a time: each starts servers of its own. */
async function endToEnd() {
  // The edge exists on this target only.
  await check("cargo", ["clippy", "--lib", "--target", "wasm32-unknown-unknown", "--quiet", "--", "-D", "warnings"]);
  build();
  const folder = inRoot("tests/e2e");
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".test.mjs"))
        .sort()
    : [];
  if (files.length === 0) return;
  const args = ["--test", "--test-concurrency=1", "--test-reporter=spec", ...files.map((name) => join(folder, name))];
  await suite(process.execPath, args, /^ℹ (pass|fail|cancelled) (\d+)/g, /^ℹ (pass|fail|cancelled) /);
}

/** A command that passes or fails as a whole. */
async function check(command, args) {
  const { ok } = await watched(command, args);
  total[ok ? "passed" : "failed"] += 1;
}

/** A command that counts its tests in the lines that match `summary`. One that ends badly without a failure counts as one. */
async function suite(command, args, counts, summary) {
  const { ok, lines } = await watched(command, args);
  let failed = 0;
  for (const line of lines.filter((candidate) => summary.test(candidate))) {
    for (const [, first, second] of line.matchAll(counts)) {
      const [count, word] = /^\d/.test(first) ? [Number(first), second] : [Number(second), first];
      if (word.startsWith("pass")) total.passed += count;
      else failed += count;
    }
  }
  total.failed += ok ? failed : Math.max(failed, 1);
}

/** Runs a command in the open and keeps what it said. */
function watched(command, args) {
  console.log(`\n$ ${command.replace(`${root}/`, "")} ${args.join(" ").replaceAll(`${root}/`, "")}`);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const [stream, copy] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.setEncoding("utf8").on("data", (part) => {
        text += part;
        copy.write(part);
      });
    }
    child.on("error", (error) => console.error(error.message));
    child.on("close", (code) => resolve({ ok: code === 0, lines: text.replaceAll(/\x1b\[[\d;]*m/g, "").split("\n") }));
  });
}
