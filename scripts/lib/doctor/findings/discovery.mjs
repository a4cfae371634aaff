// Findings in what a client reads before it does anything: the 401, both metadata documents, and whether pages may read them.
//
// Not here: how they are found (../steps).

import { BROWSERS, MCP, MODERN, SDK, operator, server } from "./words.mjs";

/** The 401. */
export const challenge = {
  challenge_missing: {
    ...server,
    says: "The 401 has no challenge",
    rule: "A 401 carries WWW-Authenticate",
    source: "RFC 9110 §11.6.1, RFC 9728 §5.1",
    fix: 'Send WWW-Authenticate: Bearer resource_metadata="…"; put the OAuth check on this route; let proxies keep the header',
  },
  challenge_not_bearer: {
    ...server,
    says: "The challenge is not for a bearer token",
    rule: "The scheme is Bearer",
    source: "RFC 6750 §3",
    fix: "Send the Bearer challenge; a proxy's Basic sign-in has to go",
  },
  challenge_scheme_case: {
    ...server,
    weight: "warning",
    says: "The challenge's scheme is not written “Bearer”",
    rule: "Schemes have no case, but VS Code compares it",
    source: "RFC 9110 §11.1",
    fix: "Write it Bearer",
    breaks: ["vscode"],
  },
  challenge_malformed: {
    ...server,
    says: "The challenge cannot be read",
    rule: 'name="value", separated by commas; resource_metadata is a whole URL',
    source: "RFC 9110 §11.2, RFC 9728 §5.1",
    fix: "Quote every value, and write the whole URL",
  },
  challenge_without_metadata: {
    ...server,
    weight: "warning",
    says: "The challenge does not say where the metadata is",
    rule: "resource_metadata names it",
    source: "RFC 9728 §5.1",
    fix: 'Add resource_metadata="…"',
    breaks: ["claude", "claude-code"],
  },
  address_rewritten: {
    ...operator,
    says: "The server takes itself for another host",
    rule: "What it says of itself has the address that clients use",
    source: "RFC 9728 §3.3",
    fix: "Let the proxy keep Host or send X-Forwarded-Host, and set the server's public URL (here: public_url, allowed_hosts)",
  },
  scheme_rewritten: {
    ...operator,
    says: "The server takes itself for http",
    rule: "What it says of itself has the address that clients use",
    source: "RFC 9728 §3.3",
    fix: "Let the proxy that ends TLS send X-Forwarded-Proto: https, and set the server's public URL",
  },
};

/** The protected resource metadata. */
export const resource = {
  resource_metadata_missing: {
    ...server,
    says: "The server's metadata is not there",
    rule: "Metadata is where the challenge says, or at the well-known path",
    source: "RFC 9728 §3",
    fix: "Serve /.well-known/oauth-protected-resource followed by the server's path, and let proxies pass it",
  },
  resource_metadata_not_at_path: {
    ...server,
    weight: "warning",
    says: "The metadata is only where the challenge says",
    rule: "The well-known part goes between host and path",
    source: "RFC 9728 §3.1",
    fix: "Serve it at the well-known path as well: clients look there first, or only",
    breaks: ["vscode", "cursor"],
  },
  resource_metadata_type: {
    ...server,
    weight: "warning",
    says: "The metadata is not sent as JSON",
    rule: "Content-Type is application/json",
    source: "RFC 9728 §3.2",
    fix: "Send Content-Type: application/json",
  },
  resource_metadata_malformed: {
    ...server,
    says: "The metadata is not what it must be",
    rule: "A JSON object with resource and authorization_servers, and no null",
    source: "RFC 9728 §2",
    fix: "Correct what is named; leave members out in place of null",
  },
  resource_metadata_differs: {
    ...server,
    says: "Two places say different things",
    rule: "One server has one metadata document",
    source: "RFC 9728 §3.3",
    fix: "Serve the same document at every place; look for a cache that keeps an old one",
  },
  resource_mismatch: {
    ...server,
    says: "The metadata is for another address of this host",
    rule: "resource is the address the client was given, to the letter",
    source: "RFC 9728 §3.3",
    fix: "Give clients the address it names, or correct resource; usually the path is missing",
  },
  resource_trailing_slash: {
    ...server,
    weight: "warning",
    says: "The metadata's address differs by a slash at the end",
    rule: "resource is the address the client was given, to the letter",
    source: "RFC 9728 §3.3",
    fix: "Write both without the slash",
    breaks: ["vscode", "claude-code"],
  },
  metadata_cached_long: {
    ...operator,
    weight: "warning",
    says: "Metadata is kept in caches for more than a day",
    rule: "A change has to reach clients",
    source: "RFC 9111 §5.2.2.1",
    fix: "Lower max-age to an hour or less, and clear the cache in front after a change",
  },
};

