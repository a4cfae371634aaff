// An OAuth client driven by hand: every step is one method, every answer is raw, and every parameter can be bent.
//
// Not here: the pages between authorization request and redirect (browser.mjs), stock clients (stock-clients.test.mjs).

import { createHash, randomBytes } from "node:crypto";

import { Browser } from "./browser.mjs";
import { request } from "./http.mjs";

export const CALLBACK = "http://127.0.0.1:33418/callback";

/** A fresh PKCE pair. */
export function pkce() {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** The parameters of a `WWW-Authenticate: Bearer` header. */
export function challengeOf({ headers }) {
  const header = headers["www-authenticate"];
  if (!header?.startsWith("Bearer ")) return undefined;
  return Object.fromEntries([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

/** What a client learns from a bare MCP URL: the 401, the resource metadata it names, the authorization server's metadata. */
export async function discover(mcpUrl) {
  const refusal = await request(mcpUrl, { method: "POST", json: { jsonrpc: "2.0", id: 1, method: "tools/list" } });
  const challenge = challengeOf(refusal);
  const resource = await request(challenge.resource_metadata);
  const issuer = resource.json.authorization_servers[0];
  const server = await request(`${issuer}/.well-known/oauth-authorization-server`);
  return { refusal, challenge, resource, issuer, server };
}

export class OAuthClient {
  /** `id` and `secret` of a client that exists, or none and `register()` first. `method` is how it authenticates at the token endpoint. */
  constructor(gateway, { slug, id, secret, method = secret ? "client_secret_basic" : "none", redirectUri = CALLBACK, scope } = {}) {
    Object.assign(this, { gateway, slug, id, secret, method, redirectUri, scope });
    this.resource = slug && gateway.mcpUrl(slug);
  }

  /** Registers and remembers what it was given. */
  async register(metadata = {}) {
    const answer = await this.gateway.fetch("/oauth/register", {
      method: "POST",
      json: { client_name: "Test client", redirect_uris: [this.redirectUri], token_endpoint_auth_method: this.method, ...metadata },
    });
    if (answer.status === 201) [this.id, this.secret] = [answer.json.client_id, answer.json.client_secret];
    return answer;
  }

  /** The URL to open, with a fresh PKCE pair and state kept in `this.last`. A parameter overridden with `undefined` is left out. */
  authorizationUrl(overrides = {}) {
    const { verifier, challenge } = pkce();
    const parameters = {
      response_type: "code",
      client_id: this.id,
      redirect_uri: this.redirectUri,
      state: randomBytes(8).toString("hex"),
      code_challenge: challenge,
      code_challenge_method: "S256",
      scope: this.scope,
      resource: this.resource,
      ...overrides,
    };
    this.last = { verifier, challenge, state: parameters.state };
    const url = new URL("/oauth/authorize", this.gateway.url);
    for (const [name, value] of Object.entries(parameters)) {
      for (const one of [value].flat()) if (one !== undefined) url.searchParams.append(name, one);
    }
    return url;
  }

  /** Signs in and consents; ends at the redirect URI, or on the page that stopped it. */
  authorize(overrides = {}, { browser = new Browser(this.gateway.url), ...walk } = {}) {
    return browser.walk(this.authorizationUrl(overrides), walk);
  }

  /** One request to the token endpoint. `authorization` replaces the header; fields overridden with `undefined` are left out. */
  token(fields, { authorization, headers } = {}) {
    return this.#post("/oauth/token", fields, authorization, headers);
  }

  redeem(code, overrides = {}, options) {
    return this.token(
      { grant_type: "authorization_code", code, code_verifier: this.last.verifier, redirect_uri: this.redirectUri, resource: this.resource, ...overrides },
      options,
    );
  }

  refresh(refreshToken, overrides = {}, options) {
    return this.token({ grant_type: "refresh_token", refresh_token: refreshToken, resource: this.resource, ...overrides }, options);
  }

  revoke(token, overrides = {}, options = {}) {
    return this.#post("/oauth/revoke", { token, ...overrides }, options.authorization);
  }

  /** From nothing to tokens: the answer of the token endpoint. */
  async signIn({ scope = this.scope, ...walk } = {}) {
    if (!this.id) await this.register();
    const arrived = await this.authorize({ scope }, walk);
    const code = arrived.params?.get("code");
    if (!code) throw new Error(`no code: ${arrived.landed ?? `${arrived.status} ${arrived.text}`}`);
    const answer = await this.redeem(code);
    if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  #post(path, fields, authorization, headers = {}) {
    const form = { ...fields };
    if (this.method === "client_secret_basic" && authorization === undefined) {
      authorization = `Basic ${Buffer.from(`${encodeURIComponent(this.id)}:${encodeURIComponent(this.secret)}`).toString("base64")}`;
    } else {
      form.client_id ??= "client_id" in fields ? undefined : this.id;
      if (this.method === "client_secret_post" && !("client_secret" in fields)) form.client_secret = this.secret;
    }
    const pairs = Object.entries(form).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
    return this.gateway.fetch(path, {
      method: "POST",
      form: pairs.filter(([, value]) => value !== undefined),
      headers: { ...headers, authorization: authorization ?? undefined },
    });
  }
}

/** A registered client with tokens for one server: the start of most tests. */
export async function signedIn(gateway, slug, { scope = "mcp:tools offline_access", ...options } = {}) {
  const { as, browser, connect, use, typed, ...client } = options;
  const oauth = new OAuthClient(gateway, { slug, scope, ...client });
  const tokens = await oauth.signIn({ as, browser, connect, use, typed });
  return { oauth, tokens, token: tokens.access_token };
}
