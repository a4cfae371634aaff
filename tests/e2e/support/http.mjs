// HTTP as a test wants it: any header (Host, Origin, repeated ones), no redirect followed, and the answer read or left streaming.
//
// Not here: cookies and pages (browser.mjs), OAuth (oauth-client.mjs), MCP (mcp.mjs).

import http from "node:http";
import { Readable } from "node:stream";

/** Origins that only a reverse proxy would answer for, and the loopback port behind each. */
const proxied = new Map();

/** From now on requests to `origin` reach `port` over plain HTTP, as behind a proxy that ends TLS. Answers the way to undo it. */
export function proxy(origin, port) {
  proxied.set(origin, port);
  return () => proxied.delete(origin);
}

/**
 * Sends one request; the answer has {status, headers, rawHeaders, text, json}.
 * `headers` may be an object or a flat list of names and values, to send one name twice. `stream: true` leaves the body as `body`.
 * `port` is where to connect, if not where the URL says.
 */
export async function request(url, { method = "GET", headers = {}, body, form, json, stream = false, signal, port } = {}) {
  const target = new URL(url);
  const sent = encode({ headers, body, form, json });
  const response = await new Promise((resolve, reject) => {
    const outgoing = http.request(
      { host: "127.0.0.1", port: port ?? proxied.get(target.origin) ?? target.port, path: target.pathname + target.search, method, headers: sent.headers(target.host), agent: false, signal },
      resolve,
    );
    outgoing.on("error", reject);
    outgoing.end(sent.body);
  });
  const answer = { status: response.statusCode, headers: response.headers, rawHeaders: response.rawHeaders, url: String(target) };
  if (stream) return { ...answer, body: response, web: () => Readable.toWeb(response) };
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return { ...answer, bytes, text: bytes.toString(), json: parse(bytes) };
}

function encode({ headers, body, form, json }) {
  const pairs = Array.isArray(headers) ? chunked(headers) : Object.entries(headers).filter(([, value]) => value !== undefined);
  const has = (name) => pairs.some(([given]) => given.toLowerCase() === name);
  const add = (name, value) => has(name) || pairs.push([name, value]);
  let bytes = body;
  if (form !== undefined) {
    bytes = String(new URLSearchParams(form));
    add("content-type", "application/x-www-form-urlencoded");
  } else if (json !== undefined) {
    bytes = JSON.stringify(json);
    add("content-type", "application/json");
  }
  return {
    body: bytes,
    headers: (host) => {
      add("host", host);
      if (bytes !== undefined && !has("transfer-encoding")) add("content-length", String(Buffer.byteLength(bytes)));
      return pairs.flat();
    },
  };
}

function chunked(flat) {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]);
}

function parse(bytes) {
  try {
    return JSON.parse(bytes);
  } catch {
    return undefined;
  }
}
