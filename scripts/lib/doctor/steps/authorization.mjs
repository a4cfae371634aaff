// The authorization request with PKCE and `resource`, up to the sign-in, and what comes back if a person takes part.
//
// Not here: exchanging the code (token.mjs).

import { ask, inShort, inTheWay, isPage, isRedirect } from "./ask.mjs";

const BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

export function* authorization(visit) {
  if (visit.open) return visit.skip("not needed: the server wants no token");
  if (!visit.server) return visit.skip("not tried: there is no metadata of an authorization server");
  if (!visit.clientId) return visit.skip("not tried: there is no client");
  const url = requested(visit);
  const arrived = yield* walked(visit, url);
  if (!arrived || visit.found.some(({ step, id }) => step === "authorization" && id !== "popup_severed")) return;
  if (arrived.parameters) return returned(visit, arrived, "the server approved without asking anybody");
  visit.say("leads to a sign-in");
  if (visit.person) returned(visit, yield { ask: "person", url: String(url) }, "somebody signed in and came back with a code");
}

function requested(visit) {
  const { server, resource } = visit;
  const url = new URL(server.authorization_endpoint);
  const scopes = new Set((visit.scope ?? resource?.scopes_supported?.join?.(" ") ?? "").split(" ").filter(Boolean));
  if (server.scopes_supported?.includes?.("offline_access")) scopes.add("offline_access");
  visit.asked = scopes;
  const parameters = {
    response_type: "code",
    client_id: visit.clientId,
    redirect_uri: visit.redirectUri,
    state: visit.random.state,
    code_challenge: visit.challengeOfCode,
    code_challenge_method: "S256",
    ...(scopes.size > 0 && { scope: [...scopes].join(" ") }),
    resource: visit.audience,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
  return url;
}

/** As a browser opens it, up to the first page: that page, {parameters} of who comes back at once, or nothing where it ended otherwise. */
function* walked(visit, begin) {
  let url = begin;
  let cookies = {};
  for (let hops = 0; hops < 6; hops += 1) {
    const cookie = Object.values(cookies).join("; ");
    const headers = { accept: "text/html,application/xhtml+xml", "user-agent": BROWSER, ...(cookie && { cookie }) };
    const answer = yield* ask(visit, "GET", url, { headers });
    const at = url.origin + url.pathname;
    if (inTheWay(visit, answer, at)) return undefined;
    if (isRedirect(answer) && URL.canParse(answer.headers.location, url)) {
      const next = new URL(answer.headers.location, url);
      if (String(next).startsWith(visit.redirectUri)) return back(visit, next.searchParams, at);
      if (!/^https?:$/.test(next.protocol)) return undefined;
      if (next.origin !== url.origin) cookies = {};
      for (const line of [answer.headers["set-cookie"] ?? []].flat()) cookies[line.split("=")[0]] = line.split(";")[0];
      url = next;
      continue;
    }
    if (answer.error || answer.status >= 400) {
      if (url.origin !== begin.origin) return undefined; // an identity provider of theirs, which may not know this browser
      const cimd = visit.profile?.document?.id === visit.clientId;
      return void visit.find(cimd ? "client_document_refused" : byError(answer.json?.error), {
        at,
        expected: "a page to sign in",
        seen: inShort(answer),
      });
    }
    // HTML, "Cross-Origin-Opener-Policy": the popup's opener sees it as closed.
    if (/^same-origin(?!-allow-popups)/i.test(answer.headers["cross-origin-opener-policy"] ?? "")) {
      visit.find("popup_severed", { at, expected: "unsafe-none, or nothing", seen: answer.headers["cross-origin-opener-policy"] });
    }
    return isPage(answer) ? { page: answer } : undefined;
  }
  return void visit.find("authorization_refused", {
    at: begin.origin + begin.pathname,
    expected: "a page to sign in",
    seen: "redirects without an end",
  });
}

const byError = (error) => ({ invalid_scope: "scope_refused", invalid_target: "resource_refused" })[error] ?? "authorization_refused";

/** The browser is sent back to the client at once. */
function back(visit, parameters, at) {
  const error = parameters.get("error");
  if (!error) return { parameters: Object.fromEntries(parameters) };
  return void visit.find(byError(error), {
    at,
    expected: "a page to sign in",
    seen: [error, parameters.get("error_description")].filter(Boolean).join(": "),
  });
}

function returned(visit, { parameters, error }, words) {
  const at = visit.server.authorization_endpoint;
  if (error) return visit.find("person_not_returned", { at, expected: "a browser at the redirect URI", seen: error });
  visit.secret(parameters.code);
  if (parameters.state !== visit.random.state)
    return visit.find("state_lost", { at, expected: "state as it was sent", seen: parameters.state === undefined ? "none" : "another" });
  const promised = visit.server.authorization_response_iss_parameter_supported === true;
  if (promised && parameters.iss === undefined) return visit.find("iss_missing", { at, expected: visit.server.issuer, seen: "none" });
  if (parameters.iss !== undefined && parameters.iss !== visit.server.issuer)
    return visit.find("iss_mismatch", { at, expected: visit.server.issuer, seen: parameters.iss });
  if (parameters.error)
    return visit.find(byError(parameters.error), {
      at,
      expected: "a code",
      seen: [parameters.error, parameters.error_description].filter(Boolean).join(": "),
    });
  if (!parameters.code)
    return visit.find("code_missing", { at, expected: "code", seen: Object.keys(parameters).join(", ") || "no parameters" });
  visit.code = parameters.code;
  visit.say(words);
}