/** The authorization server's metadata. */
export const issuer = {
  issuer_malformed: {
    ...server,
    says: "The authorization server's name is no issuer",
    rule: "An https URL without query and fragment",
    source: "RFC 8414 §2",
    fix: "Correct authorization_servers",
  },
  issuer_metadata_missing: {
    ...server,
    says: "The authorization server's metadata is not there",
    rule: "Metadata is at a well-known path of the issuer",
    source: "RFC 8414 §3",
    fix: "Serve /.well-known/oauth-authorization-server, and let proxies pass it; check the issuer in authorization_servers",
  },
  issuer_mismatch: {
    ...server,
    says: "The metadata is of another issuer",
    rule: "issuer is the one the document was asked for, to the letter",
    source: "RFC 8414 §3.3",
    fix: "Write the same issuer in both documents. Behind a proxy: keep Host, and set the public URL",
  },
  issuer_trailing_slash: {
    ...server,
    says: "The issuer differs by a slash at the end",
    rule: "issuer is the one the document was asked for, to the letter",
    source: "RFC 8414 §3.3",
    fix: "Write it the same way in authorization_servers, issuer and iss",
  },
  issuer_metadata_type: {
    ...server,
    weight: "warning",
    says: "The issuer's metadata is not sent as JSON",
    rule: "Content-Type is application/json",
    source: "RFC 8414 §3.2",
    fix: "Send Content-Type: application/json",
  },
  issuer_metadata_malformed: {
    ...server,
    says: "The issuer's metadata is not what it must be",
    rule: "A JSON object with issuer, the endpoints and response_types_supported, and no null",
    source: "RFC 8414 §2",
    fix: "Correct what is named; leave members out in place of null",
  },
  pkce_not_advertised: {
    ...server,
    says: "PKCE with S256 is not offered",
    rule: "code_challenge_methods_supported has S256, or clients refuse",
    source: `${MODERN}, authorization security`,
    fix: "Support S256 and say so in the metadata",
  },
  openid_differs: {
    ...server,
    weight: "warning",
    says: "OpenID discovery says something else",
    rule: "Both documents describe one authorization server",
    source: "RFC 8414 §5",
    fix: "Serve the same issuer and endpoints in both, or one document only",
  },
  openid_incomplete: {
    ...server,
    weight: "warning",
    says: "OpenID discovery lacks what it must have",
    rule: "jwks_uri, subject_types_supported and id_token_signing_alg_values_supported are required",
    source: "OpenID Connect Discovery §3",
    fix: "Complete it, or serve oauth-authorization-server as well",
    breaks: SDK,
  },
  refresh_not_offered: {
    ...server,
    weight: "warning",
    says: "Nobody gets a refresh token",
    rule: "grant_types_supported has refresh_token",
    source: "RFC 8414 §2",
    fix: "Support refresh tokens, or people sign in again whenever an access token ends",
  },
  cimd_without_none: {
    ...server,
    weight: "warning",
    says: "Client ID metadata documents are offered, but no public clients",
    rule: "token_endpoint_auth_methods_supported has none",
    source: "claude.com/docs/connectors/building/authentication",
    fix: "Add none",
    breaks: ["claude"],
  },
  registration_unavailable: {
    ...server,
    says: "A client cannot introduce itself",
    rule: "Client ID metadata documents or dynamic registration, or a client is set up by hand",
    source: `${MODERN}, client registration`,
    fix: "Offer one of them; or register a client and enter its id in the client (here: --client-id)",
  },
};

/** Calls from pages. */
export const cors = {
  cors_missing: {
    ...server,
    weight: "warning",
    says: "Pages of other origins may not call",
    rule: "Browsers ask first (OPTIONS) and need Access-Control-Allow-Origin",
    source: "Fetch, CORS protocol",
    fix: "Answer OPTIONS without a token and allow the origin, at the endpoint, both metadata documents, token and registration",
    breaks: BROWSERS,
  },
  cors_headers_refused: {
    ...server,
    weight: "warning",
    says: "Pages may call, but not with the headers of MCP",
    rule: "Access-Control-Allow-Headers names Authorization: * leaves it out",
    source: "Fetch, CORS protocol",
    fix: "Allow Authorization, Content-Type, MCP-Protocol-Version, Mcp-Session-Id by name",
    breaks: BROWSERS,
  },
  cors_headers_hidden: {
    ...server,
    weight: "warning",
    says: "Pages cannot read the headers they need",
    rule: "Access-Control-Expose-Headers names WWW-Authenticate and Mcp-Session-Id",
    source: "Fetch, CORS protocol",
    fix: "Expose both",
    breaks: BROWSERS,
  },
};
