// A visit at one server: what was given, what was learnt, what was found. Steps write into it; the report reads it.
//
// Not here: what is asked (steps/), asking (world.mjs).

import { createHash } from "node:crypto";

import { byId } from "./findings.mjs";
import { profiles } from "./profiles.mjs";

/** What a server says is shown in a terminal, and must not command it. */
const printable = (text) => String(text).replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

export class Visit {
  /**
   * - `url`: the MCP server's address
   * - `profile`: whose sequence and headers, or none
   * - `token`: an access token that exists; `clientId`: a client that exists
   * - `redirectUri`: where the browser comes back to, if a person takes part; else nobody does
   * - `random`: {state, verifier}; `register`: whether a client may be registered
   */
  constructor({ url, profile, token, clientId, redirectUri, random, register = true }) {
    this.url = new URL(url);
    this.given = url;
    /** What tokens are asked for: the server's `resource`, verbatim, once it is known. */
    this.audience = url;
    this.profile = profiles[profile];
    this.profileName = profile;
    this.token = token;
    this.ownToken = token !== undefined;
    this.clientId = clientId;
    this.person = redirectUri !== undefined;
    this.redirectUri = redirectUri ?? "http://127.0.0.1/callback";
    this.random = random;
    this.challengeOfCode = createHash("sha256").update(random.verifier).digest("base64url");
    this.register = register;
    this.local = ["localhost", "127.0.0.1", "[::1]"].includes(this.url.hostname) || this.url.hostname.endsWith(".localhost");
    this.steps = [];
    this.found = [];
    this.left = [];
    this.secrets = new Set([random.verifier, random.state, ...(token ? [token] : [])]);
    this.stopped = false;
  }

  /** A new step begins. */
  begin(name) {
    this.step = { name, said: undefined, skipped: false };
    this.steps.push(this.step);
  }

  /** What the step came to, in a few words. */
  say(words) {
    this.step.said = words;
  }

  /** The step was not gone, and why. */
  skip(why) {
    this.step.skipped = true;
    this.step.said = why;
  }

  /** Something is not as it must be. One finding of a kind is enough. */
  find(id, { expected, seen, at }) {
    if (!byId.has(id)) throw new Error(`no such finding: ${id}`);
    if (this.found.some((other) => other.id === id)) return;
    this.found.push({ id, step: this.step.name, at: at && printable(String(at)), expected: printable(expected), seen: printable(seen) });
  }

  /** Something is wrong that makes the rest of the way worthless. */
  stop(id, facts) {
    this.find(id, facts);
    this.stopped = true;
  }

  /** A value that is shown nowhere. */
  secret(value) {
    if (typeof value === "string" && value.length >= 8) this.secrets.add(value);
    return value;
  }

  /** The headers of every request of the client that is played. */
  headers(more = {}) {
    return { "user-agent": this.profile?.agent ?? "mcp-doctor", ...(this.profile?.origin && { origin: this.profile.origin }), ...more };
  }

  /** Findings with all that the table says of them, those that do not break the client that is played as notes. */
  get findings() {
    return this.found.map((one) => {
      const row = byId.get(one.id);
      const breaks = !this.profileName || row.breaks.includes("all") || row.breaks.includes(this.profileName);
      return { ...row, ...one, weight: breaks ? row.weight : "note" };
    });
  }
}
