// The authorization server's metadata (RFC 8414, OpenID Connect Discovery), at every place where a client looks.
//
// Not here: using the endpoints (registration.mjs, authorization.mjs, token.mjs).

import { ask, inShort, inTheWay, isJson, isObject, isPage, keptLong, nullsOf } from "./ask.mjs";

const OPENID = ["jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"];

/** Where the metadata of an issuer is looked for, in a client's order (MCP 2025-11-25, authorization server discovery). */
export function placesOf(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const kinds = ["oauth-authorization-server", "openid-configuration"];
  return [
    ...kinds.map((kind) => `${origin}/.well-known/${kind}${path}`),
    ...(path ? [`${origin}${path}/.well-known/openid-configuration`] : []),
  ];
}

export function* issuer(visit) {
  if (visit.open) return visit.skip("not needed: the server wants no token");
  // Servers of 2025-03-26 have no metadata of their own: they are their authorization server.
  visit.issuer = visit.resource?.authorization_servers[0] ?? visit.url.origin;
  const documents = [];
  const refused = [];
  for (const place of placesOf(visit.issuer)) {
    const answer = yield* ask(visit, "GET", place, { headers: { accept: "application/json" } });
    if (inTheWay(visit, answer, place)) return;
    if (answer.status === 200 && !isPage(answer)) documents.push({ place, answer, openid: place.includes("openid") });
    else refused.push(`${new URL(place).pathname}: ${inShort(answer)}`);
  }
  if (documents.length === 0) {
    const unknown = !visit.resource && visit.found.length > 0; // what leads here is missing, and has been said
    if (unknown) visit.stopped = true;
    else
      visit.stop("issuer_metadata_missing", { at: placesOf(visit.issuer)[0], expected: "200, application/json", seen: refused.join("; ") });
    return;
  }
  const [chosen, other] = documents;
  const document = read(visit, chosen);
  if (!document) return;
  visit.server = document;
  capabilities(visit, chosen.place);
  if (other && isObject(other.answer.json)) compare(visit, document, other);
  else if (chosen.openid && OPENID.some((name) => document[name] === undefined)) incomplete(visit, chosen);
  visit.say(`${document.issuer}, at ${documents.length} ${documents.length === 1 ? "place" : "places"}`);
}

function read(visit, { place, answer }) {
  const document = answer.json;
  const wrong = (seen) =>
    void visit.stop("issuer_metadata_malformed", {
      at: place,
      expected: "issuer, authorization_endpoint, token_endpoint, response_types_supported",
      seen,
    });
  if (!isObject(document)) return wrong(`no JSON object: ${answer.text.slice(0, 60)}`);
  if (!isJson(answer))
    visit.find("issuer_metadata_type", {
      at: place,
      expected: "application/json",
      seen: answer.headers["content-type"] ?? "no Content-Type",
    });
  const lacking = ["issuer", "authorization_endpoint", "token_endpoint"].filter((name) => !URL.canParse(document[name]));
  const optional = ["registration_endpoint", "revocation_endpoint"];
  lacking.push(...optional.filter((name) => document[name] != null && !URL.canParse(document[name])));
  if (lacking.length > 0) return wrong(`no URL in ${lacking.join(", ")}`);
  const nulls = nullsOf(document);
  if (nulls.length > 0) return wrong(`null: ${nulls.join(", ")}`);
  if (!document.response_types_supported?.includes?.("code")) return wrong("response_types_supported without code");
  const kept = keptLong(answer);
  if (kept) visit.find("metadata_cached_long", { at: place, expected: "an hour or less", seen: kept });
  return sameIssuer(visit, document, place) && encrypted(visit, document, place) ? document : undefined;
}

function sameIssuer(visit, document, at) {
  if (document.issuer === visit.issuer) return true;
  const facts = { at, expected: visit.issuer, seen: document.issuer };
  const bare = (text) => text.replace(/\/$/, "");
  if (bare(document.issuer) === bare(visit.issuer)) {
    // A bare origin has no form without a slash for URL parsers; both sides mean the same then, and strict clients still refuse.
    visit.find("issuer_trailing_slash", facts);
    return true;
  }
  visit.stop("issuer_mismatch", facts);
  return false;
}

function encrypted(visit, document, at) {
  if (visit.url.protocol !== "https:") return true;
  const plain = Object.entries(document).find(([name, value]) => name.endsWith("_endpoint") && String(value).startsWith("http:"));
  if (plain) visit.stop("scheme_rewritten", { at, expected: "https endpoints", seen: plain.join(": ") });
  return !plain;
}

function capabilities(visit, at) {
  const { server } = visit;
  if (!server.code_challenge_methods_supported?.includes?.("S256")) {
    visit.find("pkce_not_advertised", {
      at,
      expected: 'code_challenge_methods_supported: ["S256"]',
      seen: JSON.stringify(server.code_challenge_methods_supported) ?? "nothing",
    });
  }
  if (Array.isArray(server.grant_types_supported) && !server.grant_types_supported.includes("refresh_token")) {
    visit.find("refresh_not_offered", { at, expected: "refresh_token", seen: server.grant_types_supported.join(", ") });
  }
  const documents = server.client_id_metadata_document_supported === true;
  if (documents && !server.token_endpoint_auth_methods_supported?.includes?.("none")) {
    visit.find("cimd_without_none", {
      at,
      expected: "none",
      seen: JSON.stringify(server.token_endpoint_auth_methods_supported) ?? "nothing",
    });
  }
  if (!documents && !server.registration_endpoint && !visit.clientId) {
    visit.find("registration_unavailable", {
      at,
      expected: "registration_endpoint or client_id_metadata_document_supported",
      seen: "neither",
    });
  }
}

function compare(visit, document, { place, answer }) {
  const names = ["issuer", "authorization_endpoint", "token_endpoint"];
  const apart = names.filter((name) => answer.json[name] !== document[name]);
  if (apart.length > 0) {
    visit.find("openid_differs", {
      at: place,
      expected: apart.map((name) => document[name]).join(", "),
      seen: apart.map((name) => answer.json[name] ?? "nothing").join(", "),
    });
  }
}

function incomplete(visit, { place, answer }) {
  visit.find("openid_incomplete", {
    at: place,
    expected: OPENID.join(", "),
    seen: `without ${OPENID.filter((name) => answer.json[name] === undefined).join(", ")}`,
  });
}
