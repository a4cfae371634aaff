// Secrets in dotenv files: made once, kept readable by their owner only, never printed.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseEnv } from "node:util";

import { fail } from "./ground.mjs";

const make = {
  KEY_RING: () => `1:${randomBytes(32).toString("base64url")}`,
  ADMIN_TOKEN: () => randomBytes(32).toString("base64url"),
};

/** The secrets of a file that was named on the command line. */
export function readSecrets(file) {
  if (!existsSync(file)) fail(`${file} does not exist: it should hold lines like NAME=value`);
  return parseEnv(readFileSync(file, "utf8"));
}

/** The gateway's own secrets in `file`; those it lacks are made and written to it, unless `given` has them already. */
export function ownSecrets(file, given = {}) {
  const kept = existsSync(file) ? readSecrets(file) : {};
  const missing = Object.keys(make).filter((name) => !(name in kept) && !(name in given));
  if (missing.length > 0) {
    for (const name of missing) kept[name] = make[name]();
    writeSecrets(file, kept);
  }
  return kept;
}

/** Writes them so that wrangler, which expands `$NAME` in dotenv values, reads the same. */
export function writeSecrets(file, secrets) {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${quoted(name, value)}\n`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join(""), { mode: 0o600 });
}

function quoted(name, value) {
  if (/^[\w.:/+=@,-]*$/.test(value)) return value;
  const quote = ["'", '"', "`"].find((mark) => !value.includes(mark));
  if (!quote || (quote === '"' && value.includes("\\"))) fail(`${name} cannot be written in a dotenv file: it mixes all kinds of quotes`);
  return quote + value.replaceAll("$", "\\$") + quote;
}
