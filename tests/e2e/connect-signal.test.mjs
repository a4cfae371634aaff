// What stock clients get from a server that is not connected yet, beside the call itself: they start, list and ask for everything they can,
// and all of it is valid to them; and once it is connected, everything is the server's own again.
//
// Not here: the call and its link (connect-clients.test.mjs), what is on the wire (connect.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

import { SHOWS_LINKS, clientOf, signalIn } from "./support/connect-driver.mjs";
import { eventually } from "./support/expect.mjs";
import { modernCall, post } from "./support/mcp.mjs";
import { startUnconnected } from "./support/unconnected.mjs";

const TOOL = "connect_notes";
const URI = "test://static-text";

describe("a server that is not connected yet", () => {
  let unconnected, gateway, server, upstream, url, somebody, sdk1, sdk2;
  before(async () => {
    unconnected = await startUnconnected();
    ({ gateway, server, upstream, url, somebody, sdk1, sdk2 } = unconnected);
  });
  after(() => unconnected?.stop());

  /** Everything a client can ask for without naming anything. */
  async function asksForAll(client) {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name), [TOOL]);
    assert.match(tools[0].description, /Notes is not connected/);
    assert.deepEqual((await client.listPrompts()).prompts, []);
    assert.deepEqual((await client.listResources()).resources, []);
    assert.deepEqual((await client.listResourceTemplates()).resourceTemplates, []);
    assert.match(client.getInstructions(), /connect_notes/);
  }

  const nothingReached = () => assert.equal(upstream.served("tools/list").length, 0);

  test("[X2] SDK 1.x starts, lists, pings and sets a level", async (t) => {
    const client = await sdk1(t, somebody().host);
    await asksForAll(client);
    await client.ping();
    await client.setLoggingLevel("warning");
    nothingReached();
  });

  for (const mode of ["legacy", "auto"]) {
    test(`[X2] SDK 2.x with negotiation ${mode} starts and lists`, async (t) => {
      const client = await sdk2(t, mode, somebody().host);
      await asksForAll(client);
      nothingReached();
    });
  }

  test("[X2] [X1] what cannot be answered in its stead fails in the client's own era", async (t) => {
    const { host } = somebody();
    const legacy = await sdk1(t, host);
    const read = await legacy.readResource({ uri: URI }).catch((error) => error);
    assert.equal(read.code, -31042, String(read));
    assert.equal(read.data.state, "authenticating");
    assert.match(read.data.authUrl, /\/connect\/notes\?s=/);
    const { client: modern } = await unconnected.modern(t);
    const refused = await modern.readResource({ uri: URI }).catch((error) => error);
    assert.equal(refused.code, -32021, String(refused));
    assert.deepEqual(refused.data.requiredCapabilities, { elicitation: { url: {} } });
  });

  test("[X2] the link goes to a page for this person, and what is sent to it is sealed", async () => {
    const person = await clientOf(gateway, "notes", [server], { as: "known" });
    const { signal } = await person.call(TOOL);
    const link = new URL(signal.url);
    assert.equal(link.origin, gateway.url);
    assert.ok(!decodeURIComponent(signal.url).includes("known"), "no person is named in it");
    assert.ok(!signal.requestState.includes("known"));
  });

  test("[X2] a requestState that was changed, or is of another request, is refused", async () => {
    const person = await clientOf(gateway, "notes", [server], { as: "known" });
    const { signal } = await person.call(TOOL);
    const retry = (name, requestState) =>
      post(url, person.token, modernCall("tools/call", { name, arguments: {}, requestState, inputResponses: { connect: { action: "accept" } } }, { capabilities: SHOWS_LINKS }));
    for (const [name, state] of [["another", signal.requestState], [TOOL, signal.requestState.slice(0, -2)]]) {
      const { status, message } = await retry(name, state);
      assert.deepEqual([status, message.error.code, message.error.data.reason], [400, -32602, "request_state_unfit"]);
    }
  });

  test("[Z3] [X2] SDK 1.x without elicitation: the tool says where to go, and afterwards that there is more to list", async (t) => {
    const { as, host, follow } = somebody();
    const client = await sdk1(t, host);
    let changed = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (changed += 1));
    const asked = signalIn({ result: await client.callTool({ name: TOOL }) });
    assert.equal(asked?.shape, "text");
    await follow(asked.url);
    const told = await client.callTool({ name: TOOL });
    assert.match(told.content[0].text, /Notes is connected/);
    await eventually(() => assert.ok(changed > 0));
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === "who_am_i") && tools.every(({ name }) => name !== TOOL));
    assert.equal((await client.callTool({ name: "who_am_i" })).content[0].text, `${as}@notes`);
    assert.ok((await client.listPrompts()).prompts.length > 0, "what it asks for is the server's own now");
    const [{ json }] = upstream.calls("initialize").slice(-1);
    assert.equal(json.params.clientInfo.name, "sdk-1", "the server knows the client by its own name");
  });

  test("[X2] SDK 2.x in the modern era: prompts and resources ask too, and go on with the retry", async (t) => {
    const { as, client, follow } = await unconnected.modern(t, SHOWS_LINKS);
    const shown = [];
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      shown.push(params);
      await follow(params.url);
      return { action: "accept" };
    });
    const read = await client.readResource({ uri: URI });
    assert.equal(read.contents[0].uri, URI);
    assert.deepEqual(shown.map(({ mode, message }) => [mode, message.startsWith("Notes authorization must be renewed")]), [["url", true]]);
    assert.equal((await client.callTool({ name: "who_am_i" })).content[0].text, `${as}@notes`);
    assert.equal(shown.length, 1);
  });

  test("[X2] SDK 2.x in the modern era: a person who takes their time is waited for", async (t) => {
    const { as, client, follow } = await unconnected.modern(t, SHOWS_LINKS);
    let rounds = 0;
    let followed;
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      rounds += 1;
      followed = new Promise((resolve) => setTimeout(resolve, 3000)).then(() => follow(params.url));
      return { action: "accept" }; // as applications do that open a browser and do not wait for it
    });
    assert.equal((await client.callTool({ name: "who_am_i" })).content[0].text, `${as}@notes`);
    await followed;
    assert.equal(rounds, 1, "the retry waited for the person");
  });

  test("[X26] [Z5] a connected server that lost its sessions and forgot its tokens is mended in one call", async (t) => {
    const { as, host, follow } = somebody();
    const client = await sdk1(t, host);
    await follow(signalIn({ result: await client.callTool({ name: TOOL }) }).url);
    const who = async () => (await client.callTool({ name: "who_am_i" })).content[0].text;
    assert.equal(await who(), `${as}@notes`);
    upstream.forgetSessions();
    assert.equal(await who(), `${as}@notes`);
    upstream.forgetSessions();
    await server.expireAccessTokens();
    assert.equal(await who(), `${as}@notes`);
  });

  test("[Z4] a grant that the upstream ended asks to be renewed, and the same session goes on with the new one", async (t) => {
    const { as, host, follow } = somebody();
    const client = await sdk1(t, host, SHOWS_LINKS);
    const who = async () => (await client.callTool({ name: "who_am_i" })).content[0].text;
    const asked = () => who().then(() => assert.fail("it was not asked"), (error) => error);
    await follow((await asked()).elicitations[0].url);
    assert.equal(await who(), `${as}@notes`);
    server.revokeGrants(`${as}@notes`);
    const { code, elicitations } = await asked();
    assert.equal(code, -32042);
    assert.equal(elicitations[0].message, "Notes authorization must be renewed.");
    assert.deepEqual((await client.listTools()).tools.map(({ name }) => name), [TOOL], "and what can be called now is listed");
    await follow(elicitations[0].url);
    assert.equal(await who(), `${as}@notes`);
  });
});
