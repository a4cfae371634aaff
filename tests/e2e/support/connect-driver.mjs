// What a person does with a connect link, and where a client finds one in an answer: each of the three shapes of the signal.
//
// Not here: the pages themselves (browser.mjs walks them), what the answers must look like in detail (signal.test.mjs).

import assert from "node:assert/strict";

import { Browser } from "./browser.mjs";

/** The connect signal in a JSON-RPC answer, whatever its shape: {shape, state, url, message}, or nothing. */
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

/** A browser that walks at the gateway and at these authorization servers. */
export const personAt = (gateway, ...servers) => new Browser(gateway.url, ...servers.map(({ issuer }) => issuer));

/** Follows a connect link to its end; fails when that is not the page that says it worked. */
export async function connect(browser, url, options = {}) {
  const page = await browser.walk(url, options);
  assert.equal(page.landed, undefined, `sent to ${page.landed}`);
  assert.equal(page.status, 200, `${page.status} ${page.text}`);
  assert.match(page.text, /connected/i, page.text);
  return page;
}
