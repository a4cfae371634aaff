// scripts/deploy: what it would upload, and what it does against an account that is played by a server here.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { configuration, startGateway } from "./support/gateway.mjs";

const deployScript = new URL("../../scripts/deploy", import.meta.url).pathname;
const checkScript = new URL("../../scripts/check", import.meta.url).pathname;

const docs = {
  name: "Docs",
  url: "https://docs.example.com/mcp",
  auth: { kind: "headers", headers: { "X-Key": { secret: "DOCS_KEY" } } },
};
const own = { KEY_RING: `1:${randomBytes(32).toString("base64url")}`, ADMIN_TOKEN: randomBytes(32).toString("base64url") };
const good = {
  public_url: "https://mcp.example.com",
  login: { kind: "oidc", issuer: "https://id.example.com", client_id: "gateway" },
  servers: { docs },
};

for (const env of ["staging", "production"]) {
  test(`[S13] deploying ${env} passes wrangler's dry run without an account`, async (t) => {
    const { config, envFile } = written(t, good, { ...own, DOCS_KEY: "key" });
    const { code, text } = await deploy(["--env", env, "--config", config, "--env-file", envFile, "--dry-run"]);
    assert.equal(code, 0, text);
    assert.match(text, /is valid, and every secret that it names is there/);
    for (const binding of ["env.GRANT", "env.ACCOUNT", "env.CONNECTION", "env.ISSUER", "env.LOG", "env.KV", "env.REGISTRATIONS", "env.ATTEMPTS", "env.LIMIT_10", "env.LIMIT_3000"]) assert.match(text, new RegExp(binding));
  });
}

test("[X33] the dry run shows the route of a server's own host, beside the gateway's own address", async (t) => {
  const { config, envFile } = written(t, { ...good, servers: { docs: { ...docs, host: "docs.mcp.example.com" } } }, { ...own, DOCS_KEY: "key" });
  const { code, text } = await deploy(["--config", config, "--env-file", envFile, "--dry-run"]);
  assert.equal(code, 0, text);
  assert.match(text, /route docs\.mcp\.example\.com \(custom domain\)/);
  const again = written(t, { ...good, servers: { docs: { ...docs, host: "mcp.example.com" } } }, { ...own, DOCS_KEY: "key" });
  const refused = await deploy(["--config", again.config, "--env-file", again.envFile, "--dry-run"]);
  assert.equal(refused.code, 1, refused.text);
  assert.match(refused.text, /\/servers\/docs\/host: .*public_url/);
});

const refused = {
  "no JSON": ["{", /\(the whole document\): is not JSON/],
  nothing: ["", /\(the whole document\): is not JSON/],
  "parts missing": [{ public_url: good.public_url }, /\/login: is missing[\s\S]*\/servers: is missing/],
  "a field that is none": [{ ...good, servers: { docs: { ...docs, ulr: docs.url } } }, /\/servers\/docs\/ulr: .*\n +fix: did you mean `url`\?/],
  "a secret that nobody has": [good, /\/servers\/docs\/auth\/headers\/X-Key\/secret: .*DOCS_KEY/],
  "a secret of nearly that name": [good, /fix: write "DOCS_KYE" if that is meant/, { DOCS_KYE: "key" }],
  "a key ring that is none": [{ ...good, servers: {} }, /keys: The key ring cannot be read/, { KEY_RING: "hunter2" }],
};
for (const [what, [config, words, secrets = {}]] of Object.entries(refused)) {
  test(`a configuration with ${what} is refused by the dry run and by scripts/check alike`, async (t) => {
    const files = written(t, config, { ...own, ...secrets });
    const dry = await deploy(["--config", files.config, "--env-file", files.envFile, "--dry-run"]);
    const checked = await run(checkScript, [files.config, "--env-file", files.envFile]);
    for (const { code, text } of [dry, checked]) {
      assert.equal(code, 1, text);
      assert.match(text, words);
      assert.doesNotMatch(text, /^ +at |hunter2/m);
    }
  });
}

test("a configuration that is not there is refused by the dry run and by scripts/check alike", async (t) => {
  const { config } = written(t, good, {});
  for (const { code, text } of [await deploy(["--config", `${config}.x`, "--dry-run"]), await run(checkScript, [`${config}.x`])]) {
    assert.equal(code, 1, text);
    assert.match(text, /does not exist/);
  }
});

