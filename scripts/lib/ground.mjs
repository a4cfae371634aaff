// What every script stands on: where things are and how a command is run.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const inRoot = (...parts) => join(root, ...parts);

/** Tools from npm come first, so that `#!/usr/bin/env node` in them finds Node 22. */
export const environment = {
  ...process.env,
  PATH: `${inRoot("node_modules", ".bin")}:${process.env.PATH}`,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true", // the banner is where it looks for updates
  WRANGLER_WRITE_LOGS: "false",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
};

/** Prints what is wrong and what to do, and ends the script. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}

/** What nobody expected is said in a line as well. The stack is for who works on the scripts. */
export const inWords = (error) => (process.env.DEBUG ? error.stack : error.message) ?? String(error);
export const unexpected = (error) => fail(inWords(error));
process.on("uncaughtException", unexpected);

/** Runs a command in the open; ends the script when it fails. */
export function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, env: environment, stdio: "inherit", ...options });
  if (signal === "SIGINT") process.exit(130); // whoever pressed Ctrl-C knows
  if (status !== 0) fail(`failed: ${command} ${args.join(" ")}${error ? ` (${error.message})` : ""}`);
}

/** Runs a command quietly: its output, or `undefined` when it failed or does not exist. */
export function output(command, args, options = {}) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, env: environment, encoding: "utf8", ...options });
  return status === 0 ? stdout.trim() : undefined;
}

/** A short name for the contents of these files. */
export function fingerprint(...files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file)).update("\0");
  return hash.digest("hex").slice(0, 12);
}
