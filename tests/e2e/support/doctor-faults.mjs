// What goes wrong between a client and a server, as a proxy in front of a running gateway does it, one fault for each finding of the doctor.
//
// Each is {finding, fault, bend(proxy)}; `path` is asked in place of the server's, `signIn` goes all the way, `options` are the doctor's.
//
// Not here: faults of names and certificates, which no proxy behind the address can make (doctor-address.test.mjs).

import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";

import { answerWith, change, dropRequest } from "./bending-proxy.mjs";

const SERVER = "/v1/mcp/alpha";
const PRM = "/.well-known/oauth-protected-resource*";
const METADATA = ({ path }) => /oauth-authorization-server|openid-configuration/.test(path);
const WELL_KNOWN = "/.well-known/*";
const html = { "content-type": "text/html; charset=utf-8" };
const page = (title) => `<!doctype html><html><head><title>${title}</title></head><body>${title}</body></html>`;
const anything = () => true;
const first = ({ path, method, headers }) => path === SERVER && method === "POST" && !headers.authorization;
const called = (method) => ({ path, json }) => path === SERVER && json?.method === method;
const authorized = ({ path, headers }) => path === SERVER && headers.authorization !== undefined;
const posted = (wanted) => ({ path, method }) => path === wanted && method === "POST";
const granting = (type) => ({ path, form }) => path === "/oauth/token" && form.grant_type === type;

/** The answer's headers, changed; a stream is left as it is. */
const headers = (edit) => async ({ response, forward }) => {
  const answer = await forward();
  if (answer.body === undefined) return answer.deliver(response);
  const changed = { ...answer.headers };
  edit(changed);
  response.writeHead(answer.status, changed).end(answer.body);
};

const challenge = (edit) => headers((sent) => (sent["www-authenticate"] = edit(sent["www-authenticate"])));

