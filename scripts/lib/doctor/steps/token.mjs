// The token answer, to the letter of RFC 6749 §5, and the refresh.
//
// Not here: whether the server takes the token (call.mjs).

import { ask, inShort, inTheWay, isJson, isObject } from "./ask.mjs";
import { clientOf } from "./registration.mjs";

const CLAUDE_WAITS = 10_000;

export function* token(visit) {
  if (visit.open) return visit.skip("not needed: the server wants no token");
  if (!visit.code) return visit.skip(visit.ownToken ? "not needed: a token was given" : "not tried without a sign-in: --browser");
  const at = visit.server.token_endpoint;
  const answer = yield* ask(
    visit,
    "POST",
    at,
    clientOf(visit, {
      grant_type: "authorization_code",
      code: visit.code,
      redirect_uri: visit.redirectUri,
      code_verifier: visit.random.verifier,
      resource: visit.audience,
    }),
  );
  if (inTheWay(visit, answer, at)) return;
  const tokens = judged(visit, answer, at, "token_refused_at_issue");
  if (!tokens) return;
  if (answer.ms > CLAUDE_WAITS)
    visit.find("token_slow", { at, expected: "less than 10 seconds", seen: `${Math.round(answer.ms / 1000)} seconds` });
  const refreshes = visit.asked.has("offline_access") || visit.server.grant_types_supported?.includes?.("refresh_token");
  if (!tokens.refresh_token && refreshes)
    visit.find("refresh_token_missing", { at, expected: "refresh_token", seen: Object.keys(tokens).join(", ") });
  audience(visit, tokens.access_token, at);
  visit.tokens = tokens;
  visit.token ??= tokens.access_token;
  visit.say(
    `a token${typeof tokens.expires_in === "number" ? ` for ${Math.round(tokens.expires_in / 60)} minutes` : ""}${tokens.refresh_token ? ", and one to refresh it" : ""}`,
  );
}

export function* refresh(visit) {
  const before = visit.tokens;
  if (!before?.refresh_token) return visit.skip(before ? "not tried: there is no refresh token" : "not tried without a sign-in: --browser");
  const at = visit.server.token_endpoint;
  const answer = yield* ask(
    visit,
    "POST",
    at,
    clientOf(visit, { grant_type: "refresh_token", refresh_token: before.refresh_token, resource: visit.audience }),
  );
  const tokens = judged(visit, answer, at, "refresh_refused");
  if (!tokens) return;
  if (!visit.client?.client_secret && (tokens.refresh_token ?? before.refresh_token) === before.refresh_token) {
    visit.find("refresh_not_rotated", { at, expected: "another refresh token", seen: "the same" });
  }
  const had = new Set((before.scope ?? "").split(" ").filter(Boolean));
  const has = new Set((tokens.scope ?? before.scope ?? "").split(" "));
  const lost = [...had].filter((scope) => !has.has(scope));
  if (lost.length > 0) visit.find("refresh_scope_shrunk", { at, expected: before.scope, seen: tokens.scope });
  visit.tokens = { ...before, ...tokens };
  visit.say("a new token, without anybody");
}

/** The tokens of an answer, or nothing where it has none. What is only wrong in form is found and used all the same. */
function judged(visit, answer, at, refusal) {
  const facts = (expected, seen) => ({ at, expected, seen });
  if (answer.error) return void visit.find(refusal, facts("200", answer.error.message));
  const form = !isObject(answer.json) ? Object.fromEntries(new URLSearchParams(answer.text)) : {};
  for (const found of [answer.json, form])
    if (isObject(found)) for (const name of ["access_token", "refresh_token", "id_token"]) visit.secret(found[name]);
  if (answer.status >= 300) {
    if (!isObject(answer.json)) return void visit.find("token_not_json", facts("JSON", inShort(answer)));
    return void visit.find(refusal, facts("200", inShort(answer)));
  }
  if (!isObject(answer.json)) {
    const names = form.access_token ? `a form with ${Object.keys(form).join(", ")}` : inShort(answer);
    return void visit.find("token_not_json", facts("JSON", names));
  }
  const tokens = answer.json;
  if (tokens.error && !tokens.access_token)
    return void visit.find("token_error_as_success", facts("400", `200 with ${inShort({ ...answer, status: "" })}`));
  if (typeof tokens.access_token !== "string") return void visit.find(refusal, facts("access_token", Object.keys(tokens).join(", ")));
  if (!isJson(answer)) visit.find("token_content_type", facts("application/json", answer.headers["content-type"] ?? "no Content-Type"));
  // RFC 6749 §7.1: its value has no case.
  if (tokens.token_type?.toLowerCase?.() !== "bearer")
    visit.find("token_type_missing", facts("Bearer", JSON.stringify(tokens.token_type) ?? "nothing"));
  if (tokens.expires_in !== undefined && typeof tokens.expires_in !== "number")
    visit.find("expires_in_not_number", facts("a number", JSON.stringify(tokens.expires_in)));
  if (!/no-store/i.test(answer.headers["cache-control"] ?? ""))
    visit.find("token_cacheable", facts("no-store", answer.headers["cache-control"] ?? "nothing"));
  return tokens;
}

/** RFC 9068: a token that can be read says whom it is for. */
function audience(visit, text, at) {
  const parts = text.split(".");
  if (parts.length !== 3) return;
  try {
    const { aud } = JSON.parse(Buffer.from(parts[1], "base64url").toString());
    const named = [aud ?? []].flat();
    const bare = (one) => String(one).replace(/\/$/, "");
    if (named.length > 0 && !named.some((one) => bare(one) === bare(visit.audience))) {
      visit.find("audience_mismatch", { at, expected: visit.audience, seen: named.join(", ") });
    }
  } catch {
    // not a JWT: what is in it is the server's own business
  }
}
