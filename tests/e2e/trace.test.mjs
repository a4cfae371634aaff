// One trace from a stock client through the running Worker to its server, as OpenTelemetry's own propagator reads it.
//
// Not here: every way in which a trace can be broken (tests/journeys/trace.rs).

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";

import { configuration, startGateway } from "./support/gateway.mjs";
import { connectSdk2 } from "./support/sdk-host.mjs";
import { startUpstream } from "./support/upstream.mjs";

const SPAN = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };

describe("the trace of a call", () => {
  const propagator = new W3CTraceContextPropagator();
  const carried = {};
  propagator.inject(trace.setSpanContext(ROOT_CONTEXT, SPAN), carried, defaultTextMapSetter);

  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }, { consent: "never" }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));
  beforeEach(() => {
    upstream.requests.length = 0;
  });

  /** What the server hears of a call with this `_meta`, and the line about it. */
  async function called(t, mode, _meta) {
    const { client } = await connectSdk2(gateway.mcpUrl("alpha"), mode);
    t.after(() => client.close());
    await client.callTool({ name: "test_simple_text", arguments: {}, _meta });
    const { headers, json } = upstream.calls("tools/call").at(-1);
    const heard = trace.getSpanContext(propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter));
    const { fields: line } = await gateway.logs.find(({ fields }) => fields?.["upstream.span_id"] === heard.spanId);
    return { heard, line, meta: json.params._meta };
  }

  for (const mode of ["legacy", "auto"]) {
    test(`[X25] SDK 2.x with negotiation ${mode}: client, line and server are of one trace`, async (t) => {
      const { heard, line, meta } = await called(t, mode, carried);
      assert.deepEqual([heard.traceId, heard.traceFlags, heard.isRemote], [SPAN.traceId, SPAN.traceFlags, true]);
      assert.deepEqual([line.trace_id, line.parent_span_id, line["gen_ai.tool.name"]], [SPAN.traceId, SPAN.spanId, "test_simple_text"]);
      assert.equal(new Set([SPAN.spanId, line.span_id, heard.spanId]).size, 3, "client, gateway and its call are three spans");
      assert.equal(meta.traceparent, carried.traceparent, "the message goes on as it is");
    });

    test(`[X25] SDK 2.x with negotiation ${mode}: where the client traces nothing, a trace begins here`, async (t) => {
      const { heard, line } = await called(t, mode);
      assert.deepEqual([line.trace_id, line.request_id, line.parent_span_id], [heard.traceId, heard.traceId, undefined]);
      assert.equal(heard.traceFlags & 1, 0, "not sampled");
    });
  }
});
