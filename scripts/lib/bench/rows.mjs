// The rows of the table: which request is sent to which targets, and which answer is due.
import { modernCall } from "../../../tests/e2e/support/mcp.mjs";
import { answers } from "./answers.mjs";
import { opaque } from "./issuer.mjs";
import { wire } from "./load.mjs";
import { connected, endpoint, external, fresh, limited, lists, origin, storm } from "./targets.mjs";

const known = answers();
const checked = ["const", "shell", "peer", "gateway"];
const served = ["pass", "parse", "shell", "peer", "gateway"];

/** A message to the server, with the token of the target if it gave one. */
function message(target, method, name, { token = target.clients?.[0].access, path = endpoint } = {}) {
  const { headers, json } = modernCall(method, name ? { name, arguments: { query: "the weather in the capital", limit: 10 } } : {});
  const authorization = token && `Bearer ${token}`;
  return wire({ path, headers: { authorization, "content-type": "application/json", ...headers }, body: JSON.stringify(json) });
}

/** The same request again and again. */
const always = (bytes) => () => bytes;
const oneKilobyte = { targets: ["gateway"], length: known["json-1kb"].body.length };
const connectedCall = (target) => always(message(target, "tools/call", "json-1kb", { token: target.connected[0].access, path: connected }));
const call = (answer, title) => ({
  id: answer,
  title,
  targets: served,
  length: known[answer].body.length,
  next: (target) => always(message(target, "tools/call", answer)),
});

export const rows = [
  {
    id: "challenge",
    title: "401 challenge",
    targets: checked,
    due: () => 401,
    next: (target) => always(message(target, "tools/call", "json-1kb", { token: "" })),
  },
  {
    id: "metadata",
    title: "resource metadata",
    targets: checked,
    due: (target) => (target.name === "const" ? 401 : 200),
    next: () => always(wire({ method: "GET", path: `/.well-known/oauth-protected-resource${endpoint}` })),
  },
  {
    id: "preflight",
    title: "preflight of a page that may call",
    targets: ["const", "gateway"],
    due: (target) => (target.name === "const" ? 401 : 204),
    next: () => always(wire({ method: "OPTIONS", path: endpoint, headers: { origin, "access-control-request-method": "POST" } })),
  },
  call("json-1kb", "tools/call, 1 KB of JSON"),
  call("json-100kb", "tools/call, 100 KB of JSON"),
  call("json-5mb", "tools/call, 5 MB of JSON"),
  call("sse-1kb", "tools/call, 1 KB as an event stream"),
  call("sse-100kb", "tools/call, 100 KB as an event stream"),
  call("sse-5mb", "tools/call, 5 MB as an event stream"),
  call("sse-events", "tools/call, a stream of 1,000 small events, each a piece of its own"),
  {
    id: "list",
    title: "tools/list, 200 tools",
    targets: served,
    length: known["tools/list"].body.length,
    next: (target) => always(message(target, "tools/list")),
  },
  {
    id: "list-fresh",
    title: "tools/list, 200 tools, from memory",
    targets: ["gateway"],
    length: known["tools/list"].body.length,
    next: (target) => always(message(target, "tools/list", undefined, { token: target.fresh[0].access, path: fresh })),
  },
  ...lists.map((list) => ({
    id: list,
    title: `tools/list, 2,000 tools as ${list.endsWith("sse") ? "an event stream" : "JSON"}, half of them hidden`,
    targets: ["filter", "gateway"],
    next: (target) => always(message(target, "tools/list", undefined, { token: target[list]?.[0].access, path: `/v1/mcp/${list}` })),
  })),
  { ...oneKilobyte, id: "key", title: "tools/call, 1 KB of JSON, with an API key", next: (target) => always(message(target, "tools/call", "json-1kb", { token: target.key })) },
  {
    ...oneKilobyte,
    id: "external",
    title: "tools/call, 1 KB of JSON, with another issuer's JWT",
    next: (target) => always(message(target, "tools/call", "json-1kb", { token: target.sign(), path: external })),
  },
  {
    ...oneKilobyte,
    id: "external-first",
    title: "the same, each with a JWT that was never seen",
    next: (target) => () => message(target, "tools/call", "json-1kb", { token: target.sign(), path: external }),
  },
  {
    ...oneKilobyte,
    id: "asked",
    title: "tools/call, 1 KB of JSON, with a token that its issuer was asked about",
    next: (target) => always(message(target, "tools/call", "json-1kb", { token: opaque(origin + external), path: external })),
  },
  {
    ...oneKilobyte,
    id: "limited",
    title: "tools/call, 1 KB of JSON, at a server with a limit",
    next: (target) => always(message(target, "tools/call", "json-1kb", { token: target.limited[0].access, path: limited })),
  },
  { ...oneKilobyte, id: "connected", title: "tools/call, 1 KB of JSON, with the person's own account", next: connectedCall },
  {
    ...oneKilobyte,
    id: "storm",
    title: "the same, while the account's token ends every moment",
    next: (target) => always(message(target, "tools/call", "json-1kb", { token: target.storm[0].access, path: storm })),
  },
  { ...oneKilobyte, id: "million", title: "with the person's own account, beside those of a million others", crowd: 1_000_000, next: connectedCall },
  { id: "refresh", title: "token refresh", targets: ["peer", "gateway"], next: refresh, learn: remember },
];

/** Each connection is a client of its own, which sends the refresh token it was given last. */
function refresh(target) {
  return (connection) => {
    const { id, refresh: token } = target.clients[connection];
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token, client_id: id });
    return wire({ path: "/oauth/token", headers: { "content-type": "application/x-www-form-urlencoded" }, body: String(form) });
  };
}

function remember(target) {
  return (connection, body) => {
    const client = target.clients[connection];
    client.refresh = JSON.parse(body).refresh_token ?? client.refresh;
  };
}

/** A call whose answer begins and never ends. */
export const openStream = (target) => message(target, "tools/call", "open-stream");

export const due = (row, target) => row.due?.(target) ?? 200;
