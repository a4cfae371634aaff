// The commands of docs/clients.md are run as they are written there, where the client can be installed: only the package that npx, npm or
// pip would fetch is the one that the tests pin.
//
// Not here: that the document and the gateway's page are written from the same data (tests/guides.rs), and what these clients do beyond a
// first call (stock-clients.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { cachedProgram } from "./support/cached-package.mjs";
import { packaged, quietEnvironment, start } from "./support/child.mjs";
import { eventually } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { freePort } from "./support/listen.mjs";
import { LEGACY } from "./support/mcp.mjs";
import { pythonProgram } from "./support/python/python.mjs";
import { startUpstream } from "./support/upstream.mjs";

const clients = JSON.parse(readFileSync(new URL("../../docs/data/clients.json", import.meta.url), "utf8"));

/** What npx starts for each beginning of a command. */
const PACKAGES = [
  ["npx -y -p node@22 -p @modelcontextprotocol/inspector@latest mcp-inspector", "@modelcontextprotocol/inspector/clients/launcher/build/index.js"],
  ["npx -y mcp-remote", "mcp-remote/dist/proxy.js"],
];

/** Some 240 MB, so it is in the cache and not in everybody's node_modules. */
const CLAUDE_CODE = "@anthropic-ai/claude-code@2.1.197";

describe("guides", { timeout: 120_000 }, () => {
  let gateway, upstream, home;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }) });
    home = mkdtempSync(path.join(tmpdir(), "guides-"));
  });
  after(async () => {
    await Promise.all([gateway?.stop(), upstream?.stop()]);
    if (home) rmSync(home, { recursive: true, force: true });
  });

  /** The words of the first command of a client's guide, for this gateway. */
  function words(name) {
    const { add } = clients.find((client) => client.name.startsWith(name));
    const { command } = add.find((step) => step.command);
    return command.replaceAll("{slug}", "alpha").replaceAll("{url}", gateway.mcpUrl("alpha")).split(" ");
  }

  /** The command of a client's guide for this gateway, with the package in the place of npx, `mode` before what is written and `more` behind. */
  function run(t, name, { mode = [], more = [], environment = {} }) {
    const written = words(name).join(" ");
    const [beginning, file] = PACKAGES.find(([beginning]) => written.startsWith(`${beginning} `));
    const child = start(process.execPath, [packaged(file), ...mode, ...written.slice(beginning.length + 1).split(" "), ...more], { env: quietEnvironment(home, environment) });
    t.after(child.stop);
    return child;
  }

  async function visit(link) {
    const { landed, text } = await new Browser(gateway.url).walk(link);
    assert.ok(landed, text);
    assert.ok((await eventually(() => request(landed))).status < 400);
  }

  test("[X14] MCP Inspector is started with the command of its guide, and calls a tool", async (t) => {
    const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`;
    const more = ["--callback-url", callback, "--format", "json", "--method", "tools/call", "--tool-name", "test_simple_text"];
    const environment = { MCP_AUTO_OPEN_ENABLED: "true", MCP_STORAGE_DIR: path.join(home, "inspector"), MCP_INSPECTOR_SECRET_STORE: "file" };
    const inspector = run(t, "MCP Inspector", { mode: ["--cli"], more, environment });
    await visit((await inspector.says(/navigate to:\s*(http\S+)/i))[1]);
    assert.equal((await inspector.ended).code, 0, inspector.said.both);
    assert.match(inspector.said.stdout, /This is a simple text response for testing/);
  });

  test("[X14] mcp-remote is started with the command of its guide, and brings a client on stdio there", async (t) => {
    const bridge = run(t, "mcp-remote", { more: [String(await freePort())], environment: { MCP_REMOTE_CONFIG_DIR: path.join(home, "remote") } });
    bridge.write({ jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: "stdio", version: "1" } } });
    await visit((await bridge.says(/visiting:\s*(http\S+)/))[1]);
    assert.match((await bridge.says(/^\{.*"id":1[,}].*$/m))[0], /conformance-upstream/);
  });

  test("[X14] FastMCP lists the tools with the command of its guide, after a sign-in", async (t) => {
    const [program, ...args] = words("FastMCP");
    const client = start(pythonProgram(program), args, { env: quietEnvironment(home, { BROWSER: "echo opens %s", COLUMNS: "200" }) });
    t.after(client.stop);
    await visit((await client.says(/opens (http\S+)/))[1]);
    assert.equal((await client.ended).code, 0, client.said.both);
    assert.match(client.said.stdout, /test_simple_text/);
  });

  test("[X14] Claude Code adds the server with the command of its guide, sees that it wants a sign-in, and forgets it", async (t) => {
    const [, ...args] = words("Claude Code");
    const claude = cachedProgram(CLAUDE_CODE, "claude");
    const environment = quietEnvironment(home, { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_AUTOUPDATER: "1" });
    const run = async (...given) => {
      const child = start(claude, given, { env: environment, cwd: home });
      t.after(child.stop);
      assert.equal((await child.ended).code, 0, child.said.both);
      return child.said.both;
    };
    assert.match(await run(...args), /Added HTTP MCP server alpha/);
    assert.match(readFileSync(path.join(home, ".claude.json"), "utf8"), new RegExp(gateway.mcpUrl("alpha")), "where the guide says that it is kept");
    assert.match(await run("mcp", "get", "alpha"), /Needs authentication/);
    const { reset } = clients.find(({ name }) => name === "Claude Code");
    const forgets = /`claude (mcp remove \S+)`/.exec(reset)[1].replace("{slug}", "alpha");
    assert.match(await run(...forgets.split(" ")), /Removed/);
  });
});
