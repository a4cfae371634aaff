// The Python that runs the servers in this folder, with the packages of requirements.txt: a virtual environment outside the checkout, made
// once for each version of the list.
//
// Not here: what runs in it (upstreams.py).

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** A program that those packages have. */
export const pythonProgram = (name) => path.join(path.dirname(python()), name);

/** The interpreter. Fails, and says what is missing, where there is no Python that could be it: a test that is skipped proves nothing. */
export function python() {
  const list = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 12);
  const folder = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "mcp-edge-gateway", `python-${list}`);
  const interpreter = path.join(folder, "bin/python");
  const stamp = path.join(folder, ".installed");
  if (existsSync(stamp) && run(interpreter, "--version").status === 0) return interpreter;

  const found = run("python3", "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))");
  assert.equal(
    found.status,
    0,
    "the tests of servers in Python need python3, 3.10 or newer, with venv and pip (Debian, Ubuntu: apt-get install python3-venv; " +
      `macOS: brew install python). Found: ${found.error?.code === "ENOENT" ? "none" : said(run("python3", "--version"))} ${said(found)}`,
  );
  rmSync(folder, { recursive: true, force: true });
  const steps = [
    ["python3", "-m", "venv", folder],
    [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", REQUIREMENTS],
  ];
  for (const step of steps) {
    const done = run(...step);
    assert.equal(done.status, 0, `${step.join(" ")} failed, so the tests of servers in Python cannot run: ${said(done)}`);
  }
  writeFileSync(stamp, "");
  return interpreter;
}

const run = (command, ...args) => spawnSync(command, args, { encoding: "utf8" });
const said = ({ stdout, stderr, error }) => `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trim();
