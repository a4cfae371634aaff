// What can be found: one row for each finding. The report, docs/doctor.md and the tests read this table.
//
// A finding has a stable id; a `weight` (fault: a sign-in or a call fails; warning: for some clients, or soon); what it `says`; the `rule`
// with its `source`; who has to act (`who`: client, operator, server, network); the `fix`; and which clients break (`breaks`).
//
// Not here: how it is found (steps/), which published symptoms lead to it (symptoms.mjs).

const ALL = ["all"];
const CLOUD = ["claude", "chatgpt"];
const SDK = ["claude-code", "cursor", "inspector", "mcp-remote"];
const BROWSERS = ["inspector"];
const operator = { weight: "fault", who: "operator", breaks: ALL };
const server = { weight: "fault", who: "server", breaks: ALL };
const network = { weight: "fault", who: "network", breaks: ALL };
const MCP = "MCP 2025-11-25";
const MODERN = "MCP 2026-07-28";
const CLAUDE = "claude.com/docs/connectors/building/troubleshooting";

/** The findings by step, in the order a client comes by them. */
export const findings = {
  reach: {
    name_unresolved: { ...network, says: "The name does not resolve", rule: "A client has to find the host", source: "RFC 1034 §3.6", fix: "Add the DNS record, or correct the address. Inside a company the name may exist on its own network only" },
    address_private: { ...network, says: "The name leads to a private address", rule: "Every address of the name can be reached from the internet", source: CLAUDE, fix: "Publish the server at a public address, or use a client that runs in the same network", breaks: CLOUD },
    no_ipv4: { ...network, says: "The name has no IPv4 address", rule: "Connectors of Claude use IPv4", source: CLAUDE, fix: "Add an A record", breaks: ["claude"] },
    connection_refused: { ...network, says: "Nothing listens there", rule: "The address accepts connections", source: "RFC 9293 §3.10.7", fix: "Start the server, or correct host and port; then look at firewalls and VPN" },
    no_answer: { ...network, says: "No answer came in time", rule: "A client waits seconds, not minutes", source: "RFC 9110 §15.6.5", fix: "Look for a firewall that drops packets, and at the server's own log" },
    connection_lost: { ...network, says: "The connection broke before an answer", rule: "A request is answered", source: "RFC 9112 §9.6", fix: "Look at what stands between: a proxy or firewall that resets connections, http asked of an https port" },
    certificate_expired: { ...operator, says: "The certificate has ended, or has not begun", rule: "The certificate is valid today", source: "RFC 5280 §4.1.2.5", fix: "Renew it, and find out why that did not happen by itself" },
    certificate_name: { ...operator, says: "The certificate is for another name", rule: "The certificate names the host", source: "RFC 9525 §6.3", fix: "Get a certificate for this name, or use the name it is for" },
    certificate_untrusted: { ...operator, says: "The certificate's chain leads to nobody that is trusted", rule: "The server sends its whole chain, to a public authority", source: "RFC 8446 §4.4.2", fix: "Send the intermediate certificates as well. Behind a company's proxy: give clients its authority (Node: NODE_EXTRA_CA_CERTS)" },
    certificate_ends_soon: { ...operator, weight: "warning", says: "The certificate ends within two weeks", rule: "The certificate is valid tomorrow as well", source: "RFC 5280 §4.1.2.5", fix: "Renew it" },
    tls_failed: { ...operator, says: "No encrypted connection comes about", rule: "TLS 1.2 or newer", source: "RFC 9325 §3.1.1", fix: "Serve TLS 1.2 or 1.3 on this port" },
    plain_http: { ...operator, says: "The address is not encrypted", rule: "Everything that carries tokens uses https", source: "OAuth 2.1 §1.5", fix: "Serve it at https, and give out that address" },
    port_not_443: { ...operator, weight: "warning", says: "The port is not 443", rule: "Some clients connect to port 443 only", source: CLAUDE, fix: "Serve it on 443, or put a proxy there", breaks: CLOUD },
    bot_protection: { ...operator, says: "Bot protection answers in place of the server", rule: "MCP clients are programs, and have to get through", source: "developers.cloudflare.com/bots", fix: "Let the rule that did it skip these paths: Cloudflare: Security → Events, then a WAF rule that skips bot protection for this host; on the free plan Bot Fight Mode can only be switched off" },
    agents_blocked: { ...operator, says: "Some clients are blocked by their name", rule: "A request is judged by its token, not by its User-Agent", source: "RFC 9110 §10.1.5", fix: "Allow these agents in the firewall (Cloudflare: AI Crawl Control, Bot Fight Mode)" },
    sign_in_wall: { ...operator, says: "An access proxy wants a sign-in of its own", rule: "An unauthorized client gets a 401 of the MCP server", source: `${MCP}, authorization`, fix: "Let the proxy (Cloudflare Access, IAP, a VPN portal) pass the MCP path, with and without what follows it, and the well-known paths" },
    blocked: { ...operator, says: "Something in front refuses the request with a page", rule: "An unauthorized client gets a 401 of the MCP server", source: `${MCP}, authorization`, fix: "Find the firewall or proxy whose page this is, and let the MCP and well-known paths pass" },
    redirected_to_https: { ...operator, says: "The address leads to https by a redirect", rule: "Clients are given the address itself; many follow no redirect of a POST", source: "RFC 9110 §15.4", fix: "Give clients the https address" },
    redirected_slash: { ...operator, says: "The address leads to itself with or without a slash at the end", rule: "Clients are given the address itself; a POST loses its body on the way", source: "RFC 9110 §15.4", fix: "Give clients the address it redirects to, or stop the redirect" },
    redirected_host: { ...operator, says: "The address leads to another host", rule: "A token is for one address, and not sent to another host", source: CLAUDE, fix: "Give clients the address it redirects to, or serve it here" },
    redirected_path: { ...operator, says: "The address leads to another path", rule: "Clients are given the address itself; many follow no redirect of a POST", source: "RFC 9110 §15.4", fix: "Give clients the address it redirects to" },
    host_refused: { ...operator, says: "The server refuses the name it is asked by", rule: "Proxies keep Host, and the server knows its public name", source: "RFC 9110 §7.2", fix: "Let the proxy keep the Host header, or add the public name to what the server allows (here: public_url, allowed_hosts)" },
    rate_limited: { ...operator, weight: "warning", says: "Too many requests", rule: "The first request of a client is not limited", source: "RFC 6585 §4", fix: "Wait as long as Retry-After says; then raise the limit if clients meet it" },
    server_failing: { ...server, says: "The server fails", rule: "An unauthorized client gets a 401", source: "RFC 9110 §15.6", fix: "Look at its log; with 502, 503 and 504 also at the proxy in front and what it leads to" },
    nothing_there: { ...operator, says: "Nothing is at this path", rule: "The address is that of one MCP server", source: `${MCP}, transports`, fix: "Correct the path: usually it ends in /mcp; at this gateway it is /v1/mcp/<slug>, as its first page lists them" },
    post_refused: { ...server, says: "The address takes no POST", rule: "An MCP endpoint takes POST", source: `${MCP}, transports`, fix: "Correct the path, or let the proxy pass POST. A server of 2024 (HTTP+SSE) needs an update" },
    not_mcp: { ...operator, says: "Something answers that is not MCP", rule: "A request is answered in JSON or as an event stream", source: `${MCP}, transports`, fix: "Correct the address: a web site, or an app's fallback page, is at this one" },
    refused_without_401: { ...server, says: "A client without a token gets no 401", rule: "Missing credentials are 401", source: "RFC 6750 §3.1", fix: "Check the token before anything else of the request, and answer 401 with a challenge" },
    accept_refused: { ...server, says: "Accept: */* is refused before the token is asked for", rule: "Credentials are checked before the form of the request", source: CLAUDE, fix: "Answer 401 first; Claude's first request accepts anything", breaks: ["claude"] },
    clock_skew: { ...operator, weight: "warning", says: "Clocks differ by more than a minute", rule: "Tokens begin and end by the clock", source: "RFC 7519 §4.1.4", fix: "Set the server's clock, or this machine's (NTP)" },
  },
  challenge: {
    challenge_missing: { ...server, says: "The 401 has no challenge", rule: "A 401 carries WWW-Authenticate", source: "RFC 9110 §11.6.1, RFC 9728 §5.1", fix: "Send WWW-Authenticate: Bearer resource_metadata=\"…\"; put the OAuth check on this route; let proxies keep the header" },
    challenge_not_bearer: { ...server, says: "The challenge is not for a bearer token", rule: "The scheme is Bearer", source: "RFC 6750 §3", fix: "Send the Bearer challenge; a proxy's Basic sign-in has to go" },
    challenge_scheme_case: { ...server, weight: "warning", says: "The challenge's scheme is not written “Bearer”", rule: "Schemes have no case, but VS Code compares it", source: "RFC 9110 §11.1", fix: "Write it Bearer", breaks: ["vscode"] },
    challenge_malformed: { ...server, says: "The challenge cannot be read", rule: "name=\"value\", separated by commas; resource_metadata is a whole URL", source: "RFC 9110 §11.2, RFC 9728 §5.1", fix: "Quote every value, and write the whole URL" },
    challenge_without_metadata: { ...server, weight: "warning", says: "The challenge does not say where the metadata is", rule: "resource_metadata names it", source: "RFC 9728 §5.1", fix: "Add resource_metadata=\"…\"", breaks: ["claude", "claude-code"] },
    address_rewritten: { ...operator, says: "The server takes itself for another host", rule: "What it says of itself has the address that clients use", source: "RFC 9728 §3.3", fix: "Let the proxy keep Host or send X-Forwarded-Host, and set the server's public URL (here: public_url, allowed_hosts)" },
    scheme_rewritten: { ...operator, says: "The server takes itself for http", rule: "What it says of itself has the address that clients use", source: "RFC 9728 §3.3", fix: "Let the proxy that ends TLS send X-Forwarded-Proto: https, and set the server's public URL" },
  },
  resource: {
    resource_metadata_missing: { ...server, says: "The server's metadata is not there", rule: "Metadata is where the challenge says, or at the well-known path", source: "RFC 9728 §3", fix: "Serve /.well-known/oauth-protected-resource followed by the server's path, and let proxies pass it" },
    resource_metadata_not_at_path: { ...server, weight: "warning", says: "The metadata is only where the challenge says", rule: "The well-known part goes between host and path", source: "RFC 9728 §3.1", fix: "Serve it at the well-known path as well: clients look there first, or only", breaks: ["vscode", "cursor"] },
    resource_metadata_type: { ...server, weight: "warning", says: "The metadata is not sent as JSON", rule: "Content-Type is application/json", source: "RFC 9728 §3.2", fix: "Send Content-Type: application/json" },
    resource_metadata_malformed: { ...server, says: "The metadata is not what it must be", rule: "A JSON object with resource and authorization_servers, and no null", source: "RFC 9728 §2", fix: "Correct what is named; leave members out in place of null" },
    resource_metadata_differs: { ...server, says: "Two places say different things", rule: "One server has one metadata document", source: "RFC 9728 §3.3", fix: "Serve the same document at every place; look for a cache that keeps an old one" },
    resource_mismatch: { ...server, says: "The metadata is for another address of this host", rule: "resource is the address the client was given, to the letter", source: "RFC 9728 §3.3", fix: "Give clients the address it names, or correct resource; usually the path is missing" },
    resource_trailing_slash: { ...server, weight: "warning", says: "The metadata's address differs by a slash at the end", rule: "resource is the address the client was given, to the letter", source: "RFC 9728 §3.3", fix: "Write both without the slash", breaks: ["vscode", "claude-code"] },
    metadata_cached_long: { ...operator, weight: "warning", says: "Metadata is kept in caches for more than a day", rule: "A change has to reach clients", source: "RFC 9111 §5.2.2.1", fix: "Lower max-age to an hour or less, and clear the cache in front after a change" },
  },
  issuer: {
    issuer_malformed: { ...server, says: "The authorization server's name is no issuer", rule: "An https URL without query and fragment", source: "RFC 8414 §2", fix: "Correct authorization_servers" },
    issuer_metadata_missing: { ...server, says: "The authorization server's metadata is not there", rule: "Metadata is at a well-known path of the issuer", source: "RFC 8414 §3", fix: "Serve /.well-known/oauth-authorization-server, and let proxies pass it; check the issuer in authorization_servers" },
    issuer_mismatch: { ...server, says: "The metadata is of another issuer", rule: "issuer is the one the document was asked for, to the letter", source: "RFC 8414 §3.3", fix: "Write the same issuer in both documents. Behind a proxy: keep Host, and set the public URL" },
    issuer_trailing_slash: { ...server, says: "The issuer differs by a slash at the end", rule: "issuer is the one the document was asked for, to the letter", source: "RFC 8414 §3.3", fix: "Write it the same way in authorization_servers, issuer and iss" },
    issuer_metadata_type: { ...server, weight: "warning", says: "The issuer's metadata is not sent as JSON", rule: "Content-Type is application/json", source: "RFC 8414 §3.2", fix: "Send Content-Type: application/json" },
    issuer_metadata_malformed: { ...server, says: "The issuer's metadata is not what it must be", rule: "A JSON object with issuer, the endpoints and response_types_supported, and no null", source: "RFC 8414 §2", fix: "Correct what is named; leave members out in place of null" },
    pkce_not_advertised: { ...server, says: "PKCE with S256 is not offered", rule: "code_challenge_methods_supported has S256, or clients refuse", source: `${MODERN}, authorization security`, fix: "Support S256 and say so in the metadata" },
    openid_differs: { ...server, weight: "warning", says: "OpenID discovery says something else", rule: "Both documents describe one authorization server", source: "RFC 8414 §5", fix: "Serve the same issuer and endpoints in both, or one document only" },
    openid_incomplete: { ...server, weight: "warning", says: "OpenID discovery lacks what it must have", rule: "jwks_uri, subject_types_supported and id_token_signing_alg_values_supported are required", source: "OpenID Connect Discovery §3", fix: "Complete it, or serve oauth-authorization-server as well", breaks: SDK },
    refresh_not_offered: { ...server, weight: "warning", says: "Nobody gets a refresh token", rule: "grant_types_supported has refresh_token", source: "RFC 8414 §2", fix: "Support refresh tokens, or people sign in again whenever an access token ends" },
    cimd_without_none: { ...server, weight: "warning", says: "Client ID metadata documents are offered, but no public clients", rule: "token_endpoint_auth_methods_supported has none", source: "claude.com/docs/connectors/building/authentication", fix: "Add none", breaks: ["claude"] },
    registration_unavailable: { ...server, says: "A client cannot introduce itself", rule: "Client ID metadata documents or dynamic registration, or a client is set up by hand", source: `${MODERN}, client registration`, fix: "Offer one of them; or register a client and enter its id in the client (here: --client-id)" },
  },
  cors: {
    cors_missing: { ...server, weight: "warning", says: "Pages of other origins may not call", rule: "Browsers ask first (OPTIONS) and need Access-Control-Allow-Origin", source: "Fetch, CORS protocol", fix: "Answer OPTIONS without a token and allow the origin, at the endpoint, both metadata documents, token and registration", breaks: BROWSERS },
    cors_headers_refused: { ...server, weight: "warning", says: "Pages may call, but not with the headers of MCP", rule: "Access-Control-Allow-Headers names Authorization: * leaves it out", source: "Fetch, CORS protocol", fix: "Allow Authorization, Content-Type, MCP-Protocol-Version, Mcp-Session-Id by name", breaks: BROWSERS },
    cors_headers_hidden: { ...server, weight: "warning", says: "Pages cannot read the headers they need", rule: "Access-Control-Expose-Headers names WWW-Authenticate and Mcp-Session-Id", source: "Fetch, CORS protocol", fix: "Expose both", breaks: BROWSERS },
  },
  registration: {
    registration_refused: { ...server, says: "The registration is refused", rule: "A client with a loopback redirect URI may register", source: "RFC 7591 §3.2.2", fix: "Read what the answer says; allow the redirect URIs of the clients you want" },
    registration_closed: { ...server, says: "Registration wants credentials", rule: "MCP clients register without any", source: "RFC 7591 §3", fix: "Open it, offer client ID metadata documents, or take registration_endpoint out and set clients up by hand" },
    registration_status: { ...server, weight: "warning", says: "A registration is not answered with 201", rule: "201 Created", source: "RFC 7591 §3.2.1", fix: "Answer 201" },
    registration_malformed: { ...server, says: "The answer to the registration cannot be used", rule: "JSON with client_id and no null; what was registered is repeated", source: "RFC 7591 §3.2.1", fix: "Correct what is named", breaks: SDK },
    registration_secret_expiry: { ...server, says: "The registration's secret has no end that can be read", rule: "client_secret_expires_at is a whole number, 0 for never", source: "RFC 7591 §3.2.1", fix: "Send it as an integer", breaks: ["claude", ...SDK] },
  },
  authorization: {
    client_document_refused: { ...server, says: "The client's metadata document is not taken", rule: "A client_id that is a URL is read from there", source: "draft-ietf-oauth-client-id-metadata-document §5", fix: "Look why the authorization server cannot read that URL: its way out, or a list of allowed domains" },
    scope_refused: { ...server, says: "The scopes that the server itself names are refused", rule: "What scopes_supported or the challenge names can be asked for", source: "RFC 6749 §4.1.2.1", fix: "Define the scopes at the authorization server, or correct scopes_supported" },
    resource_refused: { ...server, says: "The authorization server does not know this server", rule: "resource is taken", source: "RFC 8707 §2", fix: "Register the server's address there, to the letter; ignore the parameter where it is not supported" },
    authorization_refused: { ...server, says: "The authorization request is refused", rule: "A registered client with PKCE gets to the sign-in", source: "RFC 6749 §4.1.1", fix: "Read what the answer says; it has been shown above" },
    popup_severed: { ...server, weight: "warning", says: "A sign-in in a popup looks closed to whoever opened it", rule: "Pages of the sign-in do not cut their opener off", source: "HTML, Cross-Origin-Opener-Policy", fix: "Send Cross-Origin-Opener-Policy: unsafe-none on the pages of the sign-in", breaks: ["amazon-q"] },
    person_not_returned: { ...operator, says: "Nobody came back from the sign-in", rule: "The browser is sent to the redirect URI", source: "RFC 6749 §4.1.2", fix: "Open the address that was shown, sign in and approve. The last page says what is missing" },
    state_lost: { ...server, says: "state comes back changed or not at all", rule: "state is returned as it was sent", source: "RFC 6749 §4.1.2", fix: "Return it to the letter" },
    code_missing: { ...server, says: "The browser comes back without a code", rule: "code is in the query", source: "RFC 6749 §4.1.2", fix: "Send code in the query of the redirect URI, and keep it through redirects" },
    iss_missing: { ...server, says: "iss is promised and does not come", rule: "authorization_response_iss_parameter_supported means that it is sent", source: "RFC 9207 §2.3", fix: "Send iss with every answer, or do not promise it" },
    iss_mismatch: { ...server, says: "iss is another issuer", rule: "iss is the issuer of the metadata, to the letter", source: "RFC 9207 §2.4", fix: "Write it the same way, slash included" },
  },
  token: {
    token_refused_at_issue: { ...server, says: "The code is not exchanged for a token", rule: "A fresh code of this client is taken", source: "RFC 6749 §4.1.3", fix: "Read what the answer says" },
    token_error_as_success: { ...server, says: "An error is sent as a success", rule: "Errors are 400 or 401", source: "RFC 6749 §5.2", fix: "Answer 400 with the error" },
    token_not_json: { ...server, says: "The token answer is not JSON", rule: "Parameters are sent as JSON", source: "RFC 6749 §5.1", fix: "Answer in JSON, errors included" },
    token_content_type: { ...server, says: "The token answer does not say that it is JSON", rule: "Content-Type is application/json", source: "RFC 6749 §5.1", fix: "Send Content-Type: application/json" },
    token_type_missing: { ...server, says: "The token answer has no token_type", rule: "token_type is required, and Bearer", source: "RFC 6749 §5.1", fix: "Add \"token_type\": \"Bearer\"" },
    expires_in_not_number: { ...server, says: "expires_in is not a number", rule: "expires_in is a number of seconds", source: "RFC 6749 §5.1", fix: "Send it as a number" },
    token_cacheable: { ...server, weight: "warning", says: "The token answer may be kept in caches", rule: "Cache-Control is no-store", source: "RFC 6749 §5.1", fix: "Send Cache-Control: no-store" },
    token_slow: { ...server, says: "The token endpoint is slow", rule: "Claude waits ten seconds", source: "claude.com/docs/connectors/building/authentication", fix: "Answer within ten seconds; look at cold starts and at the provider behind", breaks: ["claude"] },
    refresh_token_missing: { ...server, weight: "warning", says: "No refresh token was issued", rule: "A client that asks for offline_access, or may refresh, gets one", source: "RFC 6749 §1.5", fix: "Issue refresh tokens to this client, or name offline_access in scopes_supported of the authorization server" },
    audience_mismatch: { ...server, says: "The token is for something else", rule: "aud is the resource that was asked for", source: "RFC 8707 §2.2", fix: "Issue tokens for the resource parameter, or correct the audience that the server checks" },
  },
  call: {
    token_refused: { ...server, says: "The token is refused", rule: "A valid token of this server is taken", source: "RFC 6750 §3.1", fix: "Compare aud and iss of the token with what the server checks. A given token may have ended, or be for another server" },
    scope_insufficient: { ...server, says: "The token lacks a scope", rule: "What was granted is enough for what everybody does", source: "RFC 6750 §3.1", fix: "Name the scope in the first challenge and in scopes_supported; clients ask for it by themselves" },
    forbidden_after_sign_in: { ...server, says: "Whoever signed in is not let in", rule: "A token that was just issued opens the server", source: "RFC 9110 §15.5.4", fix: "Look at roles and claims the server wants, at proxies that refuse requests with a token, and whether this person may use it" },
    call_redirected: { ...operator, says: "A call with a token is redirected", rule: "A token is for one address", source: "RFC 9110 §15.4", fix: "Serve calls at the address itself" },
    answer_type: { ...server, says: "A call is answered with something that is not MCP", rule: "application/json or text/event-stream", source: `${MCP}, transports`, fix: "Look at what answers here; a proxy may replace answers with pages" },
    initialize_refused: { ...server, says: "The session does not begin", rule: "initialize is answered with the revision and what is offered", source: `${MCP}, lifecycle`, fix: "Read what the answer says" },
    session_malformed: { ...server, says: "The session id cannot be sent back", rule: "Visible ASCII characters only", source: `${MCP}, transports`, fix: "Use letters and digits" },
    session_lost: { ...server, says: "The session is gone right after it began", rule: "A session lives until it is ended", source: `${MCP}, transports`, fix: "Keep sessions where every instance finds them, or route by Mcp-Session-Id" },
    notification_refused: { ...server, says: "A notification is refused", rule: "202 without a body", source: `${MCP}, transports`, fix: "Answer 202" },
    tools_refused: { ...server, says: "The tools cannot be listed", rule: "tools/list is answered with tools", source: `${MCP}, tools`, fix: "Read what the answer says; where an account has to be connected first, do that" },
    stream_buffered: { ...network, says: "Something holds event streams back", rule: "Events pass as they come", source: `${MODERN}, Streamable HTTP`, fix: "Switch buffering off in the proxy for text/event-stream (nginx: proxy_buffering off, or X-Accel-Buffering: no), compression too" },
    get_not_stream: { ...server, weight: "warning", says: "GET is answered with something else than a stream", rule: "GET is an event stream, or 405", source: `${MCP}, transports`, fix: "Answer 405 with Allow: POST. 405 itself is no fault: it says that there is no such stream", breaks: SDK },
    delete_fails: { ...server, weight: "warning", says: "Ending a session fails", rule: "DELETE ends the session, or is 405", source: `${MCP}, transports`, fix: "Answer 405 where sessions cannot be ended", breaks: SDK },
    probe_fails: { ...server, says: "The question for newer revisions breaks the server", rule: "An unknown method is a 4xx or a JSON-RPC error", source: `${MODERN}, versioning`, fix: "Answer 400 or 404 with a JSON-RPC error; clients that ask first give up at 5xx", breaks: ["claude-code", "mcp-remote"] },
    answer_cacheable: { ...server, weight: "warning", says: "Answers with somebody's data may be kept in shared caches", rule: "Answers to requests with a token are not public", source: "RFC 9111 §3.5", fix: "Send Cache-Control: private or no-store" },
  },
  refresh: {
    refresh_refused: { ...server, says: "The refresh token is refused", rule: "A fresh refresh token of this client is taken", source: "RFC 6749 §6", fix: "Read what the answer says; people would have to sign in again whenever an access token ends" },
    refresh_not_rotated: { ...server, weight: "warning", says: "A public client keeps its refresh token", rule: "Refresh tokens of public clients are replaced at each use", source: "OAuth 2.1 §4.3.1", fix: "Issue a new one at each refresh", breaks: [] },
    refresh_scope_shrunk: { ...server, weight: "warning", says: "A refreshed token may do less", rule: "Without scope a refresh gives the same scopes", source: "RFC 6749 §6", fix: "Keep the scopes of the grant" },
  },
};

/** Every finding by its id, with its step. */
export const byId = new Map(Object.entries(findings).flatMap(([step, rows]) => Object.entries(rows).map(([id, row]) => [id, { id, step, ...row }])));
