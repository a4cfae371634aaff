// How a client introduces itself: dynamic registration (RFC 7591), and its end where the server offers one (RFC 7592).
//
// Not here: client ID metadata documents (authorization.mjs uses one).

import { ownRegistration } from "../profiles.mjs";
import { ask, inShort, inTheWay, isObject, nullsOf } from "./ask.mjs";

export function* registration(visit) {
  const { server } = visit;
  if (visit.open) return visit.skip("not needed: the server wants no token");
  if (!server) return visit.skip("not tried: there is no metadata of an authorization server");
  if (visit.clientId) return visit.skip("not needed: a client was given");
  if (visit.profile?.document && server.client_id_metadata_document_supported === true && !visit.person) {
    visit.clientId = visit.profile.document.id;
    visit.redirectUri = visit.profile.document.redirectUri;
    return visit.skip(`not needed: ${visit.profile.title} has a metadata document`);
  }
  if (!server.registration_endpoint) return visit.skip("not offered");
  if (!visit.register) return visit.skip("not tried: --no-register");
  const at = server.registration_endpoint;
  const answer = yield* ask(visit, "POST", at, { headers: { accept: "application/json" }, json: wanted(visit) });
  if (inTheWay(visit, answer, at)) return;
  const seen = inShort(answer);
  if (answer.status === 429) return visit.find("rate_limited", { at, expected: "201", seen });
  if (answer.status === 401 || answer.status === 403) return visit.find("registration_closed", { at, expected: "201", seen });
  if (answer.error || answer.status >= 300) return visit.find("registration_refused", { at, expected: "201", seen });
  keep(visit, answer);
  if (answer.status !== 201) visit.find("registration_status", { at, expected: "201", seen });
  judge(visit, answer, at);
  if (visit.client) visit.say(`a client was registered${visit.profile ? `, as ${visit.profile.title}` : ""}`);
}

function wanted(visit) {
  const base = visit.profile?.registration ?? ownRegistration;
  const redirects = base.redirect_uris ?? [];
  return { ...base, redirect_uris: visit.person || redirects.length === 0 ? [...redirects, visit.redirectUri] : redirects };
}

function keep(visit, { json }) {
  if (!isObject(json) || typeof json.client_id !== "string") return;
  visit.client = json;
  visit.clientId = json.client_id;
  if (!visit.person && visit.profile) visit.redirectUri = visit.profile.registration.redirect_uris[0];
  visit.secret(json.client_secret);
  visit.secret(json.registration_access_token);
}

function judge(visit, { json, text }, at) {
  const wrong = (seen) => visit.find("registration_malformed", { at, expected: "client_id, redirect_uris", seen });
  if (!visit.client) return wrong(isObject(json) ? "without client_id" : `no JSON object: ${text.slice(0, 60)}`);
  const nulls = nullsOf(json);
  if (nulls.length > 0) return wrong(`null: ${nulls.join(", ")}`);
  if (!Array.isArray(json.redirect_uris) || !json.redirect_uris.includes(visit.redirectUri))
    return wrong(`redirect_uris: ${JSON.stringify(json.redirect_uris)}`);
  const ends = json.client_secret_expires_at;
  if (json.client_secret !== undefined && !Number.isInteger(ends)) {
    visit.find("registration_secret_expiry", { at, expected: "an integer, 0 for never", seen: JSON.stringify(ends) ?? "nothing" });
  }
}

/** Takes back what was made: tokens (RFC 7009), then the registration (RFC 7592). What cannot be is told. */
export function* cleaning(visit) {
  const { tokens, client, server } = visit;
  if (!tokens && !client) return visit.skip("nothing was made");
  const gone = [];
  if (tokens && server.revocation_endpoint) {
    const token = tokens.refresh_token ?? tokens.access_token;
    const answer = yield* ask(visit, "POST", server.revocation_endpoint, clientOf(visit, { token }));
    if (answer.status === 200) gone.push("the token was revoked");
  }
  if (client?.registration_client_uri && client.registration_access_token && URL.canParse(client.registration_client_uri)) {
    const answer = yield* ask(visit, "DELETE", client.registration_client_uri, {
      headers: { authorization: `Bearer ${client.registration_access_token}` },
    });
    if (answer.status === 204 || answer.status === 200) gone.push("the registration was deleted");
    else visit.left.push(`the registration ${client.client_id}`);
  } else if (client) {
    visit.left.push(`the registration ${client.client_id}, which the server offers no way to delete`);
  }
  visit.say(gone.join(", ") || "one registration was left");
}

/** How the client authenticates at the token and revocation endpoints: a form, and headers where it has a secret. */
export function clientOf(visit, form) {
  const { client_secret: secret, token_endpoint_auth_method: method } = visit.client ?? {};
  if (!secret || method === "none") return { form: { ...form, client_id: visit.clientId }, headers: { accept: "application/json" } };
  if (method === "client_secret_post")
    return { form: { ...form, client_id: visit.clientId, client_secret: secret }, headers: { accept: "application/json" } };
  const pair = [visit.clientId, secret].map(encodeURIComponent).join(":");
  return { form, headers: { accept: "application/json", authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}
