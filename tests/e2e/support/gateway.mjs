// One isolated gateway per call: the built Worker under workerd on a free loopback port, with its own KV, objects and secrets.
//
// The requests of a test go straight to the Worker's socket, not through miniflare's entry Worker: Host arrives as sent, streams stream,
// and a client that leaves is seen to leave.
//
// Not here: building (scripts/build), what a client does with the gateway (oauth-client.mjs, mcp.mjs).

import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

import { proxy, request } from "./http.mjs";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const BUILD = realpathSync(path.join(ROOT, "build")); // the one there is now, whatever is built meanwhile
const TAIL = "tail";

export const ADMIN_TOKEN = "admin-token-of-the-tests";

/** A key ring of one fresh key, or the given versions: `keyRing(1, 2)`. */
export function keyRing(...versions) {
  return (versions.length > 0 ? versions : [1]).map((version) => `${version}:${randomBytes(32).toString("base64url")}`).join(",");
}

/** The smallest configuration: development login and the servers given as {slug: url}. */
export function configuration(servers = {}, rest = {}) {
  const written = Object.entries(servers).map(([slug, server]) => [
    slug,
    { name: `The ${slug}`, auth: { kind: "none" }, ...(typeof server === "string" ? { url: server } : server) },
  ]);
  return { login: { kind: "dev" }, ...rest, servers: Object.fromEntries(written) };
}

/**
 * Starts a gateway.
 * - `config`: the configuration, or a function of the gateway's URL that answers it; none: the gateway stays without one
 * - `secrets`: merged over a fresh KEY_RING and ADMIN_TOKEN; a name set to `undefined` is left out
 * - `isolates`: several Workers that share KV and objects, each on its own port; a list of secrets, one entry for each, and of the bindings
 *   that are unreachable from there: `without: ["KV"]`
 * - `counted`: wraps the Worker so that `.counts()` tells the operations since it was last asked; `entry`: another file here that wraps it
 * - `tail`: the text of a Worker that is given the lines
 * - `storage`: a folder that KV and objects are kept in, for a gateway that is killed and started again; `port` is where it comes back
 */
export function startGateway(options = {}) {
  if (!options.storage) return start(options);
  // One after another, so that each knows which process is its own.
  const started = starting.then(() => start(options));
  starting = started.catch(() => {});
  return started;
}

let starting = Promise.resolve();

async function start({ config, secrets = {}, isolates = [{}], counted = false, entry = counted ? "counting-entry.js" : undefined, tail, storage, port = 0 }) {
  const logs = new LogBook();
  const others = storage ? children() : [];
  const common = present({ KEY_RING: keyRing(), ADMIN_TOKEN, ...secrets });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: (line) => logs.add(line),
      ...(storage && { resourcePersistencePath: storage }),
      workers: [
        ...isolates.map(({ without = [], ...own }, index) =>
          worker(index, { bindings: present({ ...common, ...own }), without, entry, tail, port }),
        ),
        ...(tail ? [{ name: TAIL, modules: [{ type: "ESModule", path: "tail.js", contents: tail }] }] : []),
      ],
    }),
  );
  const urls = [];
  try {
    await miniflare.ready;
    for (const index of isolates.keys()) {
      const { port } = await miniflare.unsafeGetDirectURL(nameOf(index));
      urls.push(`http://localhost:${port}`);
    }
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }

  const undo = [];
  const runtime = storage ? children().filter((pid) => !others.includes(pid)) : [];
  const gateway = {
    url: urls[0],
    urls,
    logs,
    adminToken: common.ADMIN_TOKEN,
    mcpUrl: (slug) => `${urls[0]}/v1/mcp/${slug}`,
    /** A request to a path of the gateway, or to an absolute URL. Follows no redirect and checks nothing. */
    fetch: (target, options) => request(new URL(target, urls[0]), options),
    configure: (value) => putConfiguration(gateway, value),
    counts: async ({ isolate = 0 } = {}) => (await request(`${urls[isolate]}/__counts`)).json,
    /** How often storage was written and objects were asked since this was last asked; for one that is `counted`. */
    stored: async () => (await request(`${urls[0]}/__stored`)).json,
    /** How often what was counted of requests was told since this was last asked: behind replies, and at most once in ten seconds. */
    told: async () => (await request(`${urls[0]}/__told`)).json,
    /** What an operator asks for at `path`. */
    asOperator: (path) => gateway.fetch(path, { headers: { authorization: `Bearer ${common.ADMIN_TOKEN}` } }),
    /** The KV namespace as the Worker sees it, to look at what is stored. */
    kv: () => miniflare.getKVNamespace("KV", nameOf(0)),
    /** The same gateway as seen at another origin, as behind a reverse proxy, or through another of its isolates. */
    at: (origin, { isolate = 0 } = {}) => {
      const { port } = new URL(urls[isolate]);
      if (origin !== gateway.url) undo.push(proxy(origin, port));
      const fetch = (target, options) => request(new URL(target, origin), { port, ...options });
      return { ...gateway, url: origin, port, fetch, mcpUrl: (slug) => `${origin}/v1/mcp/${slug}` };
    },
    stop: () => (undo.forEach((forget) => forget()), miniflare.dispose()),
    /** Ends the runtime in the middle of whatever it does, as when the machine loses power. For one with `storage`. */
    async kill() {
      for (const pid of runtime) process.kill(pid, "SIGKILL");
      await miniflare.dispose();
    },
  };
  if (config !== undefined) {
    const answer = await gateway.configure(typeof config === "function" ? config(gateway.url) : config);
    if (answer.status !== 200) {
      await gateway.stop();
      throw new Error(`the gateway refused the test's configuration: ${answer.status} ${answer.text}`);
    }
  }
  return gateway;
}

