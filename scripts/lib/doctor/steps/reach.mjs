// Is there a server at the address, and does it answer a client that has no token yet: name, connection, certificate, what stands in front.
//
// Not here: what the 401 says (challenge.mjs).

import { ask, inShort, inTheWay, initialize, isJson, isObject, isPage, isRedirect, messageOf, modern, wallOf } from "./ask.mjs";

const AGENTS = ["Claude-User", "openai-mcp/1.0.0", "python-httpx/0.28.1", "node"];
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const TWO_WEEKS = 14 * 86_400_000;
const MINUTE = 60_000;

export function* reach(visit) {
  yield* name(visit);
  if (visit.stopped) return;
  const { url } = visit;
  if (url.protocol === "http:" && !visit.local) visit.find("plain_http", { at: url, expected: "https", seen: "http" });
  if (url.protocol === "https:" && url.port !== "" && !visit.local)
    visit.find("port_not_443", { at: url, expected: "443", seen: url.port });

  let answer = yield* first(visit);
  if (url.pathname === "/" && (answer.status === 404 || answer.status === 405)) {
    if (!(yield* elsewhere(visit, answer))) return;
    answer = yield* first(visit);
  }
  if (yield* judged(visit, answer)) return;
  visit.refusal = answer;
  const begun = visit.open && answer.headers["mcp-session-id"];
  if (begun) yield* ask(visit, "DELETE", visit.url, { headers: { "mcp-session-id": begun } });
  time(visit, answer);
  yield* otherAgents(visit);
  if (!visit.stopped)
    visit.say(
      `${visit.url.host} answers in ${answer.ms} ms${visit.local ? ", to programs of this machine" : ""}${visit.open ? ", without a token" : ""}`,
    );
}

function* name(visit) {
  const host = visit.url.hostname.replace(/^\[|\]$/g, "");
  if (visit.local) return;
  const { addresses = [], error, proxy } = yield { ask: "resolve", host, url: String(visit.url) };
  if (proxy) return; // it resolves the name, and not this machine
  if (error) return visit.stop("name_unresolved", { at: visit.url, expected: "an address", seen: error.message });
  const hidden = addresses.filter(({ address }) => isPrivate(address));
  if (hidden.length > 0)
    visit.find("address_private", {
      at: visit.url,
      expected: "public addresses only",
      seen: hidden.map(({ address }) => address).join(", "),
    });
  else if (!addresses.some(({ family }) => family === 4))
    visit.find("no_ipv4", { at: visit.url, expected: "an A record", seen: addresses.map(({ address }) => address).join(", ") });
}

/** RFC 6890: addresses that are not reachable from the internet. */
export function isPrivate(address) {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (mapped.includes(":")) return /^(::1?$|f[cd]|fe[89ab])/i.test(mapped);
  const [a, b] = mapped.split(".").map(Number);
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168)
  );
}

function first(visit, { agent, accept } = {}) {
  const asked = visit.profile?.first === "server/discover" ? modern("server/discover", "probe") : { json: initialize(), headers: {} };
  const headers = {
    ...asked.headers,
    accept: accept ?? visit.profile?.accept ?? "application/json, text/event-stream",
    ...(agent && { "user-agent": agent }),
  };
  return ask(visit, "POST", visit.url, { json: asked.json, headers });
}

/** The address of a gateway in place of one of its servers: its metadata at the root may name the only one, its first page several. */
function* elsewhere(visit, got) {
  const answer = yield* ask(visit, "GET", new URL("/.well-known/oauth-protected-resource", visit.url), {
    headers: { accept: "application/json" },
  });
  const resource =
    answer.status === 200 && isObject(answer.json) && URL.canParse(answer.json.resource) ? new URL(answer.json.resource) : undefined;
  if (!resource || resource.origin !== visit.url.origin || resource.pathname === "/") {
    const page = yield* ask(visit, "GET", visit.url, { headers: { accept: "text/html" } });
    const named = [...new Set((page.text ?? "").match(/https?:\/\/[\w.:[\]-]+\/[\w./-]*mcp[\w./-]*/g) ?? [])].filter((one) =>
      one.startsWith(`${visit.url.origin}/`),
    );
    visit.stop("nothing_there", {
      at: visit.url,
      expected: "the address of one server",
      seen: [inShort(got), ...(named.length > 0 ? [`the page there names ${named.slice(0, 8).join(", ")}`] : [])].join("; "),
    });
    return false;
  }
  visit.url = resource;
  visit.audience = String(resource);
  return true;
}

