// Upstreams that misbehave: always a JSON-RPC error with a reason and the request's id, in time, and the gateway lives on.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startBroken } from "./support/broken-upstreams.mjs";
import { assertRpcRefused } from "./support/expect.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { events, legacyCall, modernCall, post } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("upstreams that misbehave", () => {
  let gateway, healthy;
  before(async () => {
    healthy = await startUpstream();
    gateway = await startGateway();
  });
  after(() => Promise.all([gateway?.stop(), healthy?.stop()]));

  const call = modernCall("tools/call", { name: "anything", arguments: {} }, { id: "the-id" });

  /** A gateway server in front of that upstream, and a caller with a token. */
  async function inFrontOf(misbehaviour, { elsewhere } = {}) {
    const upstream = await startBroken(misbehaviour, { elsewhere });
    const server = { name: "Broken", url: upstream.url, auth: { kind: "none" }, timeout_seconds: 1 };
    const { status, text } = await gateway.configure(configuration({ broken: server, healthy: healthy.url }, { consent: "never" }));
    assert.equal(status, 200, text);
    const { token } = await signedIn(gateway, "broken");
    return { upstream, url: gateway.mcpUrl("broken"), token };
  }

  const failures = {
    "refuses connections": { status: 502, reason: "upstream_unreachable" },
    "never answers": { status: 504, reason: "upstream_timeout" },
    "hangs up": { status: 502, reason: "upstream_unreachable" },
    "answers bytes that are not HTTP": { status: 502, reason: "upstream_unreachable" },
    "sends a header without end": { statuses: [502, 504] },
    "sends a huge header": { statuses: [502, 504] },
    "answers with a redirect": { status: 502, reason: "upstream_redirected" },
    "answers HTML": { status: 502, reason: "upstream_not_mcp" },
    "answers HTML with an error status": { status: 502, reason: "upstream_error" },
    "answers 200 with nothing": { status: 502 },
    "answers garbage that it calls JSON": { status: 502, reason: "upstream_garbled" },
    "breaks off in the middle of a short answer": { status: 502, reason: "upstream_unreachable" },
    "stalls in the middle of a short answer": { status: 504, reason: "upstream_timeout" },
    "answers 401 with its own challenge": { status: 502, reason: "upstream_unauthorized" },
    "answers 403": { status: 502 },
  };
  for (const [misbehaviour, { status, statuses = [status], reason }] of Object.entries(failures)) {
    test(`[P16] [X13] one that ${misbehaviour}`, async () => {
      const { upstream, url, token } = await inFrontOf(misbehaviour, { elsewhere: healthy.url });
      try {
        const received = healthy.requests.length;
        const started = Date.now();
        const answer = await post(url, token, call);
        assert.ok(Date.now() - started < 8000, "it took too long");
        assert.ok(statuses.includes(answer.status), `${answer.status} ${answer.text}`);
        assertRpcRefused(answer, { status: answer.status, id: "the-id", reason, slug: "broken" });
        assert.equal(answer.headers["www-authenticate"], undefined, "a challenge of the upstream's, or one the client cannot meet");
        assert.equal(healthy.requests.length, received, "a redirect was followed");
        const { token: other } = await signedIn(gateway, "healthy");
        assert.equal((await post(gateway.mcpUrl("healthy"), other, modernCall("tools/list"))).status, 200, "the gateway did not live on");
      } finally {
        await upstream.stop();
      }
    });
  }

  test("[X13] the reason in the answer is the reason in the log", async () => {
    const { upstream, url, token } = await inFrontOf("answers HTML");
    try {
      const answer = await post(url, token, call);
      const line = await gateway.logs.find(({ fields }) => fields?.request_id === answer.headers["x-request-id"]);
      assert.equal(line.fields.reason, answer.json.error.data.reason);
      assert.equal(line.fields.server, "broken");
      assert.ok(!line.message.includes(token));
    } finally {
      await upstream.stop();
    }
  });

  for (const misbehaviour of ["answers 500 with a JSON-RPC error", "answers 400 with a validation error"]) {
    test(`[N7] one that ${misbehaviour}: error and status arrive unchanged`, async () => {
      const { upstream, url, token } = await inFrontOf(misbehaviour);
      try {
        const direct = await post(upstream.url, undefined, call);
        const through = await post(url, token, call);
        assert.equal(through.status, direct.status);
        assert.equal(through.text, direct.text);
        assert.equal(through.json.id, "the-id");
      } finally {
        await upstream.stop();
      }
    });
  }

  test("one that sets cookies and headers of its own: they stay behind", async () => {
    const { upstream, url, token } = await inFrontOf("sets cookies and headers of its own");
    try {
      const { status, headers } = await post(url, token, call);
      assert.equal(status, 200);
      for (const name of ["set-cookie", "www-authenticate", "access-control-allow-origin", "x-powered-by"]) assert.equal(headers[name], undefined, name);
      assert.match(headers["cache-control"], /no-store/);
    } finally {
      await upstream.stop();
    }
  });

  test("one that lost its session: 404, so that the client starts a new one", async () => {
    const { upstream, url, token } = await inFrontOf("answers 404 for the session");
    try {
      const answer = await post(url, token, legacyCall("tools/list", {}, { id: "the-id" }));
      assert.equal(answer.status, 404, answer.text);
    } finally {
      await upstream.stop();
    }
  });

  test("one that breaks off in the middle of a stream: the client sees it end, and what came before", async () => {
    const { upstream, url, token } = await inFrontOf("breaks off in the middle of a stream");
    try {
      const { body } = await request(url, { method: "POST", headers: { ...call.headers, authorization: `Bearer ${token}` }, json: call.json, stream: true });
      let text = "";
      await assert.rejects(async () => {
        for await (const chunk of body) text += chunk;
        if (!events(text).some((message) => "result" in message)) throw new Error("ended without a result");
      });
      assert.equal(events(text).length, 1);
    } finally {
      await upstream.stop();
    }
  });

  test("one that streams slowly: the first event is there before the last is sent, beyond the timeout for headers", async () => {
    const { upstream, url, token } = await inFrontOf("streams slowly");
    try {
      const { body } = await request(url, { method: "POST", headers: { ...call.headers, authorization: `Bearer ${token}` }, json: call.json, stream: true });
      let text = "";
      for await (const chunk of body) {
        text += chunk;
        if (events(text).length === 1) setTimeout(upstream.release, 1500);
      }
      assert.equal(events(text).at(-1).result.content[0].text, "at last");
    } finally {
      await upstream.stop();
    }
  });

  test("[X1] a modern client that leaves a stream cancels: the upstream's request ends too", { timeout: 10_000 }, async () => {
    const { upstream, url, token } = await inFrontOf("streams slowly");
    try {
      const { body } = await request(url, { method: "POST", headers: { ...call.headers, authorization: `Bearer ${token}` }, json: call.json, stream: true });
      await new Promise((resolve) => body.once("data", resolve));
      body.socket.resetAndDestroy();
      await upstream.left;
    } finally {
      await upstream.stop();
    }
  });
});
