// How a proxy in front of the gateway bends what passes: which exchanges, and what becomes of them.
//
// Not here: bending as such (../bending-proxy.mjs), the faults that are made of it (in this folder).

import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";

import { answerWith, change } from "../bending-proxy.mjs";

export const SERVER = "/v1/mcp/alpha";
export const PRM = "/.well-known/oauth-protected-resource*";
export const METADATA = ({ path }) => /oauth-authorization-server|openid-configuration/.test(path);
export const WELL_KNOWN = "/.well-known/*";
export const html = { "content-type": "text/html; charset=utf-8" };
export const page = (title) => `<!doctype html><html><head><title>${title}</title></head><body>${title}</body></html>`;
export const anything = () => true;
export const first = ({ path, method, headers }) => path === SERVER && method === "POST" && !headers.authorization;
export const called =
  (method) =>
  ({ path, json }) =>
    path === SERVER && json?.method === method;
export const authorized = ({ path, headers }) => path === SERVER && headers.authorization !== undefined;
export const posted =
  (wanted) =>
  ({ path, method }) =>
    path === wanted && method === "POST";
export const granting =
  (type) =>
  ({ path, form }) =>
    path === "/oauth/token" && form.grant_type === type;

/** The answer's headers, changed; a stream is left as it is. */
export const headers =
  (edit) =>
  async ({ response, forward }) => {
    const answer = await forward();
    if (answer.body === undefined) return answer.deliver(response);
    const changed = { ...answer.headers };
    edit(changed);
    response.writeHead(answer.status, changed).end(answer.body);
  };

export const challenge = (edit) => headers((sent) => (sent["www-authenticate"] = edit(sent["www-authenticate"])));

/** Everything of an answer is collected before anything is sent on. */
export async function collected({ response, forward }) {
  const answer = await forward();
  if (answer.body !== undefined) return answer.deliver(response);
  const kept = new PassThrough();
  let head;
  Object.assign(kept, { writeHead: (...given) => (head = given), flushHeaders() {} });
  response.on("close", () => kept.destroy());
  answer.deliver(kept);
  try {
    response.writeHead(...head).end(await buffer(kept));
  } catch {
    response.destroy();
  }
}

/** The redirect back to the client, changed. */
export const goingBack =
  (edit) =>
  async ({ response, forward }) => {
    const { status, headers: sent, body } = await forward();
    const { location } = sent;
    if (location?.startsWith("http://127.0.0.1")) {
      const url = new URL(location);
      edit(url.searchParams);
      sent.location = String(url);
    }
    response.writeHead(status, sent).end(body);
  };

export const without =
  (name) =>
  ({ [name]: _dropped, ...rest }) =>
    rest;
export const tokenWith = (edit) => (proxy) => proxy.bend(granting("authorization_code"), change(edit));
export const metadataWith = (edit) => (proxy) => proxy.bend(METADATA, change(edit));
export const refused = (error) => (proxy) =>
  proxy.bend("/oauth/authorize", answerWith(400, { error, error_description: "so says the server" }));
export const asJwt = (claims) =>
  ["{}", JSON.stringify(claims), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");