test("scripts/check takes what the gateway takes", async (t) => {
  const { config, envFile } = written(t, good, { DOCS_KEY: "key" });
  const { code, text } = await run(checkScript, [config, "--env-file", envFile]);
  assert.equal(code, 0, text);
});

test("every line of a file of secrets that is none is reported by its number, and none is shown", async (t) => {
  const { config, envFile } = written(t, good, {});
  const lines = ["# a comment", "", "export DOCS_KEY='a # b'", "hunter2", 'OPEN="hunter2', "EMPTY=", "CUT=hunter2#3", "DOCS_KEY=again", 'LINES="two', 'lines"', "last hunter2"];
  writeFileSync(envFile, lines.join("\n"));
  const { code, text } = await run(checkScript, [config, "--env-file", envFile]);
  assert.equal(code, 1);
  const reported = [...text.matchAll(/secrets\.env:(\d+): /g)].map(([, line]) => Number(line));
  assert.deepEqual(reported, [4, 5, 6, 7, 8, 11], text);
  assert.match(text, /:6: EMPTY has no value[\s\S]*:7: the value of CUT has a # in it[\s\S]*:8: DOCS_KEY is there twice/);
  assert.doesNotMatch(text, /hunter2/);
});

test("[S13] a first deployment makes storage, uploads code with its secrets and sends the configuration", async (t) => {
  const account = await Account.open(t);
  const { code, text } = await account.deploy({ ...own, DOCS_KEY: 'a $HOME "b"' });
  assert.equal(code, 0, text);
  assert.match(text, /configuration version 1 in effect/);
  assert.deepEqual(account.namespaces, ["mcp-edge-gateway-production-kv"]);
  const { DEPLOYMENT_KEY, ...secrets } = account.secrets;
  assert.match(DEPLOYMENT_KEY, /^[\w-]{43}$/);
  assert.deepEqual(secrets, { ...own, DOCS_KEY: 'a $HOME "b"' });
  assert.equal(account.authorization, `Bearer ${own.ADMIN_TOKEN}`);
});

test("a later deployment leaves the secrets that are there alone", async (t) => {
  const account = await Account.open(t, { KEY_RING: "kept", DOCS_KEY: "kept", DEPLOYMENT_KEY: "of the one before" });
  const { code, text } = await account.deploy({ ADMIN_TOKEN: own.ADMIN_TOKEN });
  assert.equal(code, 0, text);
  assert.deepEqual(Object.keys(account.uploaded).sort(), ["ADMIN_TOKEN", "DEPLOYMENT_KEY"]);
  assert.notEqual(account.uploaded.DEPLOYMENT_KEY, "of the one before");
});

test("a secret that the configuration names and nobody has stops the deployment where it is named, before anything is uploaded", async (t) => {
  const account = await Account.open(t);
  const { code, text } = await account.deploy(own);
  assert.equal(code, 1);
  assert.match(text, /\/servers\/docs\/auth\/headers\/X-Key\/secret: .*DOCS_KEY/);
  assert.deepEqual(account.uploaded, undefined);
});

test("who does not prove to be this deployment gets neither the operator's token nor the configuration", async (t) => {
  for (const proof of [() => "", () => "A".repeat(43), (key, origin, nonce) => proven(key, "https://relayed.example.com", nonce)]) {
    const account = await Account.open(t);
    account.proof = proof;
    const { code, text } = await account.deploy({ ...own, DOCS_KEY: "key" }, ["--wait", "1"]);
    assert.equal(code, 1, text);
    assert.match(text, /proved to be this deployment within 1 seconds/);
    assert.ok(account.uploaded && account.asked > 0, "it was deployed, and asked");
    assert.equal(account.authorization, undefined);
    assert.ok(!account.heard.includes(own.ADMIN_TOKEN) && !account.heard.includes("docs.example.com"));
  }
});

test("the operator's token is sent over https only", async () => {
  const { sendConfiguration } = await import("../../scripts/lib/configuration.mjs");
  const heard = [];
  const through = (url) => (heard.push(String(url)), Promise.resolve(Response.json({ version: 1 })));
  for (const gateway of ["http://mcp.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://10.0.0.1"]) {
    assert.match((await sendConfiguration(gateway, "{}", "token", { through })).problem, /is not https/);
  }
  assert.deepEqual(heard, []);
  for (const gateway of ["https://mcp.example.com", "http://localhost:8787", "http://127.0.0.1:1", "http://[::1]:1"]) {
    assert.deepEqual(await sendConfiguration(gateway, "{}", "token", { through }), { version: 1 });
  }
});

test("the Worker itself proves which deployment it is", async (t) => {
  const key = randomBytes(32).toString("base64url");
  const gateway = await startGateway({ secrets: { DEPLOYMENT_KEY: key } });
  t.after(() => gateway.stop());
  const { findDeployment } = await import("../../scripts/lib/configuration.mjs");
  assert.equal(await findDeployment([gateway.url], key, 5), gateway.url);
  const other = randomBytes(32).toString("base64url");
  assert.equal(await findDeployment([gateway.url], other, 0), undefined);
  const named = await gateway.configure({ ...configuration({ alpha: { url: docs.url, auth: { kind: "headers", headers: { X: { secret: "DEPLOYMENT_KEY" } } } } }) });
  assert.equal(named.status, 422, "it is sent to no server");
});

test("a configuration that the gateway refuses ends the deployment with every error", async (t) => {
  const account = await Account.open(t);
  account.errors = [{ pointer: "/servers/docs/url", problem: "is not a URL", fix: "write an absolute one" }];
  const { code, text } = await account.deploy({ ...own, DOCS_KEY: "key" });
  assert.equal(code, 1);
  assert.match(text, /\/servers\/docs\/url: is not a URL\n +fix: write an absolute one/);
});

/** A configuration and its secrets as files, until the test ends. */
function written(t, config, secrets) {
  const folder = mkdtempSync(join(tmpdir(), "configured-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return files(folder, config, secrets);
}

function files(folder, config, secrets) {
  const [configFile, envFile] = [join(folder, "gateway.json"), join(folder, "secrets.env")];
  writeFileSync(configFile, typeof config === "string" ? config : JSON.stringify(config));
  writeFileSync(
    envFile,
    Object.entries(secrets)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(""),
  );
  return { config: configFile, envFile };
}

/** The proof as the gateway's documentation in `vault/deployment.rs` has it, written once more. */
function proven(key, origin, nonce) {
  const mac = Buffer.from(hkdfSync("sha256", key, "", "mcp-edge-gateway/1/deployment", 64));
  return createHmac("sha256", mac).update(`${origin}\n${nonce}`).digest("base64url");
}

/** As much of Cloudflare's API as one deployment needs, and of the gateway that it deploys. */
class Account {
  static async open(t, secrets = {}) {
    const account = new Account();
    account.folder = mkdtempSync(join(tmpdir(), "account-"));
    account.secrets = secrets;
    account.namespaces = [];
    account.proof = proven;
    account.asked = 0;
    account.heard = "";
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

  deploy(secrets, args = []) {
    const { config, envFile } = files(this.folder, { public_url: this.origin, login: { kind: "dev" }, servers: { docs } }, secrets);
    return deploy(["--config", config, "--env-file", envFile, ...args], {
      CLOUDFLARE_API_BASE_URL: `${this.origin}/client/v4`,
      CLOUDFLARE_ACCOUNT_ID: "account",
      CLOUDFLARE_API_TOKEN: "not-a-real-token",
    });
  }

  async answer(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString("latin1");
    const url = new URL(request.url, this.origin);
    if (!url.pathname.startsWith("/client/v4/")) this.heard += JSON.stringify(request.headers) + body; // what the gateway hears
    const { status = 200, ...answer } = this.reply(request, url, body);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  reply({ method, headers }, { pathname: path, searchParams }, body) {
    const result = (value) => ({ success: true, errors: [], messages: [], result: value });
    const absent = {
      status: 404,
      success: false,
      errors: [{ code: 10007, message: "This Worker does not exist" }],
      messages: [],
      result: null,
    };
    const names = Object.keys(this.secrets);
    if (path === "/admin/deployment") {
      this.asked += 1;
      return { proof: this.proof(this.secrets.DEPLOYMENT_KEY, this.origin, searchParams.get("nonce")) };
    }
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

const deploy = (args, variables) => run(deployScript, args, variables);

function run(script, args, variables = {}) {
  const env = { ...process.env, ...variables };
  return new Promise((resolve) => {
    execFile(script, args, { env, timeout: 240_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? 1) : 0, text: stdout + stderr }),
    );
  });
}
