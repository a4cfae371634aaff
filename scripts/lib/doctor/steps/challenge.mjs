// What the 401 tells a client: the challenge, and where the metadata is.
//
// Not here: reading the metadata (resource.mjs).

/** Reads `WWW-Authenticate`: {scheme, parameters, rest} of the first challenge, `rest` being what cannot be read. */
export function parsed(header) {
  const [, scheme, text = ""] = /^\s*([!#$%&'*+.^_`|~\w-]+)(?:\s+([\s\S]*))?$/.exec(header) ?? [];
  if (!scheme) return undefined;
  const parameters = {};
  let rest = text;
  for (;;) {
    const [whole, name, quoted, bare] =
      /^\s*,?\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?=,|$)/.exec(rest) ?? [];
    if (!whole) break;
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare;
    rest = rest.slice(whole.length);
  }
  return { scheme, parameters, rest: rest.replace(/^[\s,]+/, "") };
}

export function* challenge(visit) {
  if (visit.open) return visit.skip("not needed: the server wants no token");
  const at = visit.url;
  const header = visit.refusal.headers["www-authenticate"];
  if (header === undefined)
    return visit.find("challenge_missing", {
      at,
      expected: 'WWW-Authenticate: Bearer resource_metadata="…"',
      seen: "401 without WWW-Authenticate",
    });
  const bearer = header.split(/,\s*(?=[\w-]+\s+[\w-]+\s*=)/).find((one) => /^\s*bearer\b/i.test(one)) ?? header;
  const { scheme, parameters = {}, rest } = parsed(bearer) ?? {};
  const facts = { at, expected: 'Bearer resource_metadata="…", scope="…"', seen: header };
  if (scheme?.toLowerCase() !== "bearer") return visit.find("challenge_not_bearer", facts);
  if (scheme !== "Bearer") visit.find("challenge_scheme_case", facts);
  visit.scope = parameters.scope;
  const hint = parameters.resource_metadata;
  // RFC 9110 §11.2: a URL has characters that only a quoted value may have.
  if (rest || (hint && !URL.canParse(hint)) || /resource_metadata\s*=\s*[^"\s]/i.test(header))
    return visit.find("challenge_malformed", facts);
  if (hint === undefined) return visit.find("challenge_without_metadata", facts);
  visit.hint = new URL(hint);
  if (!rewritten(visit, visit.hint, "resource_metadata")) visit.say(`401, the metadata is at ${visit.hint.pathname}`);
}

/** Whether a URL that the server makes of its own address has another host or scheme than it was asked by: nothing below is worth asking then. */
export function rewritten(visit, url, what) {
  const facts = { at: visit.url, expected: `${what} at ${visit.url.origin}`, seen: String(url) };
  if (url.hostname === visit.url.hostname && url.protocol === "http:" && visit.url.protocol === "https:")
    visit.stop("scheme_rewritten", facts);
  else if (url.host !== visit.url.host) visit.stop("address_rewritten", facts);
  else return false;
  return true;
}
