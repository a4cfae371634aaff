// Calls from pages of another origin, as the browser of an MCP Inspector makes them.
//
// Not here: origins that a server refuses on purpose; a doctor asks as http://localhost:6274.

import { ask, inTheWay, initialize } from "./ask.mjs";

export const ORIGIN = "http://localhost:6274";
const NEEDED = ["authorization", "content-type", "mcp-protocol-version"];

export function* cors(visit) {
  if (visit.profile && visit.profile.runs !== "browser") return visit.skip(`not needed: ${visit.profile.title} is no page`);
  const blocked = [];
  const preflight = yield* asked(visit, visit.url, { "access-control-request-headers": NEEDED.join(", ") });
  const may = allows(preflight);
  if (!may) blocked.push(`the endpoint (OPTIONS ${preflight.status ?? preflight.error.code})`);
  for (const [what, url] of [
    [
      "the server's metadata",
      visit.resource && (visit.hint ?? new URL(`/.well-known/oauth-protected-resource${visit.url.pathname}`, visit.url)),
    ],
    ["the issuer's metadata", visit.server && new URL("/.well-known/oauth-authorization-server", visit.issuer)],
  ]) {
    if (!url || (what.startsWith("the issuer") && new URL(visit.issuer).pathname !== "/")) continue;
    const answer = yield* ask(visit, "GET", url, { headers: { origin: ORIGIN, accept: "application/json" } });
    if (answer.status === 200 && !allows(answer)) blocked.push(what);
  }
  for (const [what, url] of [
    ["token", visit.server?.token_endpoint],
    ["registration", visit.server?.registration_endpoint],
  ]) {
    if (!url) continue;
    const answer = yield* asked(visit, url, { "access-control-request-headers": "content-type" });
    if (inTheWay(visit, answer, url)) return;
    if (!allows(answer)) blocked.push(`the ${what} endpoint`);
  }
  if (blocked.length > 0)
    return visit.find("cors_missing", {
      at: visit.url,
      expected: `Access-Control-Allow-Origin: ${ORIGIN}`,
      seen: `none at ${blocked.join(", ")}`,
    });

  const sendable = listOf(preflight, "access-control-allow-headers");
  const refused = NEEDED.filter((name) => !sendable.includes(name) && (name === "authorization" || !sendable.includes("*")));
  if (refused.length > 0)
    visit.find("cors_headers_refused", {
      at: visit.url,
      expected: NEEDED.join(", "),
      seen: preflight.headers["access-control-allow-headers"] ?? "nothing",
    });
  visit.pages = true;
  if (visit.open) return visit.say("pages of other origins may call");
  const answer = yield* ask(visit, "POST", visit.url, {
    headers: { origin: ORIGIN, accept: "application/json, text/event-stream" },
    json: initialize(),
  });
  if (answer.headers?.["www-authenticate"] === undefined || !hidden(visit, answer, "WWW-Authenticate"))
    visit.say("pages of other origins may call");
}

/** Whether a header of an answer to a page is kept from it. */
export function hidden(visit, answer, name) {
  const readable = listOf(answer, "access-control-expose-headers");
  if (readable.includes(name.toLowerCase()) || readable.includes("*")) return false;
  visit.find("cors_headers_hidden", { at: visit.url, expected: name, seen: answer.headers["access-control-expose-headers"] ?? "nothing" });
  return true;
}

const asked = (visit, url, more) =>
  ask(visit, "OPTIONS", url, { headers: { origin: ORIGIN, "access-control-request-method": "POST", ...more } });
const allows = ({ headers, status }) => status < 300 && ["*", ORIGIN].includes(headers["access-control-allow-origin"]);
const listOf = ({ headers }, name) =>
  (headers[name] ?? "")
    .toLowerCase()
    .split(",")
    .map((one) => one.trim());
