// scripts/dev as a person starts it on a fresh machine: what it says, what it serves, and that Ctrl-C leaves nothing behind.
//
// Not here: what the gateway answers in detail; this is about the script, wrangler and a gateway under them.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { ROOT, start } from "./support/child.mjs";
import { dev, startedBy } from "./support/dev-script.mjs";
import { eventually } from "./support/expect.mjs";
import { request } from "./support/http.mjs";
import { freePort, listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { SdkHost, connectSdk1 } from "./support/sdk-host.mjs";
import { startUpstream } from "./support/upstream.mjs";

const DEMO = "http://localhost:8788/mcp"; // as the committed gateway.json names it
const START = 240_000; // the first one may have to build

describe("scripts/dev", { timeout: 2 * START }, () => {
  let work;
  before(() => (work = mkdtempSync(path.join(tmpdir(), "dev-script-"))));
  after(() => rmSync(work, { recursive: true, force: true }));

  const write = (name, content) => {
    const file = path.join(work, name);
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  };

  const config = (servers, rest = {}) => ({ login: { kind: "dev" }, servers, public_index: true, ...rest });
  const demo = (name = "Demo") => ({ name, url: DEMO, auth: { kind: "none" } });

  test("one command: a ready line, a URL and a line to paste; a client signs in and calls the demo; Ctrl-C ends everything", { timeout: START }, async (t) => {
    const port = await freePort();
    const gateway = await dev(t, ["--config", write("first.json", config({ demo: demo() }))], { port });
    await gateway.script.says(/^Open http:\/\/localhost:\d+ and sign in as alice\.\n.*Ctrl-C/m);
    const { stdout } = gateway.script.said;
    assert.match(stdout, /^configuration version 1 in effect$/m);
    assert.match(stdout, new RegExp(`^ready http://localhost:${port}$`, "m"));
    assert.match(stdout, new RegExp(`^http://localhost:${port}/v1/mcp/demo$`, "m"));
    assert.match(stdout, new RegExp(`^ +claude mcp add --transport http demo http://localhost:${port}/v1/mcp/demo$`, "m"));
    for (const host of ["localhost", "127.0.0.1"]) {
      const answer = await request(`http://${host}:${port}/v1/mcp/demo`, { method: "POST" });
      assert.equal(answer.status, 401, `${host}: ${answer.text}`);
    }

    const { client } = await connectSdk1(gateway.mcpUrl("demo"));
    t.after(() => client.close());
    const sum = await client.callTool({ name: "add", arguments: { a: 2, b: 40 } });
    assert.equal(sum.content[0].text, "42");
    await client.close();

    const secrets = path.join(ROOT, ".dev/secrets.env");
    assert.match(readFileSync(secrets, "utf8"), /^KEY_RING=/m);
    assert.equal(statSync(secrets).mode & 0o077, 0, "only their owner reads the secrets");
    for (const line of readFileSync(secrets, "utf8").trim().split("\n")) {
      assert.ok(!gateway.script.said.both.includes(line.slice(line.indexOf("=") + 1)), "no secret is printed");
    }

    assert.ok(startedBy(gateway.mark).length > 3, "wrangler, workerd and the demo server run");
    gateway.script.signal("SIGINT");
    assert.equal((await gateway.script.ended).code, 0, gateway.script.said.both);
    await eventually(() => assert.deepEqual(startedBy(gateway.mark), [], "processes that are left"));
    await assert.rejects(request(gateway.url), /ECONNREFUSED/);
  });

  test("[P10] a change of the configuration is picked up without a restart; a wrong one is explained and changes nothing", { timeout: START }, async (t) => {
    const file = write("changing.json", config({ demo: demo() }));
    const gateway = await dev(t, ["--config", file]);
    const status = async () => (await gateway.fetch("/status")).json;
    const namesServer = (slug) => eventually(async () => assert.equal((await gateway.fetch(`/.well-known/oauth-protected-resource/v1/mcp/${slug}`)).status, 200));

    write("changing.json", config({ demo: demo(), second: demo("Second") }));
    await gateway.script.says(/^configuration version 2 in effect$/m);
    await namesServer("second");
    assert.deepEqual((await status()).servers.map(({ slug }) => slug), ["demo", "second"]);

    write("changing.json", config({ broken: { ...demo(), url: "no URL" } }));
    await gateway.script.says(/is not in effect:\n +\/servers\/broken\/url: .+\n +fix: /);
    assert.equal((await status()).configuration_version, 2);
    await namesServer("second");

    write("changing.json", "{ this is not JSON");
    await gateway.script.says(/is not in effect[\s\S]*is not in effect/);
    await namesServer("second");

    write("changing.json", config({ third: demo("Third") }));
    await namesServer("third");
    const gone = await gateway.fetch("/.well-known/oauth-protected-resource/v1/mcp/second");
    assert.equal(gone.status, 404, gone.text);

    assert.equal(gateway.script.said.both.match(/^ready /gm).length, 1, "without a restart");
  });

  test("the script ends all it started when it alone is told to, and when a part of it dies", { timeout: START }, async (t) => {
    const told = await dev(t, ["--config", write("told.json", config({ demo: demo() }))]);
    process.kill(told.script.pid, "SIGINT");
    assert.equal((await told.script.ended).code, 0, told.script.said.both);
    assert.deepEqual(startedBy(told.mark), []);

    const gateway = await dev(t, ["--config", write("dying.json", config({ demo: demo() }))]);
    process.kill(parseInt(startedBy(gateway.mark).find((line) => line.includes("demo/server.mjs"))), "SIGKILL");
    assert.equal((await gateway.script.ended).code, 1);
    assert.match(gateway.script.said.both, /the demo server ended by itself/);
    assert.deepEqual(startedBy(gateway.mark), []);
  });

  test("--no-demo and --env-file: only the gateway, with the secrets of the file", { timeout: START }, async (t) => {
    const upstream = await startUpstream();
    t.after(upstream.stop);
    const alpha = { name: "Alpha", url: upstream.url, auth: { kind: "headers", headers: { "X-Api-Key": { secret: "ALPHA_KEY" } } } };
    const secrets = { ADMIN_TOKEN: "chosen by $HOME, long enough", ALPHA_KEY: "a $HOME 'b' # c" };
    const envFile = write("secrets.env", `ADMIN_TOKEN='${secrets.ADMIN_TOKEN}'\nALPHA_KEY="${secrets.ALPHA_KEY}"\n`);
    const gateway = await dev(t, ["--no-demo", "--env-file", envFile, "--config", write("alone.json", config({ alpha }))]);
    assert.doesNotMatch(gateway.script.said.both, /demo server/);

    const version = await gateway.fetch("/admin/config", { headers: { authorization: `Bearer ${secrets.ADMIN_TOKEN}` } });
    assert.equal(version.status, 200, version.text);
    const { token } = await signedIn(gateway, "alpha");
    const answer = await callTool(gateway.mcpUrl("alpha"), token);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(upstream.calls("tools/call")[0].headers["x-api-key"], secrets.ALPHA_KEY);
    for (const secret of Object.values(secrets)) assert.ok(!gateway.script.said.both.includes(secret), "no secret is printed");
  });

  test("[Z8] 20 clients connect one after another, and 20 at once, each from a bare URL to a result", { timeout: START }, async (t) => {
    const gateway = await dev(t, ["--config", write("many.json", config({ demo: demo() }))]);
    const connect = async (number) => {
      const host = new SdkHost(gateway.url, { as: number % 2 === 0 ? "alice" : "bob" });
      const { client } = await connectSdk1(gateway.mcpUrl("demo"), { host });
      const { content } = await client.callTool({ name: "echo", arguments: { text: `client ${number}` } });
      await client.close();
      return content[0].text;
    };
    const expected = Array.from({ length: 20 }, (_, number) => `client ${number}`);
    const one = [];
    for (const number of expected.keys()) one.push(await connect(number));
    assert.deepEqual(one, expected);
    assert.deepEqual(await Promise.all([...expected.keys()].map(connect)), expected);
    assert.equal(gateway.script.said.both.match(/^ready /gm).length, 1, "without a restart");
  });

  test("[S8] in development any page on this computer may call, without a setting", { timeout: START }, async (t) => {
    const gateway = await dev(t, ["--config", write("origins.json", config({ demo: demo() }))]);
    const inspector = { origin: "http://localhost:6274" };
    const preflight = { ...inspector, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type,mcp-protocol-version" };
    for (const target of ["/v1/mcp/demo", "/oauth/token", "/oauth/register", "/.well-known/oauth-authorization-server"]) {
      const answer = await gateway.fetch(target, { method: "OPTIONS", headers: preflight });
      assert.equal(answer.status, 204, `${target}: ${answer.text}`);
      assert.ok([inspector.origin, "*"].includes(answer.headers["access-control-allow-origin"]), target);
    }
    const foreign = await gateway.fetch("/v1/mcp/demo", { method: "POST", headers: { origin: "https://evil.example" }, json: {} });
    assert.equal(foreign.status, 403, foreign.text);
  });

  test("a port that is taken and a configuration that is not there are said at once", async (t) => {
    const taken = await listen(net.createServer());
    t.after(taken.stop);
    const refuses = async (args, words) => {
      const script = start(path.join(ROOT, "scripts/dev"), args);
      t.after(script.stop);
      assert.equal((await script.ended).code, 1);
      assert.match(script.said.stderr, words);
    };
    await refuses(["--port", String(taken.port)], /port \d+ is taken; .*--port/);
    await refuses(["--port", String(await freePort()), "--config", path.join(work, "missing.json")], /missing\.json does not exist/);
  });
});
