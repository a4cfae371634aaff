// Requests as steps ask for them, and what can be read off any answer.
//
// An answer is {status, headers, text, json, ms, at, certificate} or {error: {code, message}}; headers have lower-case names.
//
// Not here: sending (../world.mjs), what one step expects (its own file).

/** Asks for one exchange. `until: "head"` and `until: "event"` end it early; `wait` is its patience in milliseconds. */
export function* ask(visit, method, url, { headers = {}, json, form, until, wait } = {}) {
  const body = form ? String(new URLSearchParams(form)) : json === undefined ? undefined : JSON.stringify(json);
  const type = form ? "application/x-www-form-urlencoded" : json === undefined ? undefined : "application/json";
  const sent = visit.headers({ ...(type && { "content-type": type }), ...headers });
  return yield { ask: "http", method, url: String(url), headers: sent, body, until, wait };
}

export const isJson = (answer) => /^application\/(?:[\w.-]+\+)?json\b/i.test(answer.headers?.["content-type"] ?? "");
export const isEvents = (answer) => /^text\/event-stream\b/i.test(answer.headers?.["content-type"] ?? "");
export const isPage = (answer) =>
  /^text\/html\b/i.test(answer.headers?.["content-type"] ?? "") || /^\s*<(?:!doctype|html)/i.test(answer.text ?? "");
export const isRedirect = (answer) => answer.status >= 300 && answer.status < 400 && answer.headers?.location !== undefined;
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The message of an answer, in JSON or as the first event that carries one. */
export function messageOf(answer) {
  if (!isEvents(answer)) return answer.json;
  for (const event of answer.text.split(/\r?\n\r?\n/)) {
    const data = event
      .split(/\r?\n/)
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).trim())
      .join("\n");
    try {
      if (data) return JSON.parse(data);
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** An answer in a few words: status, type, and what it says of itself. */
export function inShort(answer) {
  if (answer.error) return answer.error.message;
  const { json, headers } = answer;
  const type = headers["content-type"]?.split(";")[0];
  const error = json?.error;
  const said = isObject(error)
    ? error.message
    : [...new Set([json?.reason ?? error, json?.error_description ?? json?.message])].filter((one) => typeof one === "string").join(": ");
  const title = isPage(answer) && /<title[^>]*>([^<]*)/i.exec(answer.text)?.[1].trim();
  return [answer.status, isRedirect(answer) ? `to ${headers.location}` : type, said || (title && `“${title}”`)]
    .filter(Boolean)
    .join(", ")
    .slice(0, 300);
}

const WALLS = [
  [
    "Cloudflare",
    ({ headers, text }) =>
      headers["cf-mitigated"] !== undefined ||
      /cdn-cgi\/challenge-platform|cf-chl-|Attention Required! \| Cloudflare|cf-error-details/i.test(text),
  ],
  ["AWS WAF", ({ headers, text }) => headers["x-amzn-waf-action"] !== undefined || /awswaf|AwsWafIntegration/i.test(text)],
  ["Vercel", ({ headers }) => headers["x-vercel-mitigated"] !== undefined],
  ["Imperva", ({ headers, text }) => headers["x-iinfo"] !== undefined && /_Incapsula_Resource|Incapsula incident/i.test(text)],
  [
    "Akamai",
    ({ headers, text, status }) =>
      /AkamaiGHost/i.test(headers.server ?? "") && status === 403 && /Reference&#32;&#35;|errors\.edgesuite/i.test(text),
  ],
  ["Sucuri", ({ headers, status }) => headers["x-sucuri-block"] !== undefined || (status === 403 && headers["x-sucuri-id"] !== undefined)],
  ["DataDome", ({ headers }) => headers["x-datadome"] !== undefined && headers["x-dd-b"] !== undefined],
  [
    "a challenge",
    ({ text, status }) =>
      [403, 429, 503].includes(status) && /just a moment|checking your browser|verify you are human|captcha|turnstile/i.test(text),
  ],
];

/** Whose bot protection answered in place of the server, if one did. */
export const wallOf = (answer) =>
  answer.error || isJson(answer) ? undefined : WALLS.find(([, fits]) => fits({ text: "", ...answer }))?.[0];

/** Says that bot protection or a page of something in front is in the way; whether it is. */
export function inTheWay(visit, answer, at) {
  const wall = wallOf(answer);
  if (wall) visit.stop("bot_protection", { at, expected: "an answer of the server", seen: `${wall}: ${inShort(answer)}` });
  else if (!answer.error && answer.status === 403 && isPage(answer))
    visit.stop("blocked", { at, expected: "an answer of the server", seen: inShort(answer) });
  else return false;
  return true;
}

/** Names and values of a JSON object that are null. */
export const nullsOf = (object) =>
  Object.entries(object)
    .filter(([, value]) => value === null)
    .map(([name]) => name);

/** Whether caches may keep a document for more than a day. */
export function keptLong(answer) {
  const seconds = Math.max(
    ...[...(answer.headers["cache-control"] ?? "").matchAll(/(?:s-maxage|max-age)=(\d+)/gi)].map(([, value]) => Number(value)),
    0,
  );
  const age = Number(answer.headers.age ?? 0);
  return seconds > 86_400 || age > 86_400
    ? [`cache-control: ${answer.headers["cache-control"] ?? "none"}`, ...(age > 0 ? [`age: ${age}`] : [])].join(", ")
    : undefined;
}

/** The first message of an older client, and of one that speaks the newest revision. */
export const LEGACY = "2025-11-25";
export const MODERN = "2026-07-28";
const clientInfo = { name: "mcp-doctor", version: "1" };
export const initialize = () => ({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: LEGACY, capabilities: {}, clientInfo },
});
export const modern = (method, id, params = {}) => ({
  json: {
    jsonrpc: "2.0",
    id,
    method,
    params: {
      ...params,
      _meta: {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": clientInfo,
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  },
  headers: { accept: "application/json, text/event-stream", "mcp-protocol-version": MODERN, "mcp-method": method },
});
