// scripts/deploy: what it would upload, and what it does against an account that is played by a server here.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const deployScript = new URL("../../scripts/deploy", import.meta.url).pathname;

for (const env of ["staging", "production"]) {
  test(`[S13] deploying ${env} passes wrangler's dry run without an account`, async () => {
    const { code, text } = await deploy(["--env", env, "--dry-run"]);
    assert.equal(code, 0, text);
    for (const binding of ["env.GRANT", "env.ACCOUNT", "env.CONNECTION", "env.ISSUER", "env.KV", "env.REGISTRATIONS", "env.ATTEMPTS"]) assert.match(text, new RegExp(binding));
  });
}

test("[S13] a first deployment makes storage, uploads code with its secrets and sends the configuration", async (t) => {
  const account = await Account.open(t);
  const { code, text } = await account.deploy({ KEY_RING: "1:ring", ADMIN_TOKEN: "operator", DOCS_KEY: 'a $HOME "b"' });
  assert.equal(code, 0, text);
  assert.match(text, /configuration version 1 in effect/);
  assert.deepEqual(account.namespaces, ["mcp-edge-gateway-production-kv"]);
  assert.deepEqual(account.secrets, { KEY_RING: "1:ring", ADMIN_TOKEN: "operator", DOCS_KEY: 'a $HOME "b"' });
  assert.equal(account.authorization, "Bearer operator");
});

test("a later deployment leaves the secrets that are there alone", async (t) => {
  const account = await Account.open(t, { KEY_RING: "kept", DOCS_KEY: "kept" });
  const { code, text } = await account.deploy({ ADMIN_TOKEN: "changed" });
  assert.equal(code, 0, text);
  assert.deepEqual(account.uploaded, { ADMIN_TOKEN: "changed" });
});

test("a secret that the configuration names and nobody has stops the deployment, by name", async (t) => {
  const account = await Account.open(t);
  const { code, text } = await account.deploy({ KEY_RING: "1:ring", ADMIN_TOKEN: "operator" });
  assert.equal(code, 1);
  assert.match(text, /DOCS_KEY/);
  assert.deepEqual(account.uploaded, undefined);
});

test("a configuration that the gateway refuses ends the deployment with every error", async (t) => {
  const account = await Account.open(t);
  account.errors = [{ pointer: "/servers/docs/url", problem: "is not a URL", fix: "write an absolute one" }];
  const { code, text } = await account.deploy({ KEY_RING: "1:ring", ADMIN_TOKEN: "operator", DOCS_KEY: "key" });
  assert.equal(code, 1);
  assert.match(text, /\/servers\/docs\/url: is not a URL\n +fix: write an absolute one/);
});

/** As much of Cloudflare's API as one deployment needs, and of the gateway that it deploys. */
class Account {
  static async open(t, secrets = {}) {
    const account = new Account();
    account.folder = mkdtempSync(join(tmpdir(), "account-"));
    account.secrets = secrets;
    account.namespaces = [];
    const server = createServer((request, response) => account.answer(request, response));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    account.origin = `http://127.0.0.1:${server.address().port}`;
    t.after(() => {
      server.closeAllConnections();
      server.close();
      rmSync(account.folder, { recursive: true });
    });
    return account;
  }

  deploy(secrets) {
    const [config, envFile] = [join(this.folder, "gateway.json"), join(this.folder, "secrets.env")];
    const docs = {
      name: "Docs",
      url: "https://docs.example.com/mcp",
      auth: { kind: "headers", headers: { "X-Key": { secret: "DOCS_KEY" } } },
    };
    writeFileSync(config, JSON.stringify({ public_url: this.origin, servers: { docs } }));
    writeFileSync(
      envFile,
      Object.entries(secrets)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(""),
    );
    return deploy(["--config", config, "--env-file", envFile], {
      CLOUDFLARE_API_BASE_URL: `${this.origin}/client/v4`,
      CLOUDFLARE_ACCOUNT_ID: "account",
      CLOUDFLARE_API_TOKEN: "not-a-real-token",
    });
  }

  async answer(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString("latin1");
    const { status = 200, ...answer } = this.reply(request, new URL(request.url, this.origin).pathname, body);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  reply({ method, headers }, path, body) {
    const result = (value) => ({ success: true, errors: [], messages: [], result: value });
    const absent = {
      status: 404,
      success: false,
      errors: [{ code: 10007, message: "This Worker does not exist" }],
      messages: [],
      result: null,
    };
    const names = Object.keys(this.secrets);
    if (path === "/healthz") return {};
    if (path === "/admin/config") {
      this.authorization = headers.authorization;
      return this.errors ? { status: 422, errors: this.errors } : { version: 1 };
    }
    if (path.endsWith("/secrets")) return names.length > 0 ? result(names.map((name) => ({ name, type: "secret_text" }))) : absent;
    if (path.endsWith("/storage/kv/namespaces") && method === "POST") {
      this.namespaces.push(JSON.parse(body).title);
      return result({ id: "0".repeat(32) });
    }
    if (method === "PUT" && path.includes("/workers/scripts/")) {
      const { bindings } = JSON.parse(/name="metadata"\r\n\r\n(.*)\r\n/.exec(body)[1]);
      this.uploaded = Object.fromEntries(bindings.filter(({ type }) => type === "secret_text").map(({ name, text }) => [name, text]));
      Object.assign(this.secrets, this.uploaded);
      return result({ id: "worker", deployment_id: "deployment" });
    }
    if (path.endsWith("/workers/subdomain")) return result({ subdomain: "example" });
    if (path.includes("/workers/workers/") || path.endsWith("/subdomain")) {
      return result({ enabled: true, previews_enabled: false, subdomain: { enabled: true, previews_enabled: false } });
    }
    if (method === "GET" && /\/workers\/(scripts|services)\//.test(path)) return absent;
    return result([]);
  }
}

function deploy(args, variables = {}) {
  const env = { ...process.env, ...variables };
  return new Promise((resolve) => {
    execFile(deployScript, args, { env, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? 1) : 0, text: stdout + stderr }),
    );
  });
}
