// Findings at the server itself, with a token.
//
// Not here: how they are found (../steps/call.mjs).

import { MCP, MODERN, SDK, network, operator, server } from "./words.mjs";

/** The server itself. */
export const call = {
  token_refused: {
    ...server,
    says: "The token is refused",
    rule: "A valid token of this server is taken",
    source: "RFC 6750 §3.1",
    fix: "Compare aud and iss of the token with what the server checks. A given token may have ended, or be for another server",
  },
  scope_insufficient: {
    ...server,
    says: "The token lacks a scope",
    rule: "What was granted is enough for what everybody does",
    source: "RFC 6750 §3.1",
    fix: "Name the scope in the first challenge and in scopes_supported; clients ask for it by themselves",
  },
  forbidden_after_sign_in: {
    ...server,
    says: "Whoever signed in is not let in",
    rule: "A token that was just issued opens the server",
    source: "RFC 9110 §15.5.4",
    fix: "Look at roles and claims the server wants, at proxies that refuse requests with a token, and whether this person may use it",
  },
  call_redirected: {
    ...operator,
    says: "A call with a token is redirected",
    rule: "A token is for one address",
    source: "RFC 9110 §15.4",
    fix: "Serve calls at the address itself",
  },
  answer_type: {
    ...server,
    says: "A call is answered with something that is not MCP",
    rule: "application/json or text/event-stream",
    source: `${MCP}, transports`,
    fix: "Look at what answers here; a proxy may replace answers with pages",
  },
  initialize_refused: {
    ...server,
    says: "The session does not begin",
    rule: "initialize is answered with the revision and what is offered",
    source: `${MCP}, lifecycle`,
    fix: "Read what the answer says",
  },
  session_malformed: {
    ...server,
    says: "The session id cannot be sent back",
    rule: "Visible ASCII characters only",
    source: `${MCP}, transports`,
    fix: "Use letters and digits",
  },
  session_lost: {
    ...server,
    says: "The session is gone right after it began",
    rule: "A session lives until it is ended",
    source: `${MCP}, transports`,
    fix: "Keep sessions where every instance finds them, or route by Mcp-Session-Id",
  },
  notification_refused: {
    ...server,
    says: "A notification is refused",
    rule: "202 without a body",
    source: `${MCP}, transports`,
    fix: "Answer 202",
  },
  tools_refused: {
    ...server,
    says: "The tools cannot be listed",
    rule: "tools/list is answered with tools",
    source: `${MCP}, tools`,
    fix: "Read what the answer says; where an account has to be connected first, do that",
  },
  stream_buffered: {
    ...network,
    says: "Something holds event streams back",
    rule: "Events pass as they come",
    source: `${MODERN}, Streamable HTTP`,
    fix: "Switch buffering off in the proxy for text/event-stream (nginx: proxy_buffering off, or X-Accel-Buffering: no), compression too",
  },
  get_not_stream: {
    ...server,
    weight: "warning",
    says: "GET is answered with something else than a stream",
    rule: "GET is an event stream, or 405",
    source: `${MCP}, transports`,
    fix: "Answer 405 with Allow: POST. 405 itself is no fault: it says that there is no such stream",
    breaks: SDK,
  },
  delete_fails: {
    ...server,
    weight: "warning",
    says: "Ending a session fails",
    rule: "DELETE ends the session, or is 405",
    source: `${MCP}, transports`,
    fix: "Answer 405 where sessions cannot be ended",
    breaks: SDK,
  },
  probe_fails: {
    ...server,
    says: "The question for newer revisions breaks the server",
    rule: "An unknown method is a 4xx or a JSON-RPC error",
    source: `${MODERN}, versioning`,
    fix: "Answer 400 or 404 with a JSON-RPC error; clients that ask first give up at 5xx",
    breaks: ["claude-code", "mcp-remote"],
  },
  answer_cacheable: {
    ...server,
    weight: "warning",
    says: "Answers with somebody's data may be kept in shared caches",
    rule: "Answers to requests with a token are not public",
    source: "RFC 9111 §3.5",
    fix: "Send Cache-Control: private or no-store",
  },
};
