// Faults from the registration to the tokens.
//
// Not here: what the fields mean (../doctor-faults.mjs), how things are bent (bends.mjs).

import { answerWith, change } from "../bending-proxy.mjs";
import { asJwt, goingBack, headers, html, page, posted, refused, tokenWith, without } from "./bends.mjs";

export const faults = [
  {
    finding: "registration_refused",
    fault: "the redirect URI is not allowed",
    bend: (proxy) =>
      proxy.bend(posted("/oauth/register"), answerWith(400, { error: "invalid_redirect_uri", error_description: "not on the list" })),
  },
  {
    finding: "registration_closed",
    fault: "registration wants a token",
    bend: (proxy) => proxy.bend(posted("/oauth/register"), answerWith(401, { error: "invalid_token" })),
  },
  {
    finding: "registration_status",
    fault: "200 in place of 201",
    bend: (proxy) =>
      proxy.bend(posted("/oauth/register"), async ({ response, forward }) => {
        const answer = await forward();
        response.writeHead(200, answer.headers).end(answer.body);
      }),
  },
  {
    finding: "registration_malformed",
    fault: "members that were not sent come back as null",
    bend: (proxy) =>
      proxy.bend(
        posted("/oauth/register"),
        change((client) => ({ ...client, client_uri: null })),
      ),
  },
  {
    finding: "registration_secret_expiry",
    fault: "the secret's end is a fraction",
    bend: (proxy) =>
      proxy.bend(
        posted("/oauth/register"),
        change((client) => ({ ...client, client_secret: "a secret of nobody", client_secret_expires_at: 1.5 })),
      ),
  },
  {
    finding: "client_document_refused",
    fault: "the way out to the client's document is closed",
    options: { profile: "claude" },
    bend: (proxy) =>
      proxy.bend(
        ({ path, query }) => path === "/oauth/authorize" && query.get("client_id").startsWith("https:"),
        answerWith(400, { error: "invalid_client_metadata_url" }),
      ),
  },
  { finding: "scope_refused", fault: "the provider does not know the scope", bend: refused("invalid_scope") },
  { finding: "resource_refused", fault: "the server is not registered at the provider", bend: refused("invalid_target") },
  { finding: "authorization_refused", fault: "the redirect URI does not match", bend: refused("invalid_redirect_uri") },
  {
    finding: "popup_severed",
    fault: "the sign-in page cuts its opener off",
    bend: (proxy) =>
      proxy.bend(
        "/login*",
        headers((sent) => (sent["cross-origin-opener-policy"] = "same-origin")),
      ),
  },
  {
    finding: "state_lost",
    fault: "state is not returned",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        "/oauth/consent",
        goingBack((query) => query.delete("state")),
      ),
  },
  {
    finding: "code_missing",
    fault: "the query is lost on the way back",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        "/oauth/consent",
        goingBack((query) => query.delete("code")),
      ),
  },
  {
    finding: "iss_missing",
    fault: "iss is promised only",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        "/oauth/consent",
        goingBack((query) => query.delete("iss")),
      ),
  },
  {
    finding: "iss_mismatch",
    fault: "iss has a slash more",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        "/oauth/consent",
        goingBack((query) => query.set("iss", `${query.get("iss")}/`)),
      ),
  },
  {
    finding: "token_refused_at_issue",
    fault: "the code has ended already",
    signIn: true,
    bend: (proxy) => proxy.bend(posted("/oauth/token"), answerWith(400, { error: "invalid_grant" })),
  },
  {
    finding: "token_error_as_success",
    fault: "200 with an error",
    signIn: true,
    bend: (proxy) => proxy.bend(posted("/oauth/token"), answerWith(200, { error: "bad_verification_code" })),
  },
  {
    finding: "token_not_json",
    fault: "the token comes as a form",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(posted("/oauth/token"), async ({ response, forward }) => {
        const { body } = await forward();
        response.writeHead(200, { "content-type": "application/x-www-form-urlencoded" }).end(String(new URLSearchParams(JSON.parse(body))));
      }),
  },
  {
    finding: "token_not_json",
    fault: "the token endpoint fails with a page",
    signIn: true,
    bend: (proxy) => proxy.bend(posted("/oauth/token"), answerWith(500, page("Oops"), html)),
  },
  {
    finding: "token_content_type",
    fault: "JSON that says it is text",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        posted("/oauth/token"),
        headers((sent) => (sent["content-type"] = "text/html")),
      ),
  },
  { finding: "token_type_missing", fault: "token_type is left out", signIn: true, bend: tokenWith(without("token_type")) },
  {
    finding: "expires_in_not_number",
    fault: "expires_in is a text",
    signIn: true,
    bend: tokenWith((tokens) => ({ ...tokens, expires_in: String(tokens.expires_in) })),
  },
  {
    finding: "token_cacheable",
    fault: "a proxy sets Cache-Control",
    signIn: true,
    bend: (proxy) =>
      proxy.bend(
        posted("/oauth/token"),
        headers((sent) => (sent["cache-control"] = "max-age=60")),
      ),
  },
  { finding: "refresh_token_missing", fault: "no refresh token is issued", signIn: true, bend: tokenWith(without("refresh_token")) },
  {
    finding: "audience_mismatch",
    fault: "the token is for the provider's own API",
    signIn: true,
    bend: tokenWith((tokens) => ({ ...tokens, access_token: asJwt({ aud: "https://api.example.com" }) })),
  },
];
