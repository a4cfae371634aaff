// The protected resource metadata (RFC 9728), at every place where a client looks.
//
// Not here: the authorization server's own metadata (issuer.mjs).

import { ask, inShort, inTheWay, isJson, isObject, isPage, keptLong, nullsOf } from "./ask.mjs";
import { rewritten } from "./challenge.mjs";

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

export function* resource(visit) {
  if (visit.open) return visit.skip("not needed: the server wants no token");
  const places = {
    hint: visit.hint,
    path: visit.url.pathname === "/" ? undefined : new URL(WELL_KNOWN + visit.url.pathname, visit.url),
    root: new URL(WELL_KNOWN, visit.url),
  };
  const answers = {};
  for (const place of visit.profile?.places ?? ["hint", "path", "root"]) {
    const url = places[place];
    if (!url) continue;
    const same = Object.keys(answers).find((other) => String(places[other]) === String(url));
    answers[place] = same ? answers[same] : yield* ask(visit, "GET", url, { headers: { accept: "application/json", ...version(visit) } });
    if (inTheWay(visit, answers[place], url)) return;
  }

  const there = Object.keys(answers).filter((place) => answers[place].status === 200 && !isPage(answers[place]));
  if (visit.hint && answers.hint && !there.includes("hint")) {
    return missing(visit, places.hint, answers.hint, there);
  }
  if (there.length === 0) return missing(visit, places.path ?? places.root, answers.path ?? answers.root, there);
  const [chosen] = there;
  const document = read(visit, answers[chosen], places[chosen]);
  if (!document) return;
  visit.resource = document;
  visit.audience = document.resource;
  if (there.includes("hint") && answers.path && !there.includes("path")) {
    visit.find("resource_metadata_not_at_path", { at: places.path, expected: "the same document", seen: inShort(answers.path) });
  }
  agreement(visit, document, places[chosen]);
  if (visit.stopped) return;
  if (there.includes("path") && chosen === "hint" && differs(document, answers.path.json)) {
    visit.find("resource_metadata_differs", { at: places.path, expected: summary(document), seen: summary(answers.path.json) });
  }
  visit.say(`${document.resource}${there.length > 1 ? `, at ${there.length} places` : ""}`);
}

// The SDKs name the revision when they ask for metadata, too.
const version = (visit) => (visit.profile?.versionHeader === false ? {} : { "mcp-protocol-version": "2025-11-25" });

function missing(visit, at, answer) {
  visit.find("resource_metadata_missing", { at, expected: "200, application/json", seen: inShort(answer) });
}

function read(visit, answer, at) {
  const document = answer.json;
  const wrong = (seen) => void visit.find("resource_metadata_malformed", { at, expected: "resource and authorization_servers", seen });
  if (!isObject(document)) return wrong(`no JSON object: ${answer.text.slice(0, 60)}`);
  if (!isJson(answer))
    visit.find("resource_metadata_type", { at, expected: "application/json", seen: answer.headers["content-type"] ?? "no Content-Type" });
  if (!URL.canParse(document.resource)) return wrong(`resource: ${JSON.stringify(document.resource)}`);
  const issuers = document.authorization_servers;
  if (!Array.isArray(issuers) || issuers.length === 0 || !issuers.every((one) => typeof one === "string"))
    return wrong(`authorization_servers: ${JSON.stringify(issuers)}`);
  const nulls = nullsOf(document);
  if (nulls.length > 0) return wrong(`null: ${nulls.join(", ")}`);
  const kept = keptLong(answer);
  if (kept) visit.find("metadata_cached_long", { at, expected: "an hour or less", seen: kept });
  return document;
}

function agreement(visit, { resource: named, authorization_servers: issuers }, at) {
  const url = new URL(named);
  if (rewritten(visit, url, "resource")) return;
  const asked = visit.url;
  const bare = (one) => one.origin + one.pathname.replace(/\/$/, "") + one.search;
  if (bare(url) !== bare(asked)) {
    visit.find("resource_mismatch", { at, expected: String(asked), seen: named });
    visit.audience = String(asked); // what follows is asked for the address that was given
  } else if (
    named !== String(asked) &&
    named !== visit.given &&
    asked.pathname !== "/" &&
    named.endsWith("/") !== String(asked).endsWith("/")
  ) {
    visit.find("resource_trailing_slash", { at, expected: String(asked), seen: named });
  }
  const [issuer] = issuers;
  const parsed = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (!parsed || parsed.search || parsed.hash) visit.stop("issuer_malformed", { at, expected: "an https URL", seen: issuer });
  else if (parsed.protocol === "http:" && asked.protocol === "https:")
    visit.stop("scheme_rewritten", { at, expected: "https", seen: issuer });
}

const differs = (one, other) => isObject(other) && summary(one) !== summary(other);
const summary = ({ resource: named, authorization_servers: issuers }) => `${named}, issuer ${[issuers].flat().join(", ")}`;
