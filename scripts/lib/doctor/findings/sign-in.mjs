// Findings from the registration to the tokens.
//
// Not here: how they are found (../steps).

import { MCP, SDK, operator, server } from "./words.mjs";

/** Dynamic registration. */
export const registration = {
  registration_refused: {
    ...server,
    says: "The registration is refused",
    rule: "A client with a loopback redirect URI may register",
    source: "RFC 7591 §3.2.2",
    fix: "Read what the answer says; allow the redirect URIs of the clients you want",
  },
  registration_closed: {
    ...server,
    says: "Registration wants credentials",
    rule: "MCP clients register without any",
    source: "RFC 7591 §3",
    fix: "Open it, offer client ID metadata documents, or take registration_endpoint out and set clients up by hand",
  },
  registration_status: {
    ...server,
    weight: "warning",
    says: "A registration is not answered with 201",
    rule: "201 Created",
    source: "RFC 7591 §3.2.1",
    fix: "Answer 201",
  },
  registration_malformed: {
    ...server,
    says: "The answer to the registration cannot be used",
    rule: "JSON with client_id and no null; what was registered is repeated",
    source: "RFC 7591 §3.2.1",
    fix: "Correct what is named",
    breaks: SDK,
  },
  registration_secret_expiry: {
    ...server,
    says: "The registration's secret has no end that can be read",
    rule: "client_secret_expires_at is a whole number, 0 for never",
    source: "RFC 7591 §3.2.1",
    fix: "Send it as an integer",
    breaks: ["claude", ...SDK],
  },
};

/** The authorization request and what comes back. */
export const authorization = {
  client_document_refused: {
    ...server,
    says: "The client's metadata document is not taken",
    rule: "A client_id that is a URL is read from there",
    source: "draft-ietf-oauth-client-id-metadata-document §5",
    fix: "Look why the authorization server cannot read that URL: its way out, or a list of allowed domains",
  },
  scope_refused: {
    ...server,
    says: "The scopes that the server itself names are refused",
    rule: "What scopes_supported or the challenge names can be asked for",
    source: "RFC 6749 §4.1.2.1",
    fix: "Define the scopes at the authorization server, or correct scopes_supported",
  },
  resource_refused: {
    ...server,
    says: "The authorization server does not know this server",
    rule: "resource is taken",
    source: "RFC 8707 §2",
    fix: "Register the server's address there, to the letter; ignore the parameter where it is not supported",
  },
  authorization_refused: {
    ...server,
    says: "The authorization request is refused",
    rule: "A registered client with PKCE gets to the sign-in",
    source: "RFC 6749 §4.1.1",
    fix: "Read what the answer says; it has been shown above",
  },
  popup_severed: {
    ...server,
    weight: "warning",
    says: "A sign-in in a popup looks closed to whoever opened it",
    rule: "Pages of the sign-in do not cut their opener off",
    source: "HTML, Cross-Origin-Opener-Policy",
    fix: "Send Cross-Origin-Opener-Policy: unsafe-none on the pages of the sign-in",
    breaks: ["amazon-q"],
  },
  person_not_returned: {
    ...operator,
    says: "Nobody came back from the sign-in",
    rule: "The browser is sent to the redirect URI",
    source: "RFC 6749 §4.1.2",
    fix: "Open the address that was shown, sign in and approve. The last page says what is missing",
  },
  state_lost: {
    ...server,
    says: "state comes back changed or not at all",
    rule: "state is returned as it was sent",
    source: "RFC 6749 §4.1.2",
    fix: "Return it to the letter",
  },
  code_missing: {
    ...server,
    says: "The browser comes back without a code",
    rule: "code is in the query",
    source: "RFC 6749 §4.1.2",
    fix: "Send code in the query of the redirect URI, and keep it through redirects",
  },
  iss_missing: {
    ...server,
    says: "iss is promised and does not come",
    rule: "authorization_response_iss_parameter_supported means that it is sent",
    source: "RFC 9207 §2.3",
    fix: "Send iss with every answer, or do not promise it",
  },
  iss_mismatch: {
    ...server,
    says: "iss is another issuer",
    rule: "iss is the issuer of the metadata, to the letter",
    source: "RFC 9207 §2.4",
    fix: "Write it the same way, slash included",
  },
};

/** The token answer. */
export const token = {
  token_refused_at_issue: {
    ...server,
    says: "The code is not exchanged for a token",
    rule: "A fresh code of this client is taken",
    source: "RFC 6749 §4.1.3",
    fix: "Read what the answer says",
  },
  token_error_as_success: {
    ...server,
    says: "An error is sent as a success",
    rule: "Errors are 400 or 401",
    source: "RFC 6749 §5.2",
    fix: "Answer 400 with the error",
  },
  token_not_json: {
    ...server,
    says: "The token answer is not JSON",
    rule: "Parameters are sent as JSON",
    source: "RFC 6749 §5.1",
    fix: "Answer in JSON, errors included",
  },
  token_content_type: {
    ...server,
    says: "The token answer does not say that it is JSON",
    rule: "Content-Type is application/json",
    source: "RFC 6749 §5.1",
    fix: "Send Content-Type: application/json",
  },
  token_type_missing: {
    ...server,
    says: "The token answer has no token_type",
    rule: "token_type is required, and Bearer",
    source: "RFC 6749 §5.1",
    fix: 'Add "token_type": "Bearer"',
  },
  expires_in_not_number: {
    ...server,
    says: "expires_in is not a number",
    rule: "expires_in is a number of seconds",
    source: "RFC 6749 §5.1",
    fix: "Send it as a number",
  },
  token_cacheable: {
    ...server,
    weight: "warning",
    says: "The token answer may be kept in caches",
    rule: "Cache-Control is no-store",
    source: "RFC 6749 §5.1",
    fix: "Send Cache-Control: no-store",
  },
  token_slow: {
    ...server,
    says: "The token endpoint is slow",
    rule: "Claude waits ten seconds",
    source: "claude.com/docs/connectors/building/authentication",
    fix: "Answer within ten seconds; look at cold starts and at the provider behind",
    breaks: ["claude"],
  },
  refresh_token_missing: {
    ...server,
    weight: "warning",
    says: "No refresh token was issued",
    rule: "A client that asks for offline_access, or may refresh, gets one",
    source: "RFC 6749 §1.5",
    fix: "Issue refresh tokens to this client, or name offline_access in scopes_supported of the authorization server",
  },
  audience_mismatch: {
    ...server,
    says: "The token is for something else",
    rule: "aud is the resource that was asked for",
    source: "RFC 8707 §2.2",
    fix: "Issue tokens for the resource parameter, or correct the audience that the server checks",
  },
};

/** The refresh. */
export const refresh = {
  refresh_refused: {
    ...server,
    says: "The refresh token is refused",
    rule: "A fresh refresh token of this client is taken",
    source: "RFC 6749 §6",
    fix: "Read what the answer says; people would have to sign in again whenever an access token ends",
  },
  refresh_not_rotated: {
    ...server,
    weight: "warning",
    says: "A public client keeps its refresh token",
    rule: "Refresh tokens of public clients are replaced at each use",
    source: "OAuth 2.1 §4.3.1",
    fix: "Issue a new one at each refresh",
    breaks: [],
  },
  refresh_scope_shrunk: {
    ...server,
    weight: "warning",
    says: "A refreshed token may do less",
    rule: "Without scope a refresh gives the same scopes",
    source: "RFC 6749 §6",
    fix: "Keep the scopes of the grant",
  },
};
