// What a person does with a connect link, and where a client finds one in an answer: each of the three shapes of the signal.
//
// Not here: the pages themselves (browser.mjs walks them).

import assert from "node:assert/strict";

import { Browser } from "./browser.mjs";
import { startGateway } from "./gateway.mjs";
import { request } from "./http.mjs";
import { LEGACY, callTool, legacyCall, modernCall, openSession, post } from "./mcp.mjs";
import { signedIn } from "./oauth-client.mjs";
import { startReverseProxy } from "./reverse-proxy.mjs";

/** The capability of a client that can show a link. */
export const SHOWS_LINKS = { elicitation: { url: {} } };

/** The connect signal in a JSON-RPC answer, whatever its shape: {shape, url, message, …}, or nothing. */
export function signalIn(message) {
  const { error, result } = message ?? {};
  if (error?.code === -32042) {
    const { state, authUrl, elicitations, reason, request_id: requestId } = error.data;
    return { shape: "error", state, url: authUrl, elicitations, message: error.message, reason, requestId };
  }
  if (result?.resultType === "input_required") {
    const [[key, { params }]] = Object.entries(result.inputRequests);
    return { shape: "input_required", key, url: params.url, message: params.message, requestState: result.requestState };
  }
  const text = result?.isError && result.content?.find(({ type }) => type === "text")?.text;
  const url = text && /https?:\/\/\S+\/connect\/[^\s)>"]+/.exec(text)?.[0];
  return url ? { shape: "text", url, message: text } : undefined;
}

/** The part of a configuration that lets these people sign in. */
export const people = (...names) => ({ login: { kind: "dev", accounts: names.map((name) => ({ subject: name, name })) } });

/** Two isolates behind a balancer that sends each request to the other one, or to the one that is chosen: as `gateway`, with `choose`. */
export async function startIsolates(options) {
  const isolates = await startGateway({ isolates: [{}, {}], ...options });
  let turn = 0;
  let chosen;
  const balancer = await startReverseProxy(() => ({ port: new URL(isolates.urls[chosen ?? (turn += 1) % 2]).port }));
  return {
    ...isolates,
    url: balancer.url,
    fetch: (target, given) => request(new URL(target, balancer.url), given),
    mcpUrl: (slug) => `${balancer.url}/v1/mcp/${slug}`,
    /** Which isolate answers from now on; none: in turn. */
    choose: (isolate) => (chosen = isolate),
    stop: () => Promise.all([balancer.stop(), isolates.stop()]),
  };
}

/** A browser that walks at the gateway and at these authorization servers. */
export const personAt = (gateway, ...servers) => new Browser(gateway.url, ...servers.map(({ issuer }) => issuer));

/** A person with a client that is signed in for a server, connected to it on the way unless `connect` says "skip". */
export async function clientOf(gateway, slug, servers, { as = "alice", browser = personAt(gateway, ...servers), ...options } = {}) {
  const { oauth, token, tokens } = await signedIn(gateway, slug, { as, browser, ...options });
  const url = gateway.mcpUrl(slug);
  return {
    as,
    browser,
    oauth,
    token,
    tokens,
    url,
    /** One modern call; the answer with its `message` and the connect `signal` in it. */
    async call(name = "who_am_i", { capabilities = SHOWS_LINKS, at = url, ...extra } = {}) {
      return withSignal(await post(at, token, modernCall("tools/call", { name, arguments: {}, ...extra }, { capabilities })));
    },
    /** A legacy session that stays open; calls in it answer as `call` does. */
    async session(capabilities = SHOWS_LINKS) {
      const opened = await openSession(url, token, capabilities, LEGACY);
      assert.equal(opened.status, 200, opened.text);
      const send = async (method, params, id = 7) => withSignal(await post(url, token, legacyCall(method, params, { id, session: opened.session })));
      return { ...opened, send, call: (name = "who_am_i") => send("tools/call", { name, arguments: {} }) };
    },
    plainCall: () => callTool(url, token, "who_am_i"),
  };
}

const withSignal = (answer) => ({ ...answer, signal: signalIn(answer.message), said: answer.message?.result?.content?.[0]?.text });

/** Follows a connect link to its end; fails when that is not the page that says it worked. */
export async function connect(browser, url, options = {}) {
  const page = await browser.walk(url, options);
  assert.equal(page.landed, undefined, `sent to ${page.landed}`);
  assert.equal(page.status, 200, `${page.status} ${page.text}`);
  assert.match(page.text, /connected/i, page.text);
  return page;
}
