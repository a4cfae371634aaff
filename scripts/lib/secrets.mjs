// Secrets in dotenv files: made once, kept readable by their owner only, never printed.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseEnv } from "node:util";

import { fail } from "./ground.mjs";

const make = {
  KEY_RING: () => `1:${randomBytes(32).toString("base64url")}`,
  ADMIN_TOKEN: () => randomBytes(32).toString("base64url"),
};

/** One entry: a name, and a value in one kind of quotes or without. */
const ENTRY = /[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*('[^']*'|"[^"]*"|`[^`]*`|[^\s'"`][^\n]*|)[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
const NOTHING = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
const LINE = /[^\n]*(?:\n|$)/y;

/** The secrets of a file that was named on the command line. Ends the script when a line of it is none. */
export function readSecrets(file) {
  const { secrets, problems } = triedSecrets(file);
  if (problems.length > 0) fail(problems.join("\n"));
  return secrets;
}

/** The same, or what is wrong with the file. No line of it is repeated: it may hold a secret. */
export function triedSecrets(file) {
  if (!existsSync(file)) return { problems: [`${file} does not exist: it should hold lines like NAME=value`] };
  const text = readFileSync(file, "utf8").replaceAll("\r\n", "\n");
  return { secrets: parseEnv(text), problems: problemsOf(text).map(({ line, problem }) => `${file}:${line}: ${problem}`) };
}

function problemsOf(text) {
  const problems = [];
  const names = new Set();
  let at = 0;
  const matched = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const line = text.slice(0, at).split("\n").length;
    const nothing = matched(NOTHING);
    const entry = nothing ? undefined : matched(ENTRY);
    const note = (problem) => problems.push({ line, problem });
    if (entry) {
      const [, name, value] = entry;
      if (["", "''", '""', "``"].includes(value.trim()) || value.startsWith("#")) note(`${name} has no value`);
      if (/^[^'"`]/.test(value) && /\S#/.test(value)) note(`the value of ${name} has a # in it: write it in quotes, or what follows is lost`);
      if (names.has(name)) note(`${name} is there twice`);
      names.add(name);
    } else if (!nothing) {
      note("is not NAME=value (not shown, in case it is a secret); a value with quotes in it stands in quotes of another kind");
    }
    at += (nothing ?? entry ?? matched(LINE))[0].length;
  }
  return problems;
}

/** The names of the gateway's own. */
export const own = Object.keys(make);

/** The gateway's own secrets in `file`; those it lacks are made and written to it, unless they are among those that are `there` already. */
export function ownSecrets(file, there = []) {
  const kept = existsSync(file) ? readSecrets(file) : {};
  const missing = own.filter((name) => !(name in kept) && !there.includes(name));
  if (missing.length > 0) {
    for (const name of missing) kept[name] = make[name]();
    writeSecrets(file, kept);
  }
  return kept;
}

/** Own secrets that are for one occasion and kept nowhere. */
export const passingSecrets = () => Object.fromEntries(Object.entries(make).map(([name, made]) => [name, made()]));

/** Writes them so that they are read again as they are. */
export const writeSecrets = (file, secrets) => write(file, secrets, (value) => value);

/** Writes them so that wrangler, which expands `$NAME` in dotenv values, reads them as they are. Nobody else does. */
export const writeSecretsForWrangler = (file, secrets) => write(file, secrets, (value) => value.replaceAll("$", "\\$"));

function write(file, secrets, escaped) {
  const lines = Object.entries(secrets).map(([name, value]) => `${name}=${quoted(name, value, escaped)}\n`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join(""), { mode: 0o600 });
  chmodSync(file, 0o600); // the mode above is for a file that is not there yet
}

function quoted(name, value, escaped) {
  if (/^[\w.:/+=@,-]*$/.test(value)) return value;
  const quote = ["'", '"', "`"].find((mark) => !value.includes(mark));
  if (!quote || (quote === '"' && value.includes("\\"))) fail(`${name} cannot be written in a dotenv file: it mixes all kinds of quotes`);
  return quote + escaped(value) + quote;
}