/** Whether the answer ends the way here. */
function* judged(visit, answer) {
  const at = visit.url;
  if (answer.error) return stop(visit, failed(answer.error), { at, expected: "an answer", seen: answer.error.message });
  certificate(visit, answer);
  if (wallOf(answer) || (answer.status === 403 && isPage(answer))) {
    const browser = yield* first(visit, { agent: BROWSER });
    if (browser.status === 401) return stop(visit, "agents_blocked", { at, expected: "401, as a browser gets it", seen: inShort(answer) });
    return inTheWay(visit, answer, at);
  }
  if (isRedirect(answer)) return redirected(visit, answer);
  const expected = "401 with a challenge";
  const seen = inShort(answer);
  if (answer.status === 401) return false;
  if (answer.status === 429) return stop(visit, "rate_limited", { at, expected, seen });
  if (answer.status >= 500) return stop(visit, "server_failing", { at, expected, seen });
  if (answer.status === 404 || answer.status === 410) return stop(visit, "nothing_there", { at, expected, seen });
  if (answer.status === 405) return stop(visit, "post_refused", { at, expected, seen });
  if (answer.status === 421 || ([400, 403].includes(answer.status) && /\bhost\b/i.test(answer.text)))
    return stop(visit, "host_refused", { at, expected, seen });
  if (answer.status < 300) {
    const message = messageOf(answer);
    if (message?.jsonrpc !== "2.0") return stop(visit, "not_mcp", { at, expected, seen });
    visit.open = true;
    return false;
  }
  if ([400, 406, 415].includes(answer.status) && visit.profile?.first === "server/discover" && isJson(answer)) {
    visit.open = true; // it speaks older revisions only, and wants no token
    return false;
  }
  const plain = visit.profile?.accept === "*/*" && (yield* first(visit, { accept: "application/json, text/event-stream" }));
  if (plain?.status === 401) return stop(visit, "accept_refused", { at, expected, seen });
  return stop(visit, "refused_without_401", { at, expected, seen });
}

function stop(visit, id, facts) {
  visit.stop(id, facts);
  return true;
}

function failed({ code }) {
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") return "certificate_expired";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "certificate_name";
  if (/SELF_SIGNED|UNABLE_TO_|CERT_/.test(code)) return "certificate_untrusted";
  if (/^(ERR_SSL|EPROTO|ERR_TLS)/.test(code)) return "tls_failed";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "name_unresolved";
  if (code === "ERR_PROXY_REFUSED") return "proxy_refused";
  if (code === "ECONNREFUSED") return "connection_refused";
  return code === "ETIMEDOUT" ? "no_answer" : "connection_lost";
}

function certificate(visit, { certificate: shown, at: now }) {
  const end = shown && Date.parse(shown.valid_to);
  if (end && end - now < TWO_WEEKS)
    visit.find("certificate_ends_soon", { at: visit.url, expected: "more than two weeks left", seen: `it ends ${shown.valid_to}` });
}

function redirected(visit, answer) {
  const from = visit.url;
  const to = URL.canParse(answer.headers.location, from) ? new URL(answer.headers.location, from) : from;
  const facts = { at: from, expected: "401 with a challenge", seen: inShort(answer) };
  const bare = (url) => url.pathname.replace(/\/$/, "");
  if (
    /\/cdn-cgi\/access\/|accounts\.google\.com$|\.cloudflareaccess\.com$|login\.microsoftonline\.com$|\/oauth2\/(?:start|sign_in)|\/log-?in\b|\/sign-?in\b/i.test(
      to.host + to.pathname,
    )
  )
    return stop(visit, "sign_in_wall", facts);
  if (from.hostname === to.hostname && from.protocol === "http:" && to.protocol === "https:")
    return stop(visit, "redirected_to_https", facts);
  if (from.host !== to.host) return stop(visit, "redirected_host", facts);
  return stop(visit, bare(from) === bare(to) ? "redirected_slash" : "redirected_path", facts);
}

function time(visit, answer) {
  const said = Date.parse(answer.headers.date);
  const apart = Math.abs(said - answer.at);
  if (apart > MINUTE) {
    const seen = `the server says ${answer.headers.date}, ${Math.round(apart / 1000)} seconds ${said > answer.at ? "ahead" : "behind"}`;
    visit.find("clock_skew", { at: visit.url, expected: "the time of this machine", seen });
  }
}

/** Firewalls judge by name: what this client got, others must get as well. A ping begins no session where no token is needed. */
function* otherAgents(visit) {
  if (visit.profile) return;
  const knock = (agent) =>
    ask(visit, "POST", visit.url, {
      json: { jsonrpc: "2.0", id: 1, method: "ping" },
      headers: { accept: "application/json, text/event-stream", ...(agent && { "user-agent": agent }) },
    });
  const got = visit.open ? (yield* knock()).status : visit.refusal.status;
  const kept = [];
  for (const agent of AGENTS) {
    const answer = yield* knock(agent);
    if (answer.error || answer.status !== got) kept.push(`${agent}: ${inShort(answer)}`);
  }
  if (kept.length > 0) visit.find("agents_blocked", { at: visit.url, expected: `${got} for every client`, seen: kept.join("; ") });
  const anything = got === 401 && (yield* first(visit, { accept: "*/*" }));
  if (anything && [400, 406, 415].includes(anything.status))
    visit.find("accept_refused", { at: visit.url, expected: "401", seen: inShort(anything) });
}
