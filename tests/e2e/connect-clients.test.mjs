// Clients that other people wrote meet a server that its user has not connected: they stay connected, get to the call, show the link in the
// way each of them can, and go on in the same session once it was followed.
//
// Not here: what the signal looks like on the wire (connect.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { UrlElicitationRequiredError } from "@modelcontextprotocol/sdk/types.js";

import { SHOWS_LINKS, signalIn } from "./support/connect-driver.mjs";
import { startUnconnected } from "./support/unconnected.mjs";

const textOf = ({ content }) => content[0].text;

describe("stock clients at a server that is not connected yet", { timeout: 120_000 }, () => {
  let unconnected;
  before(async () => (unconnected = await startUnconnected()));
  after(() => unconnected?.stop());

  test("[X2] SDK 1.x that shows links gets the error with the link, and the same session works after it", async (t) => {
    const { as, host, follow } = unconnected.somebody();
    const client = await unconnected.sdk1(t, host, SHOWS_LINKS);
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
    const { as, host, follow } = unconnected.somebody();
    const client = await unconnected.sdk1(t, host);
    const { tools } = await client.listTools();
    const asked = await client.callTool({ name: tools[0].name });
    assert.equal(asked.isError, true);
    const signal = signalIn({ result: asked });
    assert.equal(signal?.shape, "text", JSON.stringify(asked));
    await follow(signal.url);
    assert.equal(textOf(await client.callTool({ name: "who_am_i" })), `${as}@notes`);
  });

  test("[X2] SDK 2.x in the modern era shows the link by itself and retries with the state", async (t) => {
    const { as, client, follow } = await unconnected.modern(t, SHOWS_LINKS);
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
    const { client } = await unconnected.modern(t, SHOWS_LINKS);
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
    const { as, host, follow } = unconnected.somebody();
    const client = await unconnected.sdk2(t, "legacy", host, SHOWS_LINKS);
    const asked = await client.callTool({ name: "who_am_i" }).then(
      () => assert.fail("it was not asked"),
      (error) => error,
    );
    assert.equal(asked.code, -32042, String(asked));
    await follow(asked.data.elicitations[0].url);
    assert.equal(textOf(await client.callTool({ name: "who_am_i" })), `${as}@notes`);
  });
});
