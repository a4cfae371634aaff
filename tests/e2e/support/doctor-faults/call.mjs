// Faults at the server itself, with a token, and of the refresh.
//
// Not here: what the fields mean (../doctor-faults.mjs), how things are bent (bends.mjs).

import { answerWith, change } from "../bending-proxy.mjs";
import { SERVER, anything, authorized, called, collected, granting, html, page } from "./bends.mjs";

export const faults = [
  {
    finding: "token_refused",
    fault: "the server checks another audience than it advertises",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(authorized, answerWith(401, { error: "invalid_token" }, { "www-authenticate": 'Bearer error="invalid_token"' })),
  },
  { finding: "token_refused", fault: "a proxy strips Authorization", signIn: true, rewrite: () => ({ authorization: undefined }) },
  {
    finding: "scope_insufficient",
    fault: "the first challenge does not name the scope",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        authorized,
        answerWith(403, { error: "insufficient_scope" }, { "www-authenticate": 'Bearer error="insufficient_scope", scope="mcp:tools"' }),
      ),
  },
  {
    finding: "forbidden_after_sign_in",
    fault: "the person lacks a role",
    signIn: true,
    bend: (proxy) => proxy.bend(authorized, answerWith(403, { error: "forbidden" })),
  },
  {
    finding: "bot_protection",
    fault: "a firewall stops what carries a token",
    signIn: true,
    bend: (proxy) => proxy.bend(authorized, answerWith(403, page("Just a moment..."), { ...html, "cf-mitigated": "challenge" })),
  },
  {
    finding: "call_redirected",
    fault: "calls with a token lead to another host",
    signIn: true,
    bend: (proxy) => proxy.bend(authorized, answerWith(307, "", { location: "https://mcp.internal.example/mcp" })),
  },
  {
    finding: "answer_type",
    fault: "calls are answered with a page",
    signIn: true,
    bend: (proxy) => proxy.bend(authorized, answerWith(200, page("Welcome"), html)),
  },
  {
    finding: "initialize_refused",
    fault: "the server wants another revision",
    signIn: true,
    bend: (proxy) => proxy.bend(authorized, answerWith(400, { jsonrpc: "2.0", id: 1, error: { code: -32600, message: "Unsupported" } })),
  },
  {
    finding: "session_lost",
    fault: "several instances, and each has its own sessions",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(called("tools/list"), answerWith(404, { jsonrpc: "2.0", id: 2, error: { code: -32001, message: "Session not found" } })),
  },
  {
    finding: "notification_refused",
    fault: "a notification is a bad request",
    signIn: true,
    bend: (proxy) => proxy.bend(called("notifications/initialized"), answerWith(400, { error: "no id" })),
  },
  {
    finding: "tools_refused",
    fault: "an error in place of tools",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(called("tools/list"), answerWith(200, { jsonrpc: "2.0", id: 2, error: { code: -32603, message: "Internal error" } })),
  },
  { finding: "stream_buffered", fault: "the proxy collects streams", signIn: true, bend: (proxy) => proxy.bend(anything, collected) },
  {
    finding: "get_not_stream",
    fault: "GET is a page",
    signIn: true,
    bend: (proxy) => proxy.bend(({ method, path }) => method === "GET" && path === SERVER, answerWith(200, page("Welcome"), html)),
  },
  {
    finding: "delete_fails",
    fault: "DELETE breaks",
    signIn: true,
    bend: (proxy) => proxy.bend(({ method }) => method === "DELETE", answerWith(500, {})),
  },
  {
    finding: "probe_fails",
    fault: "an unknown method breaks the server",
    signIn: true,
    bend: (proxy) => proxy.bend(called("server/discover"), answerWith(500, { error: "undefined is not a function" })),
  },
  {
    finding: "answer_cacheable",
    fault: "a CDN may keep answers",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(called("tools/list"), async ({ response, forward }) => {
        const answer = await forward();
        const { writeHead } = response;
        response.writeHead = (status, sent) => writeHead.call(response, status, { ...sent, "cache-control": "public, s-maxage=60" });
        answer.deliver(response);
      }),
  },
  {
    finding: "refresh_refused",
    fault: "refresh tokens die at once",
    signIn: true,
    bend: (proxy) => proxy.bend(granting("refresh_token"), answerWith(400, { error: "invalid_grant" })),
  },
  {
    finding: "refresh_not_rotated",
    fault: "the refresh token stays",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(granting("refresh_token"), async ({ exchange, response, forward }) => {
        const { status, headers: sent, body } = await forward();
        const { "content-length": _length, ...rest } = sent;
        response.writeHead(status, rest).end(JSON.stringify({ ...JSON.parse(body), refresh_token: exchange.form.refresh_token }));
      }),
  },
  {
    finding: "refresh_scope_shrunk",
    fault: "a refresh loses scopes",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        granting("refresh_token"),
        change((tokens) => ({ ...tokens, scope: "offline_access" })),
      ),
  },
];
