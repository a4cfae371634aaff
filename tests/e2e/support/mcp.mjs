// MCP messages by hand, of both eras, and answers read from JSON or from a stream of events.
//
// Not here: stock clients (stock-clients.test.mjs).

import { request } from "./http.mjs";

export const LEGACY = "2025-11-25";
export const MODERN = "2026-07-28";

const ACCEPT = "application/json, text/event-stream";

/** A request of 2025-11-25. */
export function legacyCall(method, params, { id = 1, session, revision = LEGACY } = {}) {
  return {
    headers: { accept: ACCEPT, "mcp-protocol-version": method === "initialize" ? undefined : revision, "mcp-session-id": session },
    json: { jsonrpc: "2.0", id, method, params },
  };
}

/** A request of 2026-07-28: the envelope in `_meta`, mirrored in headers. */
export function modernCall(method, params = {}, { id = 1, capabilities = {} } = {}) {
  const name = params.name ?? params.uri;
  return {
    headers: { accept: ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": method, "mcp-name": name },
    json: {
      jsonrpc: "2.0",
      id,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": MODERN,
          "io.modelcontextprotocol/clientCapabilities": capabilities,
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
          ...params._meta,
        },
      },
    },
  };
}

/** Posts a message; the answer has `message`, the JSON-RPC answer in it, and `messages`, everything that was streamed. */
export async function post(url, token, { headers = {}, ...body }) {
  const answer = await request(url, { method: "POST", headers: { authorization: token && `Bearer ${token}`, ...headers }, ...body });
  const messages = answer.headers["content-type"]?.startsWith("text/event-stream") ? events(answer.text) : [answer.json].filter(Boolean);
  return { ...answer, messages, message: messages.find((message) => "result" in message || "error" in message) };
}

/** The messages of an event stream. */
export function events(text) {
  return text
    .split(/\r?\n\r?\n/)
    .map((block) => block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n"))
    .filter((data) => data.startsWith("{"))
    .map((data) => JSON.parse(data));
}

/** Calls a tool in one request, the modern way: no session needed. */
export const callTool = (url, token, name = "test_simple_text", parameters = {}) =>
  post(url, token, modernCall("tools/call", { name, arguments: parameters }));

/** Opens a legacy session; answers its id and the initialize answer. */
export async function openSession(url, token, capabilities = {}, revision = LEGACY) {
  const answer = await post(
    url,
    token,
    legacyCall("initialize", { protocolVersion: revision, capabilities, clientInfo: { name: "test", version: "1" } }),
  );
  const session = answer.headers["mcp-session-id"];
  if (answer.status === 200) {
    await post(url, token, {
      headers: { accept: ACCEPT, "mcp-protocol-version": revision, "mcp-session-id": session },
      json: { jsonrpc: "2.0", method: "notifications/initialized" },
    });
  }
  return { ...answer, session };
}
