// A client from npm that is too large for everybody's node_modules: the pinned version, installed once into the cache outside the checkout.
//
// Not here: clients that are among the development dependencies (child.mjs, `packaged`).

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/** Where the program `name` of a package is. Fails, and says why, where it cannot be had: a test that is skipped proves nothing. */
export function cachedProgram(spec, name) {
  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "mcp-edge-gateway");
  const folder = path.join(cache, spec.replaceAll(/[^\w.]+/g, "-").replace(/^-/, ""));
  const program = path.join(folder, "node_modules/.bin", name);
  const stamp = path.join(folder, ".installed");
  if (existsSync(stamp)) return program;

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), "{}");
  // A package that puts its program in its place itself has to be let.
  const done = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts=false", spec], { cwd: folder, encoding: "utf8" });
  assert.equal(done.status, 0, `npm install ${spec} failed: ${done.stdout}${done.stderr}${done.error?.message ?? ""}`);
  writeFileSync(stamp, "");
  return program;
}
