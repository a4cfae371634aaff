// What every refusal must look like, and waiting for what takes a moment.
//
// Not here: assertions of one suite only.

import assert from "node:assert/strict";

/** A refusal in JSON: the status, the OAuth `error` where it has one, and always a reason code and the request's id (P16, X13). */
export function assertRefused(answer, { status, error, reason, says, fix, slug } = {}) {
  const shown = `${answer.status} ${answer.text}`;
  assert.equal(answer.status, status, shown);
  assert.match(answer.headers["content-type"], /^application\/json/, shown);
  explains(answer.json, answer, { reason, fix, slug });
  if (error) assert.equal(answer.json.error, error, shown);
  if (says) assert.match(answer.json.error_description, says, shown);
}

/** A refusal as a JSON-RPC error: the request's id, a code, and the same facts in `data`. */
export function assertRpcRefused(answer, { status, id = 1, code, reason, says, fix, slug } = {}) {
  const shown = `${answer.status} ${answer.text}`;
  assert.equal(answer.status, status, shown);
  const { jsonrpc, error } = answer.json ?? {};
  assert.equal(jsonrpc, "2.0", shown);
  assert.deepEqual(answer.json.id ?? null, id, shown);
  if (code) assert.equal(error.code, code, shown);
  if (says) assert.match(error.message, says, shown);
  explains(error.data, answer, { reason, fix, slug });
}

/** A refusal as a page: nobody is sent anywhere, and the page says what happened. */
export function assertRefusedOnPage(page, { status = 400, says = [], reason } = {}) {
  assert.equal(page.landed, undefined, `redirected to ${page.landed}`);
  const shown = `${page.status} ${page.text}`;
  assert.equal(page.status, status, shown);
  assert.match(page.headers["content-type"], /^text\/html/, shown);
  for (const phrase of [says].flat()) assert.match(page.text, phrase, shown);
  if (reason) assert.ok(page.text.includes(reason), shown);
  assert.ok(page.text.includes(page.headers["x-request-id"]), `no request id on: ${shown}`);
}

/** An error redirect: exactly one `error`, `state` and `iss`, and no code. */
export function assertErrorRedirect(arrived, { redirectUri, error, state, iss }) {
  assert.ok(arrived.landed, `no redirect: ${arrived.status} ${arrived.text}`);
  assert.equal(`${arrived.landed.origin}${arrived.landed.pathname}`, redirectUri);
  assert.deepEqual(arrived.params.getAll("error"), [error], String(arrived.landed));
  assert.deepEqual(arrived.params.getAll("state"), [state], String(arrived.landed));
  assert.deepEqual(arrived.params.getAll("iss"), [iss], String(arrived.landed));
  assert.equal(arrived.params.has("code"), false);
}

/** Repeats an observation until it holds. For what has no event to wait for: a lifetime that ends, a file that is picked up. */
export async function eventually(observe, { within = 10_000, every = 50 } = {}) {
  const end = Date.now() + within;
  for (;;) {
    try {
      return await observe();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  }
}

function explains(facts, answer, { reason, fix, slug }) {
  const shown = `${answer.status} ${answer.text}`;
  assert.match(facts?.reason ?? "", /^[a-z][a-z0-9_]+$/, `no reason code: ${shown}`);
  assert.equal(facts.request_id, answer.headers["x-request-id"], `request id: ${shown}`);
  if (reason) assert.equal(facts.reason, reason, shown);
  if (fix) assert.match(facts.fix ?? "", fix, shown);
  if (slug) assert.equal(facts.slug, slug, shown);
}