/** Everything of an answer is collected before anything is sent on. */
async function collected({ response, forward }) {
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
const goingBack = (edit) => async ({ response, forward }) => {
  const { status, headers: sent, body } = await forward();
  const { location } = sent;
  if (location?.startsWith("http://127.0.0.1")) {
    const url = new URL(location);
    edit(url.searchParams);
    sent.location = String(url);
  }
  response.writeHead(status, sent).end(body);
};

const without = (name) => ({ [name]: _dropped, ...rest }) => rest;
const tokenWith = (edit) => (proxy) => proxy.bend(granting("authorization_code"), change(edit));
const metadataWith = (edit) => (proxy) => proxy.bend(METADATA, change(edit));
const refused = (error) => (proxy) => proxy.bend("/oauth/authorize", answerWith(400, { error, error_description: "so says the server" }));
const asJwt = (claims) => ["{}", JSON.stringify(claims), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");

export const faults = [
  { finding: "connection_lost", fault: "a firewall resets connections", bend: (proxy) => proxy.bend(anything, dropRequest) },
  { finding: "bot_protection", fault: "Cloudflare challenges every program", bend: (proxy) => proxy.bend(anything, answerWith(403, page("Just a moment..."), { ...html, "cf-mitigated": "challenge" })) },
  { finding: "bot_protection", fault: "AWS WAF challenges with 202", bend: (proxy) => proxy.bend(anything, answerWith(202, page("Human verification"), { ...html, "x-amzn-waf-action": "challenge" })) },
  { finding: "bot_protection", fault: "a firewall guards the metadata only", bend: (proxy) => proxy.bend(WELL_KNOWN, answerWith(403, page("Attention Required! | Cloudflare"), html)) },
  { finding: "bot_protection", fault: "a firewall guards the registration only", bend: (proxy) => proxy.bend("/oauth/register", answerWith(403, page("Just a moment..."), { ...html, "cf-mitigated": "challenge" })) },
  { finding: "agents_blocked", fault: "AI agents are blocked by name", bend: (proxy) => proxy.bend(({ headers: sent }) => /Claude/.test(sent["user-agent"]), answerWith(403, page("Access denied"), html)) },
  { finding: "agents_blocked", fault: "only browsers are let through", bend: (proxy) => proxy.bend(({ headers: sent }) => !/Mozilla/.test(sent["user-agent"]), answerWith(403, page("Access denied"), html)) },
  { finding: "sign_in_wall", fault: "Cloudflare Access stands in front", bend: (proxy) => proxy.bend(anything, answerWith(302, "", { location: "https://acme.cloudflareaccess.com/cdn-cgi/access/login/mcp" })) },
  { finding: "blocked", fault: "a company's proxy answers with its page", bend: (proxy) => proxy.bend(anything, answerWith(403, page("Blocked by your organisation"), html)) },
  { finding: "redirected_to_https", fault: "http leads to https", bend: (proxy) => proxy.bend(anything, answerWith(301, "", { location: `https://localhost:${proxy.port}${SERVER}` })) },
  { finding: "redirected_slash", fault: "a framework adds a slash", bend: (proxy) => proxy.bend(SERVER, answerWith(307, "", { location: `${SERVER}/` })) },
  { finding: "redirected_host", fault: "the address moved to www", bend: (proxy) => proxy.bend(anything, answerWith(308, "", { location: `https://www.example.com${SERVER}` })) },
  { finding: "redirected_path", fault: "the address moved to another path", bend: (proxy) => proxy.bend(SERVER, answerWith(308, "", { location: "/mcp/v2" })) },
  { finding: "host_refused", fault: "the proxy sends its own name as Host", rewrite: () => ({ host: "gateway.internal.example" }) },
  { finding: "address_rewritten", fault: "the proxy sends the server's own address as Host", rewrite: (gateway) => ({ host: new URL(gateway.url).host }) },
  { finding: "rate_limited", fault: "a rate limit counts all clients as one", bend: (proxy) => proxy.bend(SERVER, answerWith(429, { error: "too many" }, { "retry-after": "60" })) },
  { finding: "server_failing", fault: "what is behind the proxy is down", bend: (proxy) => proxy.bend(anything, answerWith(502, page("502 Bad Gateway"), html)) },
  { finding: "nothing_there", fault: "the slug is wrong", path: "/v1/mcp/alfa" },
  { finding: "post_refused", fault: "the proxy passes GET only", bend: (proxy) => proxy.bend(({ method }) => method === "POST", answerWith(405, "", { allow: "GET" })) },
  { finding: "not_mcp", fault: "an app's fallback page is at the address", bend: (proxy) => proxy.bend(SERVER, answerWith(200, page("Welcome"), html)) },
  { finding: "refused_without_401", fault: "400 in place of 401", bend: (proxy) => proxy.bend(first, answerWith(400, { error: "no token" })) },
  { finding: "accept_refused", fault: "Accept is checked before the token", bend: (proxy) => proxy.bend((exchange) => first(exchange) && exchange.headers.accept === "*/*", answerWith(406, { error: "Not Acceptable" })) },
  { finding: "clock_skew", fault: "the clock is ten minutes behind", bend: (proxy) => proxy.bend(first, headers((sent) => (sent.date = new Date(Date.now() - 600_000).toUTCString()))) },

  { finding: "challenge_missing", fault: "a proxy strips WWW-Authenticate", bend: (proxy) => proxy.bend(first, headers((sent) => delete sent["www-authenticate"])) },
  { finding: "challenge_not_bearer", fault: "the proxy has a password of its own", bend: (proxy) => proxy.bend(first, challenge(() => 'Basic realm="internal"')) },
  { finding: "challenge_scheme_case", fault: "the scheme in lower case", bend: (proxy) => proxy.bend(first, challenge((text) => text.replace("Bearer", "bearer"))) },
  { finding: "challenge_malformed", fault: "values without quotes", bend: (proxy) => proxy.bend(first, challenge((text) => text.replaceAll('"', ""))) },
  { finding: "challenge_malformed", fault: "resource_metadata is a path", bend: (proxy) => proxy.bend(first, challenge((text) => text.replace(/http:\/\/[^/]+/, ""))) },
  { finding: "challenge_without_metadata", fault: "resource_metadata is missing", bend: (proxy) => proxy.bend(first, challenge(() => 'Bearer scope="mcp:tools"')) },

  { finding: "resource_metadata_missing", fault: "the proxy does not pass the well-known paths", bend: (proxy) => proxy.bend(PRM, answerWith(404, "Not found", { "content-type": "text/plain" })) },
  { finding: "resource_metadata_missing", fault: "the well-known paths lead to an app's page", bend: (proxy) => proxy.bend(PRM, answerWith(200, page("Welcome"), html)) },
  {
    finding: "resource_metadata_not_at_path",
    fault: "the metadata is at the root only",
    bend(proxy) {
      proxy.bend(first, challenge((text) => text.replace(SERVER, "")));
      proxy.bend("/.well-known/oauth-protected-resource", change((document) => ({ ...document, resource: proxy.origin + SERVER })));
      proxy.bend(`/.well-known/oauth-protected-resource${SERVER}`, answerWith(404, {}));
    },
  },
  { finding: "resource_metadata_type", fault: "the metadata is sent as text", bend: (proxy) => proxy.bend(PRM, headers((sent) => (sent["content-type"] = "text/plain"))) },
  { finding: "resource_metadata_malformed", fault: "no authorization server is named", bend: (proxy) => proxy.bend(PRM, change(without("authorization_servers"))) },
  { finding: "resource_metadata_malformed", fault: "members are null", bend: (proxy) => proxy.bend(PRM, change((document) => ({ ...document, resource_policy_uri: null }))) },
  {
    finding: "resource_metadata_differs",
    fault: "a cache keeps the metadata of another time",
    bend(proxy) {
      proxy.bend(first, challenge((text) => text.replace(SERVER, "")));
      proxy.bend("/.well-known/oauth-protected-resource", change((document) => ({ ...document, resource: proxy.origin + SERVER })));
      proxy.bend(`/.well-known/oauth-protected-resource${SERVER}`, change((document) => ({ ...document, authorization_servers: ["https://old.example.com"] })));
    },
  },
  { finding: "resource_mismatch", fault: "the path is missing in resource", bend: (proxy) => proxy.bend(PRM, change((document) => ({ ...document, resource: proxy.origin }))) },
  { finding: "resource_mismatch", fault: "resource is another server's", bend: (proxy) => proxy.bend(PRM, change((document) => ({ ...document, resource: `${proxy.origin}/v1/mcp/beta` }))) },
  { finding: "address_rewritten", fault: "public_url names another domain in resource", bend: (proxy) => proxy.bend(PRM, change((document) => ({ ...document, resource: `https://my-project.example.net${SERVER}` }))) },
  { finding: "resource_trailing_slash", fault: "a URL parser adds a slash", bend: (proxy) => proxy.bend(PRM, change((document) => ({ ...document, resource: `${document.resource}/` }))) },
  { finding: "metadata_cached_long", fault: "a CDN keeps metadata for a year", bend: (proxy) => proxy.bend(PRM, headers((sent) => (sent["cache-control"] = "public, max-age=31536000"))) },

  { finding: "issuer_malformed", fault: "the issuer is a name only", bend: (proxy) => proxy.bend(PRM, change((document) => ({ ...document, authorization_servers: ["my-tenant.us.example.com"] }))) },
  { finding: "issuer_metadata_missing", fault: "discovery is a 404", bend: (proxy) => proxy.bend(METADATA, answerWith(404, {})) },
  { finding: "issuer_metadata_missing", fault: "the metadata is a page", bend: (proxy) => proxy.bend(METADATA, answerWith(200, page("Welcome"), html)) },
  { finding: "issuer_mismatch", fault: "the issuer is the one behind a custom domain", bend: metadataWith((document) => ({ ...document, issuer: "https://my-project.example.net" })) },
  { finding: "issuer_trailing_slash", fault: "the issuer has a slash in one document only", bend: metadataWith((document) => ({ ...document, issuer: `${document.issuer}/` })) },
  { finding: "issuer_metadata_type", fault: "the metadata is sent as text", bend: (proxy) => proxy.bend(METADATA, headers((sent) => (sent["content-type"] = "text/plain"))) },
  { finding: "issuer_metadata_malformed", fault: "the token endpoint is missing", bend: metadataWith(without("token_endpoint")) },
  { finding: "pkce_not_advertised", fault: "PKCE methods are left out", bend: metadataWith(without("code_challenge_methods_supported")) },
  { finding: "openid_differs", fault: "two versions are deployed", bend: (proxy) => proxy.bend("/.well-known/openid-configuration", change((document) => ({ ...document, token_endpoint: `${proxy.origin}/old/token` }))) },
  {
    finding: "openid_incomplete",
    fault: "OpenID discovery only, and half of it",
    bend(proxy) {
      proxy.bend("/.well-known/oauth-authorization-server", answerWith(404, {}));
      proxy.bend("/.well-known/openid-configuration", change(without("jwks_uri")));
    },
  },
  { finding: "refresh_not_offered", fault: "grant_types_supported lacks refresh_token", bend: metadataWith((document) => ({ ...document, grant_types_supported: ["authorization_code"] })) },
  { finding: "cimd_without_none", fault: "documents are offered, public clients are not", bend: metadataWith((document) => ({ ...document, token_endpoint_auth_methods_supported: ["client_secret_post"] })) },
  { finding: "registration_unavailable", fault: "no dynamic registration", bend: metadataWith(({ registration_endpoint: _gone, client_id_metadata_document_supported: _off, ...rest }) => rest) },

  { finding: "cors_missing", fault: "a proxy drops the headers of CORS", bend: (proxy) => proxy.bend(({ headers: sent }) => sent.origin, headers((sent) => Object.keys(sent).forEach((name) => name.startsWith("access-control-") && delete sent[name]))) },
  { finding: "cors_headers_refused", fault: "Access-Control-Allow-Headers is *", bend: (proxy) => proxy.bend(({ method }) => method === "OPTIONS", headers((sent) => (sent["access-control-allow-headers"] = "*"))) },
  { finding: "cors_headers_hidden", fault: "no header may be read", bend: (proxy) => proxy.bend(SERVER, headers((sent) => delete sent["access-control-expose-headers"])) },

  { finding: "registration_refused", fault: "the redirect URI is not allowed", bend: (proxy) => proxy.bend(posted("/oauth/register"), answerWith(400, { error: "invalid_redirect_uri", error_description: "not on the list" })) },
  { finding: "registration_closed", fault: "registration wants a token", bend: (proxy) => proxy.bend(posted("/oauth/register"), answerWith(401, { error: "invalid_token" })) },
  {
    finding: "registration_status",
    fault: "200 in place of 201",
    bend: (proxy) => proxy.bend(posted("/oauth/register"), async ({ response, forward }) => {
      const answer = await forward();
      response.writeHead(200, answer.headers).end(answer.body);
    }),
  },
  { finding: "registration_malformed", fault: "members that were not sent come back as null", bend: (proxy) => proxy.bend(posted("/oauth/register"), change((client) => ({ ...client, client_uri: null }))) },
  { finding: "registration_secret_expiry", fault: "the secret's end is a fraction", bend: (proxy) => proxy.bend(posted("/oauth/register"), change((client) => ({ ...client, client_secret: "a secret of nobody", client_secret_expires_at: 1.5 }))) },

  {
    finding: "client_document_refused",
    fault: "the way out to the client's document is closed",
    options: { profile: "claude" },
    bend: (proxy) => proxy.bend(({ path, query }) => path === "/oauth/authorize" && query.get("client_id").startsWith("https:"), answerWith(400, { error: "invalid_client_metadata_url" })),
  },
  { finding: "scope_refused", fault: "the provider does not know the scope", bend: refused("invalid_scope") },
  { finding: "resource_refused", fault: "the server is not registered at the provider", bend: refused("invalid_target") },
  { finding: "authorization_refused", fault: "the redirect URI does not match", bend: refused("invalid_redirect_uri") },
  { finding: "popup_severed", fault: "the sign-in page cuts its opener off", bend: (proxy) => proxy.bend("/login*", headers((sent) => (sent["cross-origin-opener-policy"] = "same-origin"))) },
  { finding: "state_lost", fault: "state is not returned", signIn: true, bend: (proxy) => proxy.bend("/oauth/consent", goingBack((query) => query.delete("state"))) },
  { finding: "code_missing", fault: "the query is lost on the way back", signIn: true, bend: (proxy) => proxy.bend("/oauth/consent", goingBack((query) => query.delete("code"))) },
  { finding: "iss_missing", fault: "iss is promised only", signIn: true, bend: (proxy) => proxy.bend("/oauth/consent", goingBack((query) => query.delete("iss"))) },
  { finding: "iss_mismatch", fault: "iss has a slash more", signIn: true, bend: (proxy) => proxy.bend("/oauth/consent", goingBack((query) => query.set("iss", `${query.get("iss")}/`))) },

  { finding: "token_refused_at_issue", fault: "the code has ended already", signIn: true, bend: (proxy) => proxy.bend(posted("/oauth/token"), answerWith(400, { error: "invalid_grant" })) },
  { finding: "token_error_as_success", fault: "200 with an error", signIn: true, bend: (proxy) => proxy.bend(posted("/oauth/token"), answerWith(200, { error: "bad_verification_code" })) },
  {
    finding: "token_not_json",
    fault: "the token comes as a form",
    signIn: true,
    bend: (proxy) => proxy.bend(posted("/oauth/token"), async ({ response, forward }) => {
      const { body } = await forward();
      response.writeHead(200, { "content-type": "application/x-www-form-urlencoded" }).end(String(new URLSearchParams(JSON.parse(body))));
    }),
  },
  { finding: "token_not_json", fault: "the token endpoint fails with a page", signIn: true, bend: (proxy) => proxy.bend(posted("/oauth/token"), answerWith(500, page("Oops"), html)) },
  { finding: "token_content_type", fault: "JSON that says it is text", signIn: true, bend: (proxy) => proxy.bend(posted("/oauth/token"), headers((sent) => (sent["content-type"] = "text/html"))) },
  { finding: "token_type_missing", fault: "token_type is left out", signIn: true, bend: tokenWith(without("token_type")) },
  { finding: "expires_in_not_number", fault: "expires_in is a text", signIn: true, bend: tokenWith((tokens) => ({ ...tokens, expires_in: String(tokens.expires_in) })) },
  { finding: "token_cacheable", fault: "a proxy sets Cache-Control", signIn: true, bend: (proxy) => proxy.bend(posted("/oauth/token"), headers((sent) => (sent["cache-control"] = "max-age=60"))) },
  { finding: "refresh_token_missing", fault: "no refresh token is issued", signIn: true, bend: tokenWith(without("refresh_token")) },
  { finding: "audience_mismatch", fault: "the token is for the provider's own API", signIn: true, bend: tokenWith((tokens) => ({ ...tokens, access_token: asJwt({ aud: "https://api.example.com" }) })) },

  { finding: "token_refused", fault: "the server checks another audience than it advertises", signIn: true, bend: (proxy) => proxy.bend(authorized, answerWith(401, { error: "invalid_token" }, { "www-authenticate": 'Bearer error="invalid_token"' })) },
  { finding: "token_refused", fault: "a proxy strips Authorization", signIn: true, rewrite: () => ({ authorization: undefined }) },
  { finding: "scope_insufficient", fault: "the first challenge does not name the scope", signIn: true, bend: (proxy) => proxy.bend(authorized, answerWith(403, { error: "insufficient_scope" }, { "www-authenticate": 'Bearer error="insufficient_scope", scope="mcp:tools"' })) },
  { finding: "forbidden_after_sign_in", fault: "the person lacks a role", signIn: true, bend: (proxy) => proxy.bend(authorized, answerWith(403, { error: "forbidden" })) },
  { finding: "bot_protection", fault: "a firewall stops what carries a token", signIn: true, bend: (proxy) => proxy.bend(authorized, answerWith(403, page("Just a moment..."), { ...html, "cf-mitigated": "challenge" })) },
  { finding: "call_redirected", fault: "calls with a token lead to another host", signIn: true, bend: (proxy) => proxy.bend(authorized, answerWith(307, "", { location: "https://mcp.internal.example/mcp" })) },
  { finding: "answer_type", fault: "calls are answered with a page", signIn: true, bend: (proxy) => proxy.bend(authorized, answerWith(200, page("Welcome"), html)) },
  { finding: "initialize_refused", fault: "the server wants another revision", signIn: true, bend: (proxy) => proxy.bend(authorized, answerWith(400, { jsonrpc: "2.0", id: 1, error: { code: -32600, message: "Unsupported" } })) },
  { finding: "session_lost", fault: "several instances, and each has its own sessions", signIn: true, bend: (proxy) => proxy.bend(called("tools/list"), answerWith(404, { jsonrpc: "2.0", id: 2, error: { code: -32001, message: "Session not found" } })) },
  { finding: "notification_refused", fault: "a notification is a bad request", signIn: true, bend: (proxy) => proxy.bend(called("notifications/initialized"), answerWith(400, { error: "no id" })) },
  { finding: "tools_refused", fault: "an error in place of tools", signIn: true, bend: (proxy) => proxy.bend(called("tools/list"), answerWith(200, { jsonrpc: "2.0", id: 2, error: { code: -32603, message: "Internal error" } })) },
  { finding: "stream_buffered", fault: "the proxy collects streams", signIn: true, bend: (proxy) => proxy.bend(anything, collected) },
  { finding: "get_not_stream", fault: "GET is a page", signIn: true, bend: (proxy) => proxy.bend(({ method, path }) => method === "GET" && path === SERVER, answerWith(200, page("Welcome"), html)) },
  { finding: "delete_fails", fault: "DELETE breaks", signIn: true, bend: (proxy) => proxy.bend(({ method }) => method === "DELETE", answerWith(500, {})) },
  { finding: "probe_fails", fault: "an unknown method breaks the server", signIn: true, bend: (proxy) => proxy.bend(called("server/discover"), answerWith(500, { error: "undefined is not a function" })) },
  { finding: "answer_cacheable", fault: "a CDN may keep answers", signIn: true, bend: (proxy) => proxy.bend(called("tools/list"), async ({ response, forward }) => {
    const answer = await forward();
    const { writeHead } = response;
    response.writeHead = (status, sent) => writeHead.call(response, status, { ...sent, "cache-control": "public, s-maxage=60" });
    answer.deliver(response);
  }) },

  { finding: "refresh_refused", fault: "refresh tokens die at once", signIn: true, bend: (proxy) => proxy.bend(granting("refresh_token"), answerWith(400, { error: "invalid_grant" })) },
  {
    finding: "refresh_not_rotated",
    fault: "the refresh token stays",
    signIn: true,
    bend: (proxy) => proxy.bend(granting("refresh_token"), async ({ exchange, response, forward }) => {
      const { status, headers: sent, body } = await forward();
      const { "content-length": _length, ...rest } = sent;
      response.writeHead(status, rest).end(JSON.stringify({ ...JSON.parse(body), refresh_token: exchange.form.refresh_token }));
    }),
  },
  { finding: "refresh_scope_shrunk", fault: "a refresh loses scopes", signIn: true, bend: (proxy) => proxy.bend(granting("refresh_token"), change((tokens) => ({ ...tokens, scope: "offline_access" }))) },
];
