// How authorization servers and MCP servers differ from what the specifications say: one line each, and what comes of it.
//
// A row that says nothing of an end has to pass unmodified: connect, call, refresh, call, disconnect. `refused` is the reason where it must
// not, or cannot without the operator, and `fix` what the page has to name. `seen` says whose habit it is, where that is known, and `checked`
// what the gateway's check of the server finds beforehand, where that is not its `refused`.
//
// Not here: the server that has these habits (stranger.mjs).

const BEHIND_A_PATH = "/tenant";
const WELL_KNOWN = "/.well-known/oauth-authorization-server";
const OPENID = "/.well-known/openid-configuration";

/** A client that an operator registered there, with the endpoints written down. */
const writtenDown = (origin, rest) => ({ ...registered(origin, rest), client: { ...registered(origin).client, authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` } });
/** The same, with the endpoints from the metadata. */
const registered = (origin, rest) => ({ issuer: origin, client: { client_id: "gateway", client_secret: { secret: "STRANGER_SECRET" } }, ...rest });

export const HABITS = {
  "by-the-book": {},

  // What a token endpoint answers.
  "form-encoded": { seen: "GitHub, to whoever does not ask for JSON", tokens: { encoding: "form" } },
  "form-encoded-error": { seen: "GitHub", tokens: { encoding: "form", status: 200, body: { error: "bad_verification_code", error_description: "The code passed is incorrect or expired." } }, refused: "upstream_grant_dead" },
  "error-with-200": { seen: "GitHub", tokens: { status: 200, body: { error: "incorrect_client_credentials", error_description: "The client_id and/or client_secret passed are incorrect." } }, refused: "upstream_client_refused", fix: /auth\.client/ },
  "not-ok-with-200": { seen: "Slack", tokens: { status: 200, body: { ok: false, error: "invalid_code" } }, refused: "upstream_grant_dead" },
  "dead-refresh-with-200": { seen: "Slack", renewed: { status: 200, body: { ok: false, error: "invalid_refresh_token" } }, reconnect: true },
  "type-missing": { tokens: { members: { token_type: undefined } } },
  "type-null": { tokens: { members: { token_type: null } } },
  "type-lower": { seen: "GitHub", tokens: { members: { token_type: "bearer" } } },
  "type-upper": { tokens: { members: { token_type: "BEARER" } } },
  "type-user": { seen: "Slack", tokens: { members: { token_type: "user" } } },
  "type-dpop": { tokens: { members: { token_type: "DPoP" } }, refused: "upstream_token_type" },
  "expiry-as-text": { tokens: { members: { expires_in: "3600" } } },
  "expiry-missing": { seen: "GitHub OAuth apps, Notion", tokens: { members: { expires_in: undefined } } },
  "expiry-zero": { tokens: { members: { expires_in: 0 } } },
  "expiry-null": { tokens: { members: { expires_in: null } } },
  "expiry-float": { tokens: { members: { expires_in: 3599.7 } } },
  "scope-with-commas": { seen: "GitHub, Slack", needs: "read", tokens: { members: { scope: "read,write" } } },
  "scope-as-list": { seen: "Twitch", needs: "read", tokens: { members: { scope: ["read", "write"] } } },
  "scope-empty": { seen: "GitHub Apps", tokens: { members: { scope: "" } } },
  "nested-tokens": { seen: "Slack", tokens: { within: "authed_user", beside: { ok: true, app_id: "A1", team: { id: "T1" } }, members: { token_type: "user" } } },
  "created": { tokens: { status: 201 } },
  "byte-order-mark": { tokens: { encoding: "bom" }, metadata: { encoding: "bom" }, registration: { encoding: "bom" } },
  "charset": { tokens: { type: "application/json;charset=UTF-8" }, metadata: { type: "application/json; charset=utf-8" } },
  "called-a-page": { tokens: { type: "text/html" } },
  "clock-ahead": { tokens: { headers: { date: "Fri, 01 Jan 2100 00:00:00 GMT" } }, metadata: { headers: { date: "Fri, 01 Jan 2100 00:00:00 GMT" } } },
  "clock-behind": { tokens: { headers: { date: "Thu, 01 Jan 1970 00:00:00 GMT" } }, metadata: { headers: { date: "Thu, 01 Jan 1970 00:00:00 GMT" } } },
  "error-as-page": { tokens: { status: 400, body: { error: "invalid_request", error_description: "<b onclick=alert(1)>No</b>" } }, refused: "upstream_token_refused", absent: "<b onclick" },

  // What a refresh does.
  "rotates-without-grace": { seen: "Notion, Atlassian", rotation: "strict" },
  "refresh-token-kept": { seen: "Google", rotation: "none" },
  "refresh-token-empty": { renewed: { members: { refresh_token: "" } }, rotation: "none" },
  "refresh-shrinks-scope": { renewed: { members: { scope: "read" } } },
  "no-refresh-token": { seen: "GitHub OAuth apps", tokens: { members: { refresh_token: undefined } }, reconnect: true },

  // Where metadata is, and what it says.
  "no-pkce-said": { seen: "Microsoft Entra", metadata: { members: { code_challenge_methods_supported: undefined } }, refused: "upstream_without_pkce", fix: /auth\.client/ },
  "no-pkce-said-written-down": { seen: "Microsoft Entra", metadata: { members: { code_challenge_methods_supported: undefined } }, auth: writtenDown },
  "issuer-with-slash": { seen: "Auth0, FastMCP", metadata: { members: { issuer: (origin) => `${origin}/` } } },
  "issuer-named-with-slash": { seen: "the Python SDK", named: (origin) => `${origin}/` },
  "path-with-slash": { path: BEHIND_A_PATH, named: (origin) => `${origin}${BEHIND_A_PATH}/`, refused: "upstream_issuer_mismatch", fix: /auth\.issuer/ },
  "path-with-slash-pinned": { path: BEHIND_A_PATH, named: (origin) => `${origin}${BEHIND_A_PATH}/`, auth: (origin) => ({ issuer: `${origin}${BEHIND_A_PATH}` }) },
  "path-inserted": { path: BEHIND_A_PATH, metadata: { at: [`${WELL_KNOWN}${BEHIND_A_PATH}`] } },
  "path-openid-inserted": { path: BEHIND_A_PATH, metadata: { at: [`${OPENID}${BEHIND_A_PATH}`] } },
  "path-openid-appended": { seen: "Keycloak, Entra, Okta", path: BEHIND_A_PATH, metadata: { at: [`${BEHIND_A_PATH}${OPENID}`] } },
  "path-at-root": { path: BEHIND_A_PATH, metadata: { at: [WELL_KNOWN] }, refused: "upstream_issuer_metadata_missing", fix: /auth\.client/ },
  "openid-only": { seen: "Google", metadata: { at: [OPENID] } },
  "resource-at-root": { checked: ["upstream_challenge_missing"], resource: { at: "/.well-known/oauth-protected-resource" } },
  "resource-at-path": { checked: ["upstream_challenge_missing"], resource: { at: "/.well-known/oauth-protected-resource/mcp" } },
  "resource-nowhere": { checked: ["upstream_challenge_missing"], seen: "servers of 2025-03-26", resource: { at: undefined } },
  "resource-is-origin": { checked: ["upstream_challenge_missing"], resource: { is: (origin) => origin } },
  "metadata-moved": { metadata: { moved: 307 }, resource: { moved: 307, at: "/.well-known/oauth-protected-resource/mcp" } },
  "metadata-moved-away": { metadata: { moved: 307, to: "https://elsewhere.example/metadata" }, refused: "upstream_issuer_metadata_missing", fix: /auth\.client/ },
  "metadata-as-file": { seen: "static hosts, where the name has no ending", metadata: { type: "application/octet-stream" }, resource: { type: "application/octet-stream", at: "/.well-known/oauth-protected-resource/mcp" } },
  "metadata-untyped": { metadata: { type: "text/plain" } },
  "metadata-is-page": { metadata: { type: "text/html" }, refused: "upstream_issuer_metadata_missing" },

  // What registration answers.
  "registers-with-200": { registration: { status: 200 } },
  "registers-basic": { seen: "the TypeScript SDK, whatever was asked", registration: { members: { token_endpoint_auth_method: "client_secret_basic" } } },
  "registers-public": { seen: "FastMCP's proxy, whatever was asked", registration: { members: { token_endpoint_auth_method: "none", client_secret: undefined } } },
  "registers-key": { registration: { members: { token_endpoint_auth_method: "private_key_jwt" } }, refused: "upstream_registration_method", fix: /auth\.client/ },
  "registers-without-end": { registration: { members: { client_secret_expires_at: undefined } } },
  "registers-end-as-text": { registration: { members: { client_secret_expires_at: "0" } } },
  "registers-nulls": { registration: { members: { client_uri: null, logo_uri: null, contacts: null, scope: null, client_secret_expires_at: null } } },
  "knows-rfc-7591-only": { registration: { refuses: "application_type" } },
  "registers-nobody": { seen: "Google, GitHub, Microsoft Entra, Slack", metadata: { members: { registration_endpoint: undefined } }, refused: "upstream_without_registration", fix: /auth\.client/ },

  // What is refused.
  "refuses-resource": { checked: ["upstream_authorization_refused"], seen: "Microsoft Entra", refuses: { resource: "invalid_target" }, auth: registered, refused: "upstream_authorization_refused", fix: /send_resource/ },
  "refuses-resource-later": { refuses: { resource: "invalid_target", at: "/token" }, auth: registered, refused: "upstream_token_refused", fix: /send_resource/ },
  "refuses-resource-unsent": { seen: "Microsoft Entra", refuses: { resource: "invalid_target" }, auth: (origin) => registered(origin, { send_resource: false }) },
  "refuses-offline": { needs: "read offline_access", refuses: { scope: "offline_access" }, refused: "upstream_scope_refused", fix: /auth\.scope/ },
  "refuses-offline-unsent": { needs: "read offline_access", refuses: { scope: "offline_access" }, auth: () => ({ scope: "read" }) },

  // What comes back with the browser.
  "error-without-state": { denies: { state: undefined }, refused: "upstream_answer_without_state" },
  "iss-forgotten": { metadata: { members: { authorization_response_iss_parameter_supported: true } }, refused: "upstream_answer_without_issuer" },
  "iss-sent": { metadata: { members: { authorization_response_iss_parameter_supported: true } }, answers: { iss: (origin) => origin } },
  "iss-other": { seen: "ProxyOAuthServerProvider of the TypeScript SDK 1.x", answers: { iss: () => "https://other.example" }, refused: "upstream_answer_of_other_issuer", fix: /auth\.issuer/ },
  "iss-other-pinned": { answers: { iss: () => "https://other.example" }, auth: (origin) => ({ ...writtenDown(origin), issuer: "https://other.example" }) },

  // How the MCP server says that a token is no good.
  "dead-with-400": { dead: { status: 400, challenge: 'Bearer error="invalid_token"' } },
  "dead-with-400-in-body": { dead: { status: 400, challenge: undefined, body: { error: "invalid_token", error_description: "Token expired" } } },
  "dead-with-403": { dead: { status: 403, challenge: 'Bearer error="invalid_token"' } },
  "dead-with-403-alone": { dead: { status: 403, challenge: undefined }, callRefused: "upstream_forbidden" },
  "dead-without-challenge": { checked: ["upstream_challenge_missing"], dead: { status: 401, challenge: undefined } },
  "challenge-without-quotes": { dead: { status: 401, challenge: (origin) => `Bearer resource_metadata=${origin}/.well-known/oauth-protected-resource/mcp` } },
  "challenge-basic-first": { dead: { status: 401, challenge: 'Basic realm="x", Bearer error="invalid_token"' } },
};
