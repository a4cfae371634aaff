// Faults in what a client reads before it does anything: the 401, both metadata documents, and what pages may read.
//
// Not here: what the fields mean (../doctor-faults.mjs), how things are bent (bends.mjs).

import { answerWith, change } from "../bending-proxy.mjs";
import { METADATA, PRM, SERVER, challenge, first, headers, html, metadataWith, page, without } from "./bends.mjs";

export const faults = [
  {
    finding: "challenge_missing",
    fault: "a proxy strips WWW-Authenticate",
    bend: (proxy) =>
      proxy.bend(
        first,
        headers((sent) => delete sent["www-authenticate"]),
      ),
  },
  {
    finding: "challenge_not_bearer",
    fault: "the proxy has a password of its own",
    bend: (proxy) =>
      proxy.bend(
        first,
        challenge(() => 'Basic realm="internal"'),
      ),
  },
  {
    finding: "challenge_scheme_case",
    fault: "the scheme in lower case",
    bend: (proxy) =>
      proxy.bend(
        first,
        challenge((text) => text.replace("Bearer", "bearer")),
      ),
  },
  {
    finding: "challenge_malformed",
    fault: "values without quotes",
    bend: (proxy) =>
      proxy.bend(
        first,
        challenge((text) => text.replaceAll('"', "")),
      ),
  },
  {
    finding: "challenge_malformed",
    fault: "resource_metadata is a path",
    bend: (proxy) =>
      proxy.bend(
        first,
        challenge((text) => text.replace(/http:\/\/[^/]+/, "")),
      ),
  },
  {
    finding: "challenge_without_metadata",
    fault: "resource_metadata is missing",
    bend: (proxy) =>
      proxy.bend(
        first,
        challenge(() => 'Bearer scope="mcp:tools"'),
      ),
  },
  {
    finding: "resource_metadata_missing",
    fault: "the proxy does not pass the well-known paths",
    bend: (proxy) => proxy.bend(PRM, answerWith(404, "Not found", { "content-type": "text/plain" })),
  },
  {
    finding: "resource_metadata_missing",
    fault: "the well-known paths lead to an app's page",
    bend: (proxy) => proxy.bend(PRM, answerWith(200, page("Welcome"), html)),
  },
  {
    finding: "resource_metadata_not_at_path",
    fault: "the metadata is at the root only",
    bend(proxy) {
      proxy.bend(
        first,
        challenge((text) => text.replace(SERVER, "")),
      );
      proxy.bend(
        "/.well-known/oauth-protected-resource",
        change((document) => ({ ...document, resource: proxy.origin + SERVER })),
      );
      proxy.bend(`/.well-known/oauth-protected-resource${SERVER}`, answerWith(404, {}));
    },
  },
  {
    finding: "resource_metadata_type",
    fault: "the metadata is sent as text",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        headers((sent) => (sent["content-type"] = "text/plain")),
      ),
  },
  {
    finding: "resource_metadata_malformed",
    fault: "no authorization server is named",
    bend: (proxy) => proxy.bend(PRM, change(without("authorization_servers"))),
  },
  {
    finding: "resource_metadata_malformed",
    fault: "members are null",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        change((document) => ({ ...document, resource_policy_uri: null })),
      ),
  },
  {
    finding: "resource_metadata_differs",
    fault: "a cache keeps the metadata of another time",
    bend(proxy) {
      proxy.bend(
        first,
        challenge((text) => text.replace(SERVER, "")),
      );
      proxy.bend(
        "/.well-known/oauth-protected-resource",
        change((document) => ({ ...document, resource: proxy.origin + SERVER })),
      );
      proxy.bend(
        `/.well-known/oauth-protected-resource${SERVER}`,
        change((document) => ({ ...document, authorization_servers: ["https://old.example.com"] })),
      );
    },
  },
  {
    finding: "resource_mismatch",
    fault: "the path is missing in resource",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        change((document) => ({ ...document, resource: proxy.origin })),
      ),
  },
  {
    finding: "resource_mismatch",
    fault: "resource is another server's",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        change((document) => ({ ...document, resource: `${proxy.origin}/v1/mcp/beta` })),
      ),
  },
  {
    finding: "address_rewritten",
    fault: "public_url names another domain in resource",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        change((document) => ({ ...document, resource: `https://my-project.example.net${SERVER}` })),
      ),
  },
  {
    finding: "resource_trailing_slash",
    fault: "a URL parser adds a slash",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        change((document) => ({ ...document, resource: `${document.resource}/` })),
      ),
  },
  {
    finding: "metadata_cached_long",
    fault: "a CDN keeps metadata for a year",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        headers((sent) => (sent["cache-control"] = "public, max-age=31536000")),
      ),
  },
  {
    finding: "issuer_malformed",
    fault: "the issuer is a name only",
    bend: (proxy) =>
      proxy.bend(
        PRM,
        change((document) => ({ ...document, authorization_servers: ["my-tenant.us.example.com"] })),
      ),
  },
  { finding: "issuer_metadata_missing", fault: "discovery is a 404", bend: (proxy) => proxy.bend(METADATA, answerWith(404, {})) },
  {
    finding: "issuer_metadata_missing",
    fault: "the metadata is a page",
    bend: (proxy) => proxy.bend(METADATA, answerWith(200, page("Welcome"), html)),
  },
  {
    finding: "issuer_mismatch",
    fault: "the issuer is the one behind a custom domain",
    bend: metadataWith((document) => ({ ...document, issuer: "https://my-project.example.net" })),
  },
  {
    finding: "issuer_trailing_slash",
    fault: "the issuer has a slash in one document only",
    bend: metadataWith((document) => ({ ...document, issuer: `${document.issuer}/` })),
  },
  {
    finding: "issuer_metadata_type",
    fault: "the metadata is sent as text",
    bend: (proxy) =>
      proxy.bend(
        METADATA,
        headers((sent) => (sent["content-type"] = "text/plain")),
      ),
  },
  { finding: "issuer_metadata_malformed", fault: "the token endpoint is missing", bend: metadataWith(without("token_endpoint")) },
  { finding: "pkce_not_advertised", fault: "PKCE methods are left out", bend: metadataWith(without("code_challenge_methods_supported")) },
  {
    finding: "openid_differs",
    fault: "two versions are deployed",
    bend: (proxy) =>
      proxy.bend(
        "/.well-known/openid-configuration",
        change((document) => ({ ...document, token_endpoint: `${proxy.origin}/old/token` })),
      ),
  },
  {
    finding: "openid_incomplete",
    fault: "OpenID discovery only, and half of it",
    bend(proxy) {
      proxy.bend("/.well-known/oauth-authorization-server", answerWith(404, {}));
      proxy.bend("/.well-known/openid-configuration", change(without("jwks_uri")));
    },
  },
  {
    finding: "refresh_not_offered",
    fault: "grant_types_supported lacks refresh_token",
    bend: metadataWith((document) => ({ ...document, grant_types_supported: ["authorization_code"] })),
  },
  {
    finding: "cimd_without_none",
    fault: "documents are offered, public clients are not",
    bend: metadataWith((document) => ({ ...document, token_endpoint_auth_methods_supported: ["client_secret_post"] })),
  },
  {
    finding: "registration_unavailable",
    fault: "no dynamic registration",
    bend: metadataWith(({ registration_endpoint: _gone, client_id_metadata_document_supported: _off, ...rest }) => rest),
  },
  {
    finding: "cors_missing",
    fault: "a proxy drops the headers of CORS",
    bend: (proxy) =>
      proxy.bend(
        ({ headers: sent }) => sent.origin,
        headers((sent) => Object.keys(sent).forEach((name) => name.startsWith("access-control-") && delete sent[name])),
      ),
  },
  {
    finding: "cors_headers_refused",
    fault: "Access-Control-Allow-Headers is *",
    bend: (proxy) =>
      proxy.bend(
        ({ method }) => method === "OPTIONS",
        headers((sent) => (sent["access-control-allow-headers"] = "*")),
      ),
  },
  {
    finding: "cors_headers_hidden",
    fault: "no header may be read",
    bend: (proxy) =>
      proxy.bend(
        SERVER,
        headers((sent) => delete sent["access-control-expose-headers"]),
      ),
  },
];
