// A Worker on `workerd serve` itself, in a process of its own.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { inRoot } from "../ground.mjs";

const binary = inRoot(`node_modules/@cloudflare/workerd-linux-${process.arch === "arm64" ? "arm64" : "64"}/bin/workerd`);
const alive = new Set();
process.on("exit", () => alive.forEach((child) => child.kill("SIGKILL")));

/**
 * Starts a Worker that was written to `worker.directory`; resolves when it listens.
 * - `worker.modules`: names of files in the directory, the entry first
 * - `worker.text`, `kv`, `limiter`, `objects`: its bindings
 */
export async function serve(worker, { inspected = false } = {}) {
  const config = compiled(worker);
  const began = performance.now();
  const args = ["serve", "--experimental", "--binary", "--control-fd=3", ...(inspected ? ["--inspector-addr=127.0.0.1:0"] : []), config];
  // What a Worker logs is written like in production, to something that takes it all.
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  alive.add(child);
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (complaints = (complaints + text).slice(-4000)));
  const ended = once(child, "close");
  const ports = await new Promise((resolve, reject) => {
    const found = {};
    createInterface({ input: child.stdio[3] }).on("line", (line) => {
      const { event, port } = JSON.parse(line);
      found[event] = port;
      if (found.listen && (!inspected || found["listen-inspector"])) resolve(found);
    });
    ended.then(([code, signal]) => reject(new Error(`workerd ended (${signal ?? code}) with ${worker.directory}:\n${complaints}`)));
  });
  return {
    pid: child.pid,
    port: ports.listen,
    inspector: ports["listen-inspector"],
    startedIn: performance.now() - began,
    complaints: () => complaints,
    async stop() {
      child.kill("SIGKILL");
      await ended;
      alive.delete(child);
    },
  };
}

/** The configuration with its modules as workerd reads it at once. To read wasm out of a text takes milliseconds, which no isolate does. */
function compiled(worker) {
  const [written, config] = ["config.capnp", "config.bin"].map((name) => join(worker.directory, name));
  writeFileSync(written, capnp(worker));
  writeFileSync(config, execFileSync(binary, ["compile", "--config-only", written], { maxBuffer: 64 * 1024 * 1024 }));
  return config;
}

const text = JSON.stringify; // a string is written alike in Cap'n Proto

function capnp({ directory, modules, date, flags = [], text: variables = {}, kv = {}, limiter, objects = [] }) {
  const disk = join(directory, "storage");
  mkdirSync(disk, { recursive: true });
  const bindings = [
    ...Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...Object.keys(kv).map((name) => `(name = ${text(name)}, kvNamespace = "kv")`),
    ...objects.map((name) => `(name = ${text(name.toUpperCase())}, durableObjectNamespace = ${text(name)})`),
    ...(limiter?.names ?? []).map((name) => `(name = ${text(name)}, wrapped = (moduleName = "bench:ratelimit"))`),
  ];
  const stores = Object.values(kv).map((port) => `(name = "kv", external = (address = "127.0.0.1:${port}", http = ()))`);
  const classes = objects.map((name) => `(className = ${text(name)}, uniqueKey = ${text(name)}, enableSql = true)`);
  const files = modules.map((name) => `(name = ${text(name)}, ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed ${text(name)})`);
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "disk", disk = (path = ${text(disk)}, writable = true)),
    ${stores.join(", ")}
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  extensions = [${limiter ? `(modules = [(name = "bench:ratelimit", internal = true, esModule = ${text(limiter.source)})])` : ""}],
);

const worker :Workerd.Worker = (
  modules = [${files.join(", ")}],
  compatibilityDate = ${text(date)},
  compatibilityFlags = [${flags.map(text).join(", ")}],
  bindings = [${bindings.join(", ")}],
  ${objects.length > 0 ? `durableObjectNamespaces = [${classes.join(", ")}],\n  durableObjectStorage = (localDisk = "disk"),` : ""}
);
`;
}
