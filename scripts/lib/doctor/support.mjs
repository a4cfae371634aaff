// What is handed to support: the report and every exchange, with everything cut out that opens anything.
//
// Not here: the report itself (report.mjs).

import { json } from "./report.mjs";

const CUT = "[cut]";
const HEADERS = /^(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key|mcp-session-id|dpop)$/i;
const MEMBERS = /token$|^code$|secret|password|verifier|assertion|^state$|^session_state$|^id_token_hint$|_key$/i;
const SAID_ALOUD = /^(?:token_type|token_endpoint.*|code_challenge.*)$/i;
const TOKENS = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\b[Bb]earer\s+(?!resource_metadata|realm|scope|error)[\w.~+/=-]{16,}/g;
const LONGEST = 4_000;

/** A value of JSON for the file. `exchanges` as the world kept them. */
export function bundle(visit, exchanges, { at }) {
  const cut = cutter(visit.secrets);
  return JSON.parse(cut(JSON.stringify({ at: new Date(at).toISOString(), ...json(visit), exchanges: exchanges.map(shown) })));
}

/** Takes known secrets out of a text, and what looks like one. */
export function cutter(secrets) {
  const known = [...secrets]
    .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")])
    .sort((one, other) => other.length - one.length);
  return (text) => known.reduce((rest, secret) => rest.replaceAll(secret, CUT), text).replaceAll(TOKENS, CUT);
}

function shown({ asked, answer }) {
  const { method, url, headers, body } = asked;
  return {
    request: { method, url: address(url), headers: named(headers), ...(body !== undefined && { body: content(body) }) },
    answer: answer.error
      ? { error: answer.error, ms: answer.ms }
      : { status: answer.status, ms: answer.ms, headers: named(answer.headers), body: content(answer.text) },
  };
}

/** Parameters of every address in a text, relative ones as well. */
function address(text) {
  return text.replace(/([?&#](?:amp;)?([\w.-]+)=)[^&#\s"'<>]*/g, (whole, begin, name) => (hidden(name) ? begin + CUT : whole));
}

const hidden = (name) => MEMBERS.test(name) && !SAID_ALOUD.test(name);

const named = (headers) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, HEADERS.test(name) ? CUT : address(String(value))]));

/** A body with the secrets of its members cut, in JSON, in events and as a form; pages and the like are shortened only. */
function content(text) {
  try {
    return within(JSON.parse(text));
  } catch {
    if (/^[\w.~%+-]+=[^\s<]*$/.test(text)) {
      const form = new URLSearchParams(text);
      for (const name of [...form.keys()]) if (hidden(name)) form.set(name, CUT);
      return String(form);
    }
    // A page's hidden fields hold what opens somebody's sign-in.
    return address(text)
      .replace(/(<input\b[^>]*\bvalue=)("[^"]*"|'[^']*'|[^\s>]+)/gi, `$1"${CUT}"`)
      .slice(0, LONGEST);
  }
}

function within(value) {
  if (Array.isArray(value)) return value.map(within);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, typeof inner === "string" && hidden(name) ? CUT : within(inner)]),
  );
}
