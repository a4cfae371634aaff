// Clients that other people wrote, as they are: each gets a bare URL, finds its way to a tool result, and refreshes when its token expires.
//
// Not here: what each endpoint answers in detail; the suites named after the endpoints say that.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";

import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

import { Browser } from "./support/browser.mjs";
import { packaged, quietEnvironment, start } from "./support/child.mjs";
import { eventually } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { freePort } from "./support/listen.mjs";
import { LEGACY, MODERN } from "./support/mcp.mjs";
import { SdkHost, connectSdk1, connectSdk2 } from "./support/sdk-host.mjs";
import { startUpstream } from "./support/upstream.mjs";

const ANSWER = "This is a simple text response for testing.";
const LIFETIME = 4; // seconds: long enough for a first call on a busy machine, short enough to wait for its end

describe("stock clients", () => {
  let gateway, upstream, home;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }, { tokens: { access_ttl_seconds: LIFETIME } }) });
    home = mkdtempSync(path.join(tmpdir(), "stock-clients-"));
  });
  after(async () => {
    await Promise.all([gateway?.stop(), upstream?.stop()]);
    if (home) rmSync(home, { recursive: true, force: true });
  });
  beforeEach(() => {
    gateway.logs.lines.length = 0;
    upstream.requests.length = 0;
  });

  /** How often the gateway answered there with success. */
  const served = (route) => gateway.logs.lines.filter(({ fields }) => fields?.route === route && fields.status < 300).length;
  const tokensIssued = () => served("/oauth/token");

  /** Calls until the client has refreshed; each call has to succeed, and nobody is asked again. */
  async function callUntilRefreshed(call) {
    const signIns = gateway.logs.lines.filter(({ fields }) => fields?.route === "/oauth/authorize").length;
    const end = Date.now() + 5 * LIFETIME * 1000;
    while (tokensIssued() < 2) {
      assert.ok(Date.now() < end, `no refresh:\n${gateway.logs}`);
      assert.equal(await call(), ANSWER);
    }
    assert.equal(await call(), ANSWER, "and with the new token");
    assert.equal(gateway.logs.lines.filter(({ fields }) => fields?.route === "/oauth/authorize").length, signIns, "no second sign-in");
  }

  const revisionsUpstream = () => new Set(upstream.calls("tools/call").map(({ headers }) => headers["mcp-protocol-version"]));
  const textOf = ({ content }) => content[0].text;
  const answerElicitation = async () => ({ action: "accept", content: { name: "Alice", username: "alice", email: "alice@example.com" } });

  test("[S11] SDK 1.x: discovers, registers, signs in, calls, refreshes", async (t) => {
    const host = new SdkHost(gateway.url);
    const { client } = await connectSdk1(gateway.mcpUrl("alpha"), { host });
    t.after(() => client.close());
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === "test_simple_text"));
    await callUntilRefreshed(async () => textOf(await client.callTool({ name: "test_simple_text" })));
    assert.ok(host.issued.length >= 2);
    assert.notEqual(host.issued[0].refresh_token, host.issued[1].refresh_token, "rotated");
    assert.equal(host.signIns, 1);
  });

  test("[X1] SDK 1.x: a server asks the person on the stream of a call and gets the answer", async (t) => {
    const { client } = await connectSdk1(gateway.mcpUrl("alpha"), { options: { capabilities: { elicitation: {} } } });
    t.after(() => client.close());
    client.setRequestHandler(ElicitRequestSchema, answerElicitation);
    const progress = [];
    assert.match(textOf(await client.callTool({ name: "test_elicitation", arguments: { message: "Who?" } })), /alice@example.com/);
    await client.callTool({ name: "test_tool_with_progress" }, undefined, { onprogress: (step) => progress.push(step.progress) });
    assert.deepEqual(progress, [0, 50, 100]);
  });

  for (const [mode, revision] of [["legacy", LEGACY], ["auto", MODERN]]) {
    test(`[S11] [X1] SDK 2.x with negotiation ${mode}: discovers, registers, signs in, calls, refreshes`, async (t) => {
      const host = new SdkHost(gateway.url);
      const { client } = await connectSdk2(gateway.mcpUrl("alpha"), mode, { host });
      t.after(() => client.close());
      await callUntilRefreshed(async () => textOf(await client.callTool({ name: "test_simple_text" })));
      assert.ok(host.issued.length >= 2);
      assert.equal(host.signIns, 1);
      assert.deepEqual(revisionsUpstream(), new Set([revision]));
      });

    test(`[X1] SDK 2.x with negotiation ${mode}: a server asks the person and gets the answer`, async (t) => {
      const options = { capabilities: { elicitation: { form: {} } } };
      const { client } = await connectSdk2(gateway.mcpUrl("alpha"), mode, { host: new SdkHost(gateway.url), options });
      t.after(() => client.close());
      client.setRequestHandler("elicitation/create", answerElicitation);
      const tool = mode === "legacy" ? { name: "test_elicitation", arguments: { message: "Who?" } } : { name: "test_input_required_result_elicitation" };
      const result = await client.callTool(tool);
      assert.ok(!result.isError, JSON.stringify(result));
      assert.match(textOf(result), /alice/i);
      });
  }

  for (const [era, revision] of [["legacy", LEGACY], ["modern", MODERN]]) {
    test(`[Z13] [S6] MCP Inspector, ${era} era: discovers, registers, signs in, calls, and a later run refreshes`, async (t) => {
      const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`;
      const inspector = (...more) => {
        const args = ["--cli", gateway.mcpUrl("alpha"), "--transport", "http", "--protocol-era", era, "--format", "json", "--callback-url", callback, ...more];
        const child = start(process.execPath, [packaged("@modelcontextprotocol/inspector/clients/launcher/build/index.js"), ...args], {
          env: quietEnvironment(home, {
            MCP_AUTO_OPEN_ENABLED: "true",
            MCP_STORAGE_DIR: path.join(home, `inspector-${era}`),
            MCP_INSPECTOR_SECRET_STORE: "file",
          }),
        });
        t.after(child.stop);
        return child;
      };
      const call = ["--method", "tools/call", "--tool-name", "test_simple_text"];

      const first = inspector(...call);
      await visit((await first.says(/navigate to:\s*(http\S+)/i))[1]);
      assert.deepEqual(await resultOf(first), ANSWER);
      assert.equal(tokensIssued(), 1);
      await callUntilRefreshed(() => resultOf(inspector("--stored-auth-only", ...call)));
      assert.deepEqual(revisionsUpstream(), new Set([revision]));
    });
  }

  async function resultOf(child) {
    const { code } = await child.ended;
    assert.equal(code, 0, child.said.both);
    const answer = JSON.parse(child.said.stdout);
    return textOf(answer.result ?? answer);
  }

  for (const [protocol, revision] of [["legacy", LEGACY], ["auto", MODERN]]) {
    test(`[S11] mcp-remote, protocol ${protocol}: a client on stdio discovers, registers, signs in, calls, refreshes`, async (t) => {
      const args = [packaged("mcp-remote/dist/proxy.js"), gateway.mcpUrl("alpha"), String(await freePort()), "--protocol", protocol];
      const bridge = start(process.execPath, args, { env: quietEnvironment(home, { MCP_REMOTE_CONFIG_DIR: path.join(home, `remote-${protocol}`) }) });
      t.after(bridge.stop);
      const rpc = stdio(bridge);
      const opened = rpc("initialize", { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: "stdio", version: "1" } });
      await visit((await bridge.says(/visiting:\s*(http\S+)/))[1]);
      assert.equal((await opened).serverInfo.name, "conformance-upstream");
      bridge.write({ jsonrpc: "2.0", method: "notifications/initialized" });
      await callUntilRefreshed(async () => textOf(await rpc("tools/call", { name: "test_simple_text", arguments: {} })));
      assert.deepEqual(revisionsUpstream(), new Set([revision]));
    });
  }

  /** The person opens the link, signs in, consents, and the browser ends at the client's own listener. */
  async function visit(link) {
    const { landed, text } = await new Browser(gateway.url).walk(link);
    assert.ok(landed, text);
    const page = await eventually(() => request(landed)); // some clients print the link before they listen
    assert.ok(page.status < 400, page.text);
  }
});

/** JSON-RPC over a child's standard streams, one message per line. */
function stdio(child) {
  let next = 1;
  return async (method, params) => {
    const id = next++;
    child.write({ jsonrpc: "2.0", id, method, params });
    const [line] = await child.says(new RegExp(`^\\{.*"id":${id}[,}].*$`, "m"));
    const { result, error } = JSON.parse(line);
    assert.equal(error, undefined, line);
    return result;
  };
}
