// An authorization server and an MCP server at one origin, by the book but for the habits it is given as data.
//
// It holds its clients to what it registered and what was sent: redirect URI, PKCE, authentication, one use of a code, rotation.
// Not here: the habits (habits.mjs).

import { createHash, randomUUID } from "node:crypto";
import http from "node:http";

import { listen } from "../listen.mjs";

const MCP = "/mcp";
const RESOURCE_METADATA = "/.well-known/oauth-protected-resource";
/** What an operator registered. */
const GATEWAY = { client_id: "gateway", client_secret: "secret of the gateway at a stranger" };

export const SECRETS = { STRANGER_SECRET: GATEWAY.client_secret };

/** Starts one; `asked(path)` is everything that was posted there, `forgetAccessTokens()` ends what it issued so far. */
export async function startStranger(habits) {
  const { origin, stop } = await serve((request, response) => answer(request, response).catch(() => response.destroy()));
  const issuer = `${origin}${habits.path ?? ""}`;
  const clients = new Map([["gateway", GATEWAY]]);
  const codes = new Map();
  const refreshTokens = new Map();
  const accessTokens = new Set();
  const posted = [];

  async function answer(request, response) {
    const url = new URL(request.url, origin);
    const body = await readAll(request);
    const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
    const form = isForm ? Object.fromEntries(new URLSearchParams(body)) : {};
    const send = ({ status = 200, json, encoding, type = "application/json", headers = {} }) => {
      const text = encoding === "form" ? new URLSearchParams(json).toString() : `${encoding === "bom" ? "\u{feff}" : ""}${JSON.stringify(json)}`;
      response.writeHead(status, { "content-type": encoding === "form" ? "application/x-www-form-urlencoded" : type, "cache-control": "no-store", ...headers }).end(text);
    };
    if (request.method === "POST") posted.push({ path: url.pathname, form, headers: request.headers });
    const document = documents()[url.pathname];
    if (document) return send(document);
    switch (url.pathname) {
      case "/authorize":
        return void response.writeHead(302, { location: authorized(url.searchParams) }).end();
      case "/token":
        return send(issued(form, request.headers));
      case "/register":
        return send(registered(JSON.parse(body)));
      case "/revoke":
        accessTokens.delete(form.token);
        refreshTokens.delete(form.token);
        return send({ json: {} });
      case MCP:
        return send(called(JSON.parse(body), request.headers));
      default:
        return send({ status: 404, json: { error: "not_found" } });
    }
  }

  /** Both metadata documents, by path, and what stands in the place of one that has moved. */
  function documents() {
    const { at = [habits.path ? `/.well-known/oauth-authorization-server${habits.path}` : "/.well-known/oauth-authorization-server"], members, moved, to, ...how } = habits.metadata ?? {};
    const metadata = {
      issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      revocation_endpoint: `${origin}/revoke`,
      scopes_supported: habits.needs?.split(" ") ?? [],
      response_types_supported: ["code"],
      token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "none"],
      code_challenge_methods_supported: ["S256"],
      ...of(members),
    };
    const resource = { at: `${RESOURCE_METADATA}${MCP}`, ...habits.resource };
    const protectedResource = {
      resource: resource.is?.(origin) ?? `${origin}${MCP}`,
      authorization_servers: [habits.named?.(origin) ?? issuer],
      ...(habits.needs && { scopes_supported: habits.needs.split(" ") }),
    };
    const placed = (path, document, { moved: status, to: target = `/moved${path}`, ...others }) =>
      status
        ? { [path]: { status, json: {}, headers: { location: target } }, [`/moved${path}`]: { json: document, ...others } }
        : { [path]: { json: document, ...others } };
    return Object.assign(
      {},
      ...at.map((path) => placed(path, metadata, { moved, to, ...how })),
      resource.at && placed(resource.at, protectedResource, { moved: resource.moved, type: resource.type }),
    );
  }

  /** Where the browser goes: nobody is asked here. */
  function authorized(query) {
    const client = clients.get(query.get("client_id"));
    const back = new URL(query.get("redirect_uri"));
    if (client !== GATEWAY && !client?.redirect_uris.includes(back.href)) return `${origin}/not-a-redirect-uri-of-this-client`;
    const refusal = refusalOf(Object.fromEntries(query), "/authorize");
    const answered = refusal ?? (habits.denies ? { error: "access_denied" } : { code: codeFor(query) });
    const all = { ...answered, state: query.get("state"), ...of(habits.denies), ...of(habits.answers) };
    for (const [name, value] of Object.entries(all)) if (value !== undefined) back.searchParams.set(name, value);
    return back.href;
  }

  function codeFor(query) {
    const code = randomUUID();
    codes.set(code, Object.fromEntries(query));
    return code;
  }

  function refusalOf(parameters, path) {
    const { at = "/authorize", resource, scope } = habits.refuses ?? {};
    if (at !== path) return undefined;
    if (resource && parameters.resource) return { error: resource, error_description: "AADSTS9010010: The resource parameter provided in the request doesn't match with the requested scopes." };
    if (scope && parameters.scope?.split(" ").includes(scope)) return { error: "invalid_scope", error_description: `There is no ${scope}.` };
    return undefined;
  }

  function registered(asked) {
    const { refuses, status = 201, members, ...how } = habits.registration ?? {};
    if (refuses && refuses in asked) return { status: 400, json: { error: "invalid_client_metadata", error_description: `Unrecognized key: ${refuses}` } };
    const secret = asked.token_endpoint_auth_method === "none" ? {} : { client_secret: randomUUID(), client_secret_expires_at: 0 };
    const client = { ...asked, client_id: randomUUID(), client_id_issued_at: 1, ...secret, ...of(members) };
    clients.set(client.client_id, client);
    return { status, json: client, ...how };
  }

  function issued(form, headers) {
    const client = authenticated(form, headers);
    if (!client) return { status: 401, json: { error: "invalid_client" } };
    const refusal = refusalOf(form, "/token");
    if (refusal) return { status: 400, json: refusal };
    const isRefresh = form.grant_type === "refresh_token";
    const granted = isRefresh ? refreshTokens.get(form.refresh_token) : redeemed(form);
    if (granted !== client.client_id) return { status: 400, json: { error: "invalid_grant" } };
    // A habit of the first answer is one of every answer, unless a refresh has its own.
    const { status, body, within, beside, members, ...how } = (isRefresh && habits.renewed) || habits.tokens || {};
    if (body) return { status, json: body, ...how };
    const tokens = { access_token: randomUUID(), token_type: "Bearer", expires_in: 3600, scope: habits.needs ?? "read", ...nextRefreshToken(isRefresh, form, granted), ...of(members) };
    accessTokens.add(tokens.access_token);
    return { status, json: within ? { ...beside, [within]: tokens } : tokens, ...how };
  }

  function redeemed({ code, code_verifier: verifier = "", redirect_uri: back }) {
    const asked = codes.get(code);
    codes.delete(code);
    const proof = createHash("sha256").update(verifier).digest("base64url");
    return asked?.code_challenge === proof && asked.redirect_uri === back ? asked.client_id : undefined;
  }

  /** By default the old one stays good beside the new one; "strict" ends it, "none" gives no new one. */
  function nextRefreshToken(isRefresh, { refresh_token: old }, granted) {
    if (isRefresh && habits.rotation === "none") return {};
    if (isRefresh && habits.rotation === "strict") refreshTokens.delete(old);
    const fresh = randomUUID();
    refreshTokens.set(fresh, granted);
    return { refresh_token: fresh };
  }

  /** By the one method that the client was told: two at once are an error (RFC 6749 §2.3), and so is another one. */
  function authenticated(form, headers) {
    const [id, secret] = headers.authorization?.startsWith("Basic ") ? Buffer.from(headers.authorization.slice(6), "base64").toString().split(":").map(decodeURIComponent) : [];
    const client = clients.get(id ?? form.client_id);
    if (!client || (id && form.client_secret)) return undefined;
    const sent = id ? "client_secret_basic" : form.client_secret ? "client_secret_post" : "none";
    const expected = client === GATEWAY ? sent : (client.token_endpoint_auth_method ?? "client_secret_basic");
    // What a form writes as a plus is a space here.
    const given = (secret ?? form.client_secret)?.replaceAll("+", " ");
    return sent === expected && given === client.client_secret ? client : undefined;
  }

  function called(message, headers) {
    const token = headers.authorization?.replace(/^Bearer /, "");
    if (!accessTokens.has(token)) {
      const { status = 401, challenge, body = { error: "unauthorized" } } = { challenge: `Bearer resource_metadata="${origin}${RESOURCE_METADATA}${MCP}"`, ...(token || habits.dead?.status === 401 ? habits.dead : {}) };
      const header = typeof challenge === "function" ? challenge(origin) : challenge;
      const named = header && !(habits.resource && !("moved" in habits.resource) && !("type" in habits.resource));
      return { status, json: body, headers: named ? { "www-authenticate": header } : {} };
    }
    const result = { resultType: "complete", content: [{ type: "text", text: "a stranger" }], isError: false };
    return { json: { jsonrpc: "2.0", id: message.id, result } };
  }

  /** Members of an answer, those that depend on the origin worked out. */
  function of(members = {}) {
    return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, typeof value === "function" ? value(origin) : value]));
  }

  return {
    origin,
    url: `${origin}${MCP}`,
    asked: (path, fits = () => true) => posted.filter((request) => request.path === path && fits(request)),
    forgetAccessTokens: () => accessTokens.clear(),
    stop,
  };
}

const serve = (handler) => listen(http.createServer(handler));

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
