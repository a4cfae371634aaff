// What the upstream answers, by name: the sizes a tool's result comes in, as JSON and as an event stream, and lists of tools.
const sizes = { "1kb": 1024, "100kb": 100 * 1024, "5mb": 5 * 1024 * 1024 };

const result = (value) => JSON.stringify({ jsonrpc: "2.0", id: 1, result: value });

function text(bytes) {
  const empty = result({ content: [{ type: "text", text: "" }] }).length;
  return result({ content: [{ type: "text", text: "x".repeat(bytes - empty) }] });
}

const tool = (number, more = "") => ({
  name: `tool_${number}`,
  description: `The tool number ${number}: looks for documents that fit a query and answers the best of them.${more}`,
  inputSchema: {
    type: "object",
    properties: { query: { type: "string", description: "What to look for" }, limit: { type: "integer", minimum: 1, maximum: 100 } },
    required: ["query"],
  },
});

export function answers() {
  const all = { "tools/list": { type: "json", body: Buffer.from(result({ tools: Array.from({ length: 200 }, (_, number) => tool(number)) })) } };
  for (const [size, bytes] of Object.entries(sizes)) {
    all[`json-${size}`] = { type: "json", body: Buffer.from(text(bytes)) };
    all[`sse-${size}`] = { type: "sse", body: Buffer.from(`event: message\ndata: ${text(bytes)}\n\n`) };
  }
  // About 1 KB each, 2 MB together.
  const tools = Array.from({ length: 2000 }, (_, number) => tool(number, " It takes its time.".repeat(40)));
  const list = result({ tools });
  all["list-2mb-json"] = { type: "json", body: Buffer.from(list) };
  all["list-2mb-sse"] = { type: "sse", body: Buffer.from(`event: message\ndata: ${list}\n\n`) };
  const step = `event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1 } })}\n\n`;
  all["sse-events"] = { type: "sse", body: Buffer.concat([Buffer.from(step.repeat(1000)), all["sse-1kb"].body]), pieces: step.length };
  return all;
}
