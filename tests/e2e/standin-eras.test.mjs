// Clients of either era meet a server whose account is not connected yet, and nobody knows which eras the server speaks: the session they
// begin goes on once the account is connected, wherever the server can be spoken to in it.
//
// Not here: how they are asked to connect (connect-clients.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { packaged, start } from "./support/child.mjs";
import { connect, people, signalIn } from "./support/connect-driver.mjs";
import { Browser } from "./support/browser.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/listen.mjs";
import { SdkHost, connectSdk1, connectSdk2 } from "./support/sdk-host.mjs";
import { startUnconnected } from "./support/unconnected.mjs";

const textOf = ({ content }) => content[0].text;

/** The example server of SDK 1.x with its own sign-in, as it is: it speaks nothing newer than 2025-11-25. */
async function startLegacyExample() {
  const [port, authPort] = [await freePort(), await freePort()];
  const file = packaged("@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js");
  const child = start(process.execPath, [file, "--oauth"], { env: { ...process.env, MCP_PORT: String(port), MCP_AUTH_PORT: String(authPort) } });
  try {
    await Promise.all([child.says(/MCP Streamable HTTP Server listening/), child.says(/OAuth Authorization Server listening/)]);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url: `http://localhost:${port}/mcp`, issuer: `http://localhost:${authPort}`, stop: child.stop };
}

describe("[X1] a server that speaks only the older revisions", { timeout: 60_000 }, () => {
  const names = ["legacy", "auto", "sdk1"];
  let gateway, upstream;
  before(async () => {
    upstream = await startLegacyExample();
    const example = { name: "Example", url: upstream.url, auth: { kind: "oauth", connect: "first_call" } };
    gateway = await startGateway({ config: configuration({ example }, people(...names)) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  const clients = {
    sdk1: (host) => connectSdk1(gateway.mcpUrl("example"), { host }),
    legacy: (host) => connectSdk2(gateway.mcpUrl("example"), "legacy", { host }),
    auto: (host) => connectSdk2(gateway.mcpUrl("example"), "auto", { host }),
  };
  for (const [as, connected] of Object.entries(clients)) {
    test(`[X2] [X1] a client (${as}) connects the account and goes on in the same session`, async (t) => {
      const host = new SdkHost(gateway.url, { as });
      host.browser = new Browser(gateway.url, upstream.issuer);
      const { client } = await connected(host);
      t.after(() => client.close());
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map(({ name }) => name), ["connect_example"]);
      await connect(host.browser, signalIn({ result: await client.callTool({ name: tools[0].name }) }).url, { as });
      assert.match(textOf(await client.callTool({ name: "greet", arguments: { name: as } })), new RegExp(`Hello, ${as}`));
      assert.ok((await client.listTools()).tools.some(({ name }) => name === "greet"));
    });
  }
});

describe("[X1] a server that speaks only the newest revision", { timeout: 60_000 }, () => {
  let unconnected;
  before(async () => (unconnected = await startUnconnected({ modernOnly: true })));
  after(() => unconnected?.stop());

  for (const mode of ["legacy", "auto"]) {
    test(`[X1] SDK 2.x (${mode}) in a session from before is told what is wrong`, async (t) => {
      const { as, host, follow } = unconnected.somebody();
      const client = await unconnected.sdk2(t, mode, host);
      await follow(signalIn({ result: await client.callTool({ name: "connect_notes" }) }).url);
      const refused = await client.callTool({ name: "who_am_i" }).catch((error) => error);
      const { error } = JSON.parse(/\{.*\}/s.exec(refused.data?.text ?? refused.message)[0]);
      assert.equal(error.data.reason, "upstream_modern_only", String(refused));
      assert.match(error.message, /^Notes speaks only revisions of MCP from 2026-07-28 on/);
      if (mode === "legacy") return;
      const anew = await unconnected.sdk2(t, mode, host);
      assert.equal(textOf(await anew.callTool({ name: "who_am_i" })), `${as}@notes`, "a new session finds out by itself");
    });
  }
});
