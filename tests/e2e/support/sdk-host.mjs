// The application around an MCP SDK: it keeps what the SDK asks it to keep and opens the browser. Fits SDK 1.x and 2.x.
//
// Not here: the SDKs, which the suites use as they are.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import * as sdk2 from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { Browser } from "./browser.mjs";
import { CALLBACK } from "./oauth-client.mjs";

export class SdkHost {
  constructor(gatewayUrl, { as = "alice" } = {}) {
    Object.assign(this, { browser: new Browser(gatewayUrl), as, issued: [], signIns: 0 });
  }

  get redirectUrl() {
    return CALLBACK;
  }

  get clientMetadata() {
    return {
      client_name: "An application on the SDK",
      redirect_uris: [CALLBACK],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  state() {
    this.expected = randomBytes(8).toString("hex");
    return this.expected;
  }

  clientInformation() {
    return this.client;
  }

  saveClientInformation(client) {
    this.client = client;
  }

  tokens() {
    return this.issued.at(-1);
  }

  saveTokens(tokens) {
    this.issued.push(tokens);
  }

  saveDiscoveryState(discovery) {
    this.discovery = discovery;
  }

  discoveryState() {
    return this.discovery;
  }

  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }

  codeVerifier() {
    return this.verifier;
  }

  async redirectToAuthorization(url) {
    this.signIns += 1;
    const arrived = await this.browser.walk(url, { as: this.as });
    assert.ok(arrived.landed, `no redirect to the client: ${arrived.status} ${arrived.text}`);
    assert.equal(arrived.params.get("state"), this.expected);
    this.callback = arrived.params;
  }
}

/** From a bare URL to a connected client of SDK 1.x; answers the client and the application it lives in. */
export async function connectSdk1(mcpUrl, { host = new SdkHost(mcpUrl), options } = {}) {
  const transport = () => new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: host });
  const client = () => new Client({ name: "sdk-1", version: "1" }, options);
  const first = transport();
  await assert.rejects(client().connect(first), UnauthorizedError);
  await first.finishAuth(host.callback.get("code"));
  const connected = client();
  await connected.connect(transport());
  return { client: connected, host };
}

/** The same with SDK 2.x; `mode` says which eras it tries. An application that has a token uses it. */
export async function connectSdk2(mcpUrl, mode, { host = new SdkHost(mcpUrl), options } = {}) {
  const transport = () => new sdk2.StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: host });
  const client = () => new sdk2.Client({ name: "sdk-2", version: "1" }, { versionNegotiation: { mode }, ...options });
  if (!host.tokens()) {
    const first = transport();
    await assert.rejects(client().connect(first), sdk2.UnauthorizedError);
    await first.finishAuth(host.callback);
  }
  const connected = client();
  await connected.connect(transport());
  return { client: connected, host };
}
