// The symptoms of the field's troubleshooting pages, and the published causes of “sign-in completes, the endpoint is never called”: which
// finding each is, or why none can be.
//
// Not here: the findings (findings.mjs), symptoms of this gateway's own reasons (docs/troubleshooting.md).

const never = "Sign-in completes, the endpoint is never called";

/** {from, symptom, findings} or {from, symptom, instead}: where to look. `from` is the kind of page, or that question. */
export const symptoms = [
  {
    from: "gateway pages",
    symptom: "401 without WWW-Authenticate; the client never finds the authorization server",
    findings: ["challenge_missing"],
  },
  { from: "gateway pages", symptom: "403 insufficient_scope", findings: ["scope_insufficient"] },
  { from: "gateway pages", symptom: "The metadata's issuer is not the custom domain", findings: ["issuer_mismatch", "address_rewritten"] },
  {
    from: "gateway pages",
    symptom: "GET is answered with 405",
    instead: "That is as it must be: get_not_stream is found where GET is something else",
  },
  {
    from: "gateway pages",
    symptom: "The domain of the identity provider is refused with https:// in front, or lacks it",
    findings: ["issuer_malformed"],
  },
  {
    from: "gateway pages",
    symptom: "A call asks to connect an account, or to renew its consent",
    instead: "No fault: open the link. A list that cannot be had until then is tools_refused",
  },
  {
    from: "gateway pages",
    symptom: "The first client after a start works, later ones hang",
    findings: ["session_lost", "stream_buffered"],
  },
  { from: "gateway pages", symptom: "An old runtime returns the 401 of the server behind", findings: ["token_refused"] },
  {
    from: "gateway pages",
    symptom: "A tool's name does not match in a filter; the browser's session ends",
    instead: "Only whoever runs the gateway sees it: /admin/explain, /connections",
  },
  { from: "gateway pages", symptom: "401: the token is missing or has ended", findings: ["token_refused"] },
  { from: "gateway pages", symptom: "403: signed in, and not allowed", findings: ["forbidden_after_sign_in"] },
  { from: "gateway pages", symptom: "404: the slug is wrong, or the server is not there", findings: ["nothing_there"] },
  { from: "gateway pages", symptom: "500: access could not be verified", findings: ["server_failing"] },
  {
    from: "gateway pages",
    symptom: "“Incompatible auth server: does not support dynamic client registration”",
    findings: ["registration_unavailable", "registration_closed"],
  },
  { from: "gateway pages", symptom: "invalid_scope, or another scope than expected", findings: ["scope_refused"] },
  {
    from: "gateway pages",
    symptom: "The redirect or callback does not work; redirect_uri mismatch",
    findings: ["registration_refused", "authorization_refused"],
  },
  { from: "gateway pages", symptom: "“Protected resource … does not match expected …”", findings: ["resource_mismatch"] },
  {
    from: "gateway pages",
    symptom: "The wrong organisation was chosen",
    instead: "Nothing to be seen from outside: disconnect the account and connect again",
  },
  {
    from: "gateway pages",
    symptom: "A changed configuration does not take effect",
    findings: ["metadata_cached_long", "resource_metadata_differs"],
  },
  {
    from: "gateway pages",
    symptom: "People must sign in again too often",
    findings: ["refresh_refused", "refresh_token_missing", "refresh_not_offered"],
  },
  { from: "gateway pages", symptom: "OAuth discovery is a 404", findings: ["issuer_metadata_missing", "resource_metadata_missing"] },
  {
    from: "gateway pages",
    symptom: "The ingress does not forward Host; the server gives out an internal address",
    findings: ["host_refused", "address_rewritten"],
  },
  {
    from: "server pages",
    symptom: "The client cannot connect: wrong address, firewall, VPN",
    findings: ["name_unresolved", "connection_refused", "connection_lost"],
  },
  { from: "server pages", symptom: "The public URL behind a reverse proxy is wrong", findings: ["address_rewritten", "scheme_rewritten"] },
  {
    from: "server pages",
    symptom: "The sign-in does not complete",
    findings: ["authorization_refused", "person_not_returned", "state_lost"],
  },
  { from: "server pages", symptom: "“No pending authorization” after Approve", findings: ["person_not_returned"] },
  {
    from: "server pages",
    symptom: "401 after a successful sign-in: another server's token, or the public URL changed",
    findings: ["token_refused", "audience_mismatch"],
  },
  {
    from: "server pages",
    symptom: "A tool answers that access is denied, or that its input is invalid",
    instead: "No tool is called: the tool's own words say what is missing",
  },
  { from: "authorization pages", symptom: "A token and no refresh token", findings: ["refresh_token_missing"] },
  { from: "authorization pages", symptom: "invalid_client_metadata_url", findings: ["client_document_refused"] },
  {
    from: "authorization pages",
    symptom: "A client has credentials of another server or an old domain",
    instead:
      "Inside that client: clear its client id, secret and cache, and connect again. --client-id shows whether the server knows an id",
  },
  {
    from: "authorization pages",
    symptom: "The Inspector does not connect: no 401, no resource_metadata",
    findings: ["refused_without_401", "challenge_without_metadata", "not_mcp"],
  },
  {
    from: "authorization pages",
    symptom: "CORS errors in the Inspector",
    findings: ["cors_missing", "cors_headers_refused", "cors_headers_hidden"],
  },
  {
    from: "authorization pages",
    symptom: "redirect_uri mismatch: a client has kept an old domain, or another port or slash is registered",
    findings: ["authorization_refused", "registration_refused"],
  },
  {
    from: "authorization pages",
    symptom: "Dynamic client registration is rejected: switched off, members missing, too many",
    findings: ["registration_closed", "registration_refused", "rate_limited"],
  },
  { from: "authorization pages", symptom: "invalid_target or invalid_resource", findings: ["resource_refused"] },
  {
    from: "authorization pages",
    symptom: "insufficient_scope in the JSON-RPC error of a tool",
    instead: "No tool is called: the error names the scope, and most clients ask for it by themselves",
  },
  {
    from: "authorization pages",
    symptom: "The consent page is not shown",
    instead: "No fault: consent is remembered, or the policy is never. This gateway: consent, and revoking at /connections to be asked again",
  },
  {
    from: "authorization pages",
    symptom: "A client's secrets are of another environment: “unable to retrieve client by id”",
    instead: "Inside that client: docs/clients.md says for each where it keeps what it knows, and how it forgets it",
  },
  { from: "authorization pages", symptom: "Requests never reach the server", findings: ["blocked", "sign_in_wall", "connection_lost"] },
  {
    from: "authorization pages",
    symptom: "Bot protection: 403 or a challenge page, browsers work",
    findings: ["bot_protection", "agents_blocked"],
  },
  { from: "authorization pages", symptom: "Claude Desktop ignores ports other than 443", findings: ["port_not_443"] },
  { from: "authorization pages", symptom: "The popup closes at once, “window closed too soon”", findings: ["popup_severed"] },
  {
    from: "authorization pages",
    symptom: "Several tabs open, or no browser opens",
    instead: "Inside the client: one bridge less, or the permission to open a browser. --browser prints the address as well",
  },
  { from: never, symptom: "The challenge's or the metadata's place is not at the path", findings: ["resource_metadata_not_at_path"] },
  {
    from: never,
    symptom: "resource and the address differ, by a slash or by more",
    findings: ["resource_trailing_slash", "resource_mismatch"],
  },
  {
    from: never,
    symptom: "issuer, authorization_servers and iss are not the same to the letter",
    findings: ["issuer_trailing_slash", "iss_mismatch", "iss_missing"],
  },
  {
    from: never,
    symptom: "The token answer is a page, a form or a text",
    findings: ["token_not_json", "token_content_type", "token_error_as_success"],
  },
  {
    from: never,
    symptom: "The token answer lacks token_type, or expires_in is a text",
    findings: ["token_type_missing", "expires_in_not_number"],
  },
  { from: never, symptom: "The token endpoint takes longer than ten seconds", findings: ["token_slow"] },
  { from: never, symptom: "The call with the token is 401: audience", findings: ["token_refused", "audience_mismatch"] },
  { from: never, symptom: "The call with the token is 403", findings: ["forbidden_after_sign_in", "scope_insufficient"] },
  { from: never, symptom: "An access proxy lets /mcp/* pass, and not /mcp", findings: ["sign_in_wall"] },
  { from: never, symptom: "A firewall stops the client's requests at one step", findings: ["bot_protection", "agents_blocked"] },
  {
    from: never,
    symptom: "A redirect to another host, or to the address with a slash",
    findings: ["redirected_host", "redirected_slash", "call_redirected"],
  },
  { from: never, symptom: "The name has private addresses, or none for IPv4", findings: ["address_private", "no_ipv4"] },
  {
    from: never,
    symptom: "The registration answers null, or an end that is no integer",
    findings: ["registration_malformed", "registration_secret_expiry"],
  },
  { from: never, symptom: "Accept: */* is refused before the 401", findings: ["accept_refused"] },
  {
    from: never,
    symptom: "The certificate is not valid for the name, or ends",
    findings: ["certificate_name", "certificate_untrusted", "certificate_expired"],
  },
];