function putConfiguration(gateway, value) {
  return gateway.fetch("/admin/config", {
    method: "PUT",
    headers: { authorization: `Bearer ${gateway.adminToken}`, "content-type": "application/json" },
    body: typeof value === "string" ? value : JSON.stringify(value),
  });
}

const nameOf = (index) => `gateway-${index}`;

/** The processes this one started, on Linux. */
const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

function worker(index, { bindings, without, entry, tail, port }) {
  const { compatibilityDate, compatibilityFlags, objects, ratelimits } = deployed();
  const object = (className) => ({ className, useSQLite: true, ...(index > 0 ? { scriptName: nameOf(0) } : {}) });
  return {
    name: nameOf(index),
    modules: modules(entry),
    ...(tail && { tails: [TAIL] }),
    modulesRoot: BUILD,
    compatibilityDate,
    compatibilityFlags,
    bindings,
    kvNamespaces: without.includes("KV") ? {} : { KV: "kv" },
    durableObjects: Object.fromEntries(objects.filter(([name]) => !without.includes(name)).map(([name, className]) => [name, object(className)])),
    ratelimits,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: index === 0 ? port : 0 }],
  };
}

/** The built files, the entry first: miniflare takes the first module as the Worker. */
function modules(wrapper) {
  const built = readdirSync(BUILD, { recursive: true })
    .map(String)
    .filter((name) => name !== "entry.js" && /\.(js|wasm)$/.test(name))
    .map((name) => ({ type: name.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: path.join(BUILD, name) }));
  const entry = { type: "ESModule", path: path.join(BUILD, "entry.js") };
  if (!wrapper) return [entry, ...built];
  const wrapping = { type: "ESModule", path: path.join(BUILD, wrapper), contents: readFileSync(new URL(wrapper, import.meta.url), "utf8") };
  return [wrapping, entry, ...built];
}

/** Read from wrangler.toml, so that the tests run what is deployed. */
function deployed() {
  const toml = readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
  const date = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(toml);
  const flags = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(toml);
  const objects = new Map([...toml.matchAll(/\{ name = "(\w+)", class_name = "(\w+)" \}/g)].map(([, name, className]) => [name, className]));
  const compatibilityFlags = [...(flags?.[1] ?? "").matchAll(/"([^"]+)"/g)].map((match) => match[1]);
  const limits = [...toml.matchAll(/\{ name = "(\w+)", namespace_id = "\d+", simple = \{ limit = (\d+), period = 60 \} \}/g)];
  const ratelimits = Object.fromEntries(limits.map(([, name, limit], index) => [name, { namespace_id: `${index}`, simple: { limit: Number(limit), period: 60 } }]));
  return { compatibilityDate: date[1], compatibilityFlags, objects: [...objects], ratelimits };
}

const present = (bindings) => Object.fromEntries(Object.entries(bindings).filter(([, value]) => value !== undefined));

/** What the Worker printed: every line, parsed where it is JSON. */
class LogBook {
  lines = [];
  #waiting = new Set();

  add({ level, message }) {
    const line = { level, message, fields: parse(message) };
    this.lines.push(line);
    for (const waiter of this.#waiting) waiter(line);
  }

  /** The first line that fits, come or to come; fails after a while. */
  find(fits, within = 5000) {
    const there = this.lines.find(fits);
    if (there) return Promise.resolve(there);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(reject, new Error(`no log line fits; there were:\n${this}`)), within);
      const waiter = (line) => fits(line) && finish(resolve, line);
      const finish = (settle, value) => (clearTimeout(timer), this.#waiting.delete(waiter), settle(value));
      this.#waiting.add(waiter);
    });
  }

  toString() {
    return this.lines.map((line) => line.message).join("\n");
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
