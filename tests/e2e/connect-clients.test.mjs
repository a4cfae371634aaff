// Clients that other people wrote meet a server that its user has not connected: they stay connected, get to the call, show the link in the
// way each of them can, and go on in the same session once it was followed.
//
// Not here: what the signal looks like on the wire (connect.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";
import { UrlElicitationRequiredError } from "@modelcontextprotocol/sdk/types.js";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { connect, people, personAt, signalIn } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { SdkHost, connectSdk1 } from "./support/sdk-host.mjs";

const SHOWS_LINKS = { capabilities: { elicitation: { url: {} } } };
const textOf = ({ content }) => content[0].text;

describe("stock clients at a server that is not connected yet", { timeout: 120_000 }, () => {
  let gateway, server, upstream;
  const names = Array.from({ length: 12 }, (_, index) => `person-${index}`);
  let next = 0;
  before(async () => {
    server = await startAuthorizationServer();
    upstream = await startConnectedUpstream({ servers: [server], scopes: ["read"] });
    const notes = { name: "Notes", url: upstream.url, auth: { kind: "oauth", connect: "first_call" } };
    gateway = await startGateway({ config: configuration({ notes }, people(...names)) });
  });
  after(() => Promise.all([gateway, upstream, server].map((one) => one?.stop())));

  /** The application of somebody who has not been here before. */
  function somebody() {
    const as = names[(next += 1)];
    server.settings.account = `${as}@notes`;
    const host = new SdkHost(gateway.url, { as });
    host.browser = personAt(gateway, server);
    return { as, host, follow: (url) => connect(host.browser, url, { as }) };
  }

  async function connectSdk2(t, mode, host, options = {}) {
    const transport = () => new sdk2.StreamableHTTPClientTransport(new URL(gateway.mcpUrl("notes")), { authProvider: host });
    const client = () => new sdk2.Client({ name: "sdk-2", version: "1" }, { versionNegotiation: { mode }, ...options });
    const first = transport();
    await assert.rejects(client().connect(first), sdk2.UnauthorizedError);
    await first.finishAuth(host.callback);
    const connected = client();
    t.after(() => connected.close());
    await connected.connect(transport());
    return connected;
  }

  test("[X2] SDK 1.x that shows links gets the error with the link, and the same session works after it", async (t) => {
    const { as, host, follow } = somebody();
    const { client } = await connectSdk1(gateway.mcpUrl("notes"), { host, options: SHOWS_LINKS });
    t.after(() => client.close());
    const { tools } = await client.listTools();
    assert.ok(tools.length > 0, "there is something to call");
    const asked = await client.callTool({ name: "who_am_i" }).then(
      () => assert.fail("it was not asked"),
      (error) => error,
    );
    assert.ok(asked instanceof UrlElicitationRequiredError, String(asked));
    assert.equal(asked.elicitations.length, 1);
    await follow(asked.elicitations[0].url);
    assert.equal(textOf(await client.callTool({ name: "who_am_i" })), `${as}@notes`);
    assert.ok((await client.listTools()).tools.some(({ name }) => name === "who_am_i"), "and now the server's own tools are listed");
    await client.ping();
  });

  test("[X2] SDK 1.x that cannot show links is told in the result of the call", async (t) => {
    const { as, host, follow } = somebody();
    const { client } = await connectSdk1(gateway.mcpUrl("notes"), { host });
    t.after(() => client.close());
    const { tools } = await client.listTools();
    const asked = await client.callTool({ name: tools[0].name });
    assert.equal(asked.isError, true);
    const signal = signalIn({ result: asked });
    assert.equal(signal?.shape, "text", JSON.stringify(asked));
    await follow(signal.url);
    assert.equal(textOf(await client.callTool({ name: "who_am_i" })), `${as}@notes`);
  });

  test("[X2] SDK 2.x in the modern era shows the link by itself and retries with the state", async (t) => {
    const { as, host, follow } = somebody();
    const client = await connectSdk2(t, "auto", host, SHOWS_LINKS);
    const shown = [];
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      shown.push(params);
      await follow(params.url);
      return { action: "accept" };
    });
    assert.ok((await client.listTools()).tools.length > 0);
    assert.equal(textOf(await client.callTool({ name: "who_am_i" })), `${as}@notes`);
    assert.deepEqual(shown.map(({ mode }) => mode), ["url"]);
    assert.equal(textOf(await client.callTool({ name: "who_am_i" })), `${as}@notes`);
    assert.equal(shown.length, 1);
  });

  test("[X2] SDK 2.x whose person says no hears that, and is asked again by the next call", async (t) => {
    const { host } = somebody();
    const client = await connectSdk2(t, "auto", host, SHOWS_LINKS);
    let asked = 0;
    client.setRequestHandler("elicitation/create", async () => {
      asked += 1;
      return { action: "decline" };
    });
    for (const times of [1, 2]) {
      const answer = await client.callTool({ name: "who_am_i" }).catch((error) => error);
      assert.ok(answer instanceof Error || answer.isError, JSON.stringify(answer));
      assert.ok(asked >= times && asked <= 2 * times, `asked ${asked} times`);
    }
  });

  test("[X2] SDK 2.x in the legacy era gets the error with the link", async (t) => {
    const { as, host, follow } = somebody();
    const client = await connectSdk2(t, "legacy", host, SHOWS_LINKS);
    const asked = await client.callTool({ name: "who_am_i" }).then(
      () => assert.fail("it was not asked"),
      (error) => error,
    );
    assert.equal(asked.code, -32042, String(asked));
    await follow(asked.data.elicitations[0].url);
    assert.equal(textOf(await client.callTool({ name: "who_am_i" })), `${as}@notes`);
  });
});
