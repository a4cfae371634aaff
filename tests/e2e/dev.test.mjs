// scripts/dev: one command from nothing to a gateway a client can use, and nothing left behind.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const script = new URL("../../scripts/dev", import.meta.url).pathname;
const configuration = (servers) => JSON.stringify({ login: { kind: "dev" }, servers });
const demo = { demo: { name: "Demo", url: "http://localhost:8788/mcp", auth: { kind: "none" } } };

test("[P10] scripts/dev serves, follows its configuration and ends everything it started", async (t) => {
  const dev = await Dev.start(t, configuration(demo));
  await dev.says(/^configuration version 1 in effect$/m);
  await dev.says(new RegExp(`^ready http://localhost:${dev.port}$`, "m"));
  await dev.says(new RegExp(`^ +claude mcp add --transport http demo http://localhost:${dev.port}/v1/mcp/demo$`, "m"));
  for (const host of ["localhost", "127.0.0.1"]) {
    const answer = await fetch(`http://${host}:${dev.port}/v1/mcp/demo`, { method: "POST" });
    assert.equal(answer.status, 401);
  }

  dev.configure('{ "login": {"kind": "dev"}, "servers": {"demo": {"url": "nowhere"}} }');
  await dev.says(/is not in effect:\n +\/servers\/demo\/url: .+\n +fix: /);
  assert.equal((await dev.status()).configuration_version, 1);

  dev.configure(configuration({ ...demo, second: { url: "http://localhost:8788/mcp", auth: { kind: "none" } } }));
  await dev.says(/^configuration version 2 in effect$/m);
  assert.deepEqual(
    (await dev.status()).servers.map(({ slug }) => slug),
    ["demo", "second"],
  );

  const started = dev.descendants();
  assert.ok(started.length >= 3, "wrangler, workerd and the demo server run");
  assert.equal(await dev.stop("SIGINT"), 0);
  assert.deepEqual(started.filter(isAlive), []);
  assert.equal(dev.text.match(/^ready /gm).length, 1);
});

test("scripts/dev takes secrets from a file, which win over its own", async (t) => {
  const dev = await Dev.start(t, configuration(demo), ["--no-demo"], "ADMIN_TOKEN='chosen $HOME'\n");
  await dev.says(/^ready /m);
  const answer = await fetch(`http://localhost:${dev.port}/admin/config`, { headers: { authorization: "Bearer chosen $HOME" } });
  assert.equal(answer.status, 200);
  assert.doesNotMatch(dev.text, /demo server/);
});

test("when a part of scripts/dev dies, all of it ends and says so", async (t) => {
  const dev = await Dev.start(t, configuration(demo));
  await dev.says(/^ready /m);
  const started = dev.descendants();
  process.kill(
    started.find((pid) => commandOf(pid).includes("demo/server.mjs")),
    "SIGKILL",
  );
  assert.equal(await dev.ended, 1);
  assert.match(dev.text, /the demo server ended by itself/);
  assert.deepEqual(started.filter(isAlive), []);
});

test("a port that is taken is refused with what to do", async (t) => {
  const holder = createServer();
  await new Promise((resolve) => holder.listen(0, "127.0.0.1", resolve));
  t.after(() => holder.close());
  const dev = await Dev.start(t, configuration(demo), [], "", holder.address().port);
  assert.equal(await dev.ended, 1);
  assert.match(dev.text, /is taken; .*--port/);
});

/** One run of scripts/dev with a configuration of its own. */
class Dev {
  text = "";

  static async start(t, config, args = [], secrets = "", port = undefined) {
    const dev = new Dev();
    dev.folder = mkdtempSync(join(tmpdir(), "dev-"));
    dev.port = port ?? (await freePort());
    dev.configure(config);
    writeFileSync(join(dev.folder, "secrets.env"), secrets);
    const all = [
      "--port",
      String(dev.port),
      "--config",
      join(dev.folder, "gateway.json"),
      "--env-file",
      join(dev.folder, "secrets.env"),
      ...args,
    ];
    dev.child = spawn(script, all, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [dev.child.stdout, dev.child.stderr]) stream.setEncoding("utf8").on("data", (part) => (dev.text += part));
    dev.ended = new Promise((resolve) => dev.child.on("close", resolve));
    t.after(async () => {
      await dev.stop("SIGTERM");
      rmSync(dev.folder, { recursive: true });
      const state = /operator token is in (.+)\/secrets\.env/.exec(dev.text)?.[1];
      if (state) rmSync(new URL(`../../${state}`, import.meta.url), { recursive: true });
    });
    return dev;
  }

  configure(text) {
    writeFileSync(join(this.folder, "gateway.json"), text);
  }

  async status() {
    return (await fetch(`http://localhost:${this.port}/status`)).json();
  }

  async says(pattern, seconds = 60) {
    for (let waited = 0; waited < seconds * 10; waited += 1) {
      if (pattern.test(this.text)) return;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(`scripts/dev never said ${pattern}:\n${this.text}`);
  }

  /** Every process below it. */
  descendants() {
    const processes = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number));
    const below = (parent) => processes.filter(([, ppid]) => ppid === parent).flatMap(([pid]) => [pid, ...below(pid)]);
    return below(this.child.pid);
  }

  stop(signal) {
    if (this.child.exitCode === null) this.child.kill(signal);
    return this.ended;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const commandOf = (pid) => execFileSync("ps", ["-p", String(pid), "-o", "args="], { encoding: "utf8" });

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
