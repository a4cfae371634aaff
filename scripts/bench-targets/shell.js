// In place of instance.js: the gateway's JavaScript with nothing behind it. It reads requests whole, does the errands of a call and builds
// its responses, but what Rust would have found out stands here already. What the gateway costs beyond this is Rust and the way into it.
const ours = "vary\norigin\nx-request-id\n00000000000000000000000000000000\nx-content-type-options\nnosniff\ncontent-security-policy\nsandbox; default-src 'none'\n\0";
const challenge = 'Bearer resource_metadata="http://localhost:8787/.well-known/oauth-protected-resource/v1/mcp/bench", scope="mcp:tools"';
const refusal = {
  error: "token_missing",
  error_description: "This server needs an access token.",
  reason: "token_missing",
  fix: "Let the client authorize: it finds everything it needs at the resource_metadata URL of this answer.",
  slug: "bench",
  request_id: "00000000000000000000000000000000",
};
const metadata = {
  resource: "http://localhost:8787/v1/mcp/bench",
  authorization_servers: ["http://localhost:8787"],
  scopes_supported: ["mcp:tools"],
  bearer_methods_supported: ["header"],
  resource_name: "bench",
};

const refused = `reply\n401\ntext\ncontent-type\napplication/json\ncache-control\nno-store\nwww-authenticate\n${challenge}\n${ours}${JSON.stringify(refusal)}`;
const described = `reply\n200\ntext\ncontent-type\napplication/json\ncache-control\nno-store\n${ours}${JSON.stringify(metadata)}`;
const passed = ["accept", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name"];
const decoder = new TextDecoder();
let upstream;
const waiting = new Map(); // what is sent on with the message of each call

const rust = {
  unsettled: () => false,
  begin(call, head, now, env) {
    upstream ??= env.UPSTREAM;
    if (head.startsWith("GET\n")) return described;
    if (!head.includes("\nauthorization\n")) return refused;
    const lines = head.split("\n");
    let headers = "";
    for (let at = 2; at + 1 < lines.length; at += 2) if (passed.includes(lines[at])) headers += `${lines[at]}\n${lines[at + 1]}\n`;
    waiting.set(call, headers);
    return "read\n0\n4194304\n30000\n\0";
  },
  read(call, bytes) {
    const headers = waiting.get(call);
    waiting.delete(call);
    return `fetch\nPOST\n${upstream}\n30000\ntext\n${headers}\0${decoder.decode(bytes)}`;
  },
  fetched(call, head, first, body) {
    const type = /\ncontent-type\n([^\n]*)\n/.exec(head)[1];
    const stream = type === "text/event-stream" ? "stream\n30000\n{}\n" : "";
    return `${stream}reply\n200\n${body}\ncontent-type\n${type}\ncache-control\nno-store, no-transform\n${ours}`;
  },
};

export const packed = (headers) => (headers.has("content-type") ? `content-type\n${headers.get("content-type")}\n` : "");
export const alive = () => 0;
export const enter = (born, operation) => operation(rust);
export const settled = () => Promise.reject(new Error("there are no objects here"));
export const woken = settled;
