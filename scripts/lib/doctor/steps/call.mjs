// The server itself, with a token or without needing one: both eras, sessions, streams, and how they end.
//
// Not here: what tools do; none is called.

import { MODERN, ask, inShort, inTheWay, initialize, isEvents, isJson, isPage, isRedirect, messageOf, modern } from "./ask.mjs";
import { ORIGIN, hidden } from "./cors.mjs";

const STREAM_WAITS = 3_000;

export function* call(visit) {
  if (!visit.open && !visit.token) return visit.skip("not tried without a sign-in: --browser, or --token");
  const headers = { accept: "application/json, text/event-stream", ...(visit.token && { authorization: `Bearer ${visit.token}` }) };
  const page = visit.pages ? { origin: ORIGIN } : {};
  const answer = yield* ask(visit, "POST", visit.url, { headers: { ...headers, ...page }, json: initialize() });
  const message = admitted(visit, answer);
  const legacy = message?.result !== undefined;
  if (visit.stopped || (!message && visit.found.some(({ step }) => step === "call"))) return;
  let tools;
  if (legacy) tools = yield* session(visit, headers, answer, message.result);
  const newer = yield* newest(visit, headers, legacy);
  if (!legacy && !newer && !visit.stopped)
    visit.find("initialize_refused", { at: visit.url, expected: "a result", seen: inShort({ ...answer, json: message }) });
  const eras = [legacy && message.result.protocolVersion, newer && MODERN].filter(Boolean).join(" and ");
  if (eras) visit.say(`speaks ${eras}${tools === undefined ? "" : `, has ${tools} ${tools === 1 ? "tool" : "tools"}`}`);
}

/** The message of an answer to a call that should be let in. */
function admitted(visit, answer) {
  const at = visit.url;
  const facts = { at, expected: "200 with a message of MCP", seen: inShort(answer) };
  if (answer.error) return void visit.find("connection_lost", facts);
  if (inTheWay(visit, answer, at)) return undefined;
  if (answer.status === 401 && visit.found.some(({ id }) => id === "audience_mismatch")) return void (visit.stopped = true); // said already
  if (answer.status === 401) return void visit.stop("token_refused", { ...facts, seen: challengeOf(answer) });
  if (answer.status === 403)
    return void visit.stop(
      /insufficient_scope/.test(answer.headers["www-authenticate"] ?? "") ? "scope_insufficient" : "forbidden_after_sign_in",
      { ...facts, seen: challengeOf(answer) },
    );
  if (isRedirect(answer)) return void visit.stop("call_redirected", facts);
  if (answer.status >= 500) return void visit.stop("server_failing", facts);
  const message = messageOf(answer);
  if (answer.status < 300 && ((!isJson(answer) && !isEvents(answer)) || message?.jsonrpc !== "2.0"))
    return void visit.stop("answer_type", facts);
  shared(visit, answer);
  return message;
}

const challengeOf = (answer) => [inShort(answer), answer.headers["www-authenticate"]].filter(Boolean).join("; ");

/** RFC 9111 §3.5. */
function shared(visit, { headers }) {
  if (visit.token && /\bpublic\b|s-maxage/i.test(headers["cache-control"] ?? "")) {
    visit.find("answer_cacheable", { at: visit.url, expected: "private or no-store", seen: headers["cache-control"] });
  }
}

function* session(visit, given, begun, { protocolVersion }) {
  const id = begun.headers["mcp-session-id"];
  const at = visit.url;
  if (id !== undefined && !/^[\x21-\x7e]+$/.test(id))
    return void visit.find("session_malformed", { at, expected: "visible ASCII", seen: "other characters" });
  visit.secret(id);
  if (id && visit.pages) hidden(visit, begun, "Mcp-Session-Id");
  const version = visit.profile?.versionHeader === false ? {} : { "mcp-protocol-version": protocolVersion };
  const headers = { ...given, ...version, ...(id && { "mcp-session-id": id }) };
  const noted = yield* ask(visit, "POST", at, { headers, json: { jsonrpc: "2.0", method: "notifications/initialized" } });
  if (noted.error || noted.status >= 300)
    visit.find(lost(noted, id) ?? "notification_refused", { at, expected: "202", seen: inShort(noted) });

  const listed = yield* ask(visit, "POST", at, { headers, json: { jsonrpc: "2.0", id: 2, method: "tools/list" } });
  const list = messageOf(listed);
  shared(visit, listed);
  const none = list?.error?.code === -32601; // a server without tools
  if (!none && !Array.isArray(list?.result?.tools))
    visit.find(lost(listed, id) ?? "tools_refused", { at, expected: "tools", seen: inShort({ ...listed, json: list ?? listed.json }) });

  const stream = yield* ask(visit, "GET", at, { headers: { ...headers, accept: "text/event-stream" }, until: "head", wait: STREAM_WAITS });
  if (stream.error?.code === "ETIMEDOUT")
    visit.find("stream_buffered", { at, expected: "the beginning of a stream at once", seen: `nothing in ${STREAM_WAITS / 1000} seconds` });
  else if (stream.error || stream.status >= 500 || (stream.status < 300 && (!isEvents(stream) || isPage(stream))))
    visit.find("get_not_stream", { at, expected: "text/event-stream, or 405", seen: inShort(stream) });

  if (id) {
    const ended = yield* ask(visit, "DELETE", at, { headers });
    if (ended.error || ended.status >= 500) visit.find("delete_fails", { at, expected: "200, 202, 204 or 405", seen: inShort(ended) });
  }
  return list?.result?.tools?.length;
}

const lost = (answer, id) => (id && answer.status === 404 ? "session_lost" : undefined);

/** Whether the server speaks the newest revision; one that does not says so in a 4xx or an error. */
function* newest(visit, given, legacy) {
  const at = visit.url;
  const probe = modern("server/discover", "server-discover-probe-1");
  const answer = yield* ask(visit, "POST", at, { ...probe, headers: { ...given, ...probe.headers } });
  if (legacy && (answer.error || answer.status >= 500))
    return void visit.find("probe_fails", { at, expected: "a result, a 4xx or a JSON-RPC error", seen: inShort(answer) });
  const message = messageOf(answer);
  if (!message?.result) return false;
  const listen = modern("subscriptions/listen", "listen-1", { notifications: { toolsListChanged: true } });
  const heard = yield* ask(visit, "POST", at, { ...listen, headers: { ...given, ...listen.headers }, until: "event", wait: STREAM_WAITS });
  // The first event acknowledges, at once (MCP 2026-07-28, subscriptions).
  if (heard.error?.code === "ETIMEDOUT")
    visit.find("stream_buffered", { at, expected: "the first event at once", seen: `nothing in ${STREAM_WAITS / 1000} seconds` });
  return true;
}
