// The operator's side: sending a configuration, being told every error at once, and seeing what is in effect.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertRefused } from "./support/expect.mjs";
import { ADMIN_TOKEN, configuration, keyRing, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";
import { discover, signedIn } from "./support/oauth-client.mjs";

const NOWHERE = "http://localhost:9/mcp";
const good = configuration({ alpha: NOWHERE });

describe("PUT /admin/config", () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ config: good });
  });
  after(() => gateway?.stop());

  const version = async () => (await gateway.fetch("/admin/config", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json.version;
  /** Sends a configuration that must be refused; answers its errors. */
  async function errorsOf(value) {
    const before = await version();
    const answer = await gateway.configure(value);
    assert.equal(answer.status, 422, answer.text);
    assert.ok(answer.json.errors.length > 0);
    for (const { pointer, problem, fix } of answer.json.errors) {
      assert.match(pointer, /^(\/|$)/);
      assert.ok(problem && fix, JSON.stringify(answer.json.errors));
    }
    assert.equal(await version(), before, "a refused configuration changed something");
    return answer.json.errors;
  }

  test("[P10] a valid one gets the next version and is in effect at once where it was sent", async () => {
    const before = await version();
    const answer = await gateway.configure(configuration({ alpha: NOWHERE, beta: NOWHERE }));
    assert.deepEqual(answer.json, { version: before + 1 });
    assert.equal(await version(), before + 1);
    assert.equal((await discover(gateway.mcpUrl("beta"))).resource.status, 200);
    const { json } = await gateway.fetch("/status");
    assert.equal(json.configuration_version, before + 1);
    await gateway.configure(good);
    assertRefused(await gateway.fetch("/v1/mcp/beta", { method: "POST", json: {} }), { status: 404 });
  });

  test("[P10] an invalid one changes nothing and gets every error at once, each with its place and a fix", async () => {
    const errors = await errorsOf({
      logn: {},
      login: { kind: "oidc", issuer: "not a url", client_id: "x" },
      tokens: { access_ttl_seconds: 0 },
      servers: { "Bad Slug": { name: "x", url: NOWHERE, auth: { kind: "none" } }, alpha: { name: "A", url: "http://example.com/mcp", auth: { kind: "none" }, extra: 1 } },
    });
    const pointers = errors.map(({ pointer }) => pointer).join(" ");
    for (const place of ["/logn", "/login/issuer", "/tokens/access_ttl_seconds", "/servers/Bad Slug", "/servers/alpha/url", "/servers/alpha/extra"]) {
      assert.ok(pointers.includes(place), `${place} is missing in: ${pointers}`);
    }
    assert.equal((await discover(gateway.mcpUrl("alpha"))).resource.status, 200);
  });

  for (const [written, because] of Object.entries({
    "https://tenant.eu.auth0.com": "a URL",
    "https://tenant.eu.auth0.com/": "a URL with a slash",
    "tenant.eu.auth0.com/": "a path",
    "tenant.eu.auth0.com/authorize": "a longer path",
    "tenant.eu.auth0.com:443": "a port",
    "user@tenant.eu.auth0.com": "a user",
    "tenant": "no domain",
    "": "nothing",
  })) {
    test(`[Z6] auth0_domain with ${because}: the error names field, value and fix`, async () => {
      const errors = await errorsOf({ ...good, login: { kind: "auth0", auth0_domain: written, client_id: "x", client_secret: { secret: "LOGIN_CLIENT_SECRET" } } });
      const error = errors.find(({ pointer }) => pointer === "/login/auth0_domain");
      assert.ok(error, JSON.stringify(errors));
      // What stands before an @ may be a password.
      assert.ok(error.problem.includes(written.replace("user@", "@")), error.problem);
      assert.match(error.fix, /\w+(\.\w+)+/, "the fix shows no bare hostname");
    });
  }

  test("[Z6] a bare hostname is taken, and the sign-in goes to the issuer with its slash", async () => {
    const own = await startGateway({ secrets: { LOGIN_CLIENT_SECRET: "x" } });
    try {
      const login = { kind: "auth0", auth0_domain: "tenant.eu.auth0.com", client_id: "x", client_secret: { secret: "LOGIN_CLIENT_SECRET" } };
      assert.equal((await own.configure({ ...good, login })).status, 200);
    } finally {
      await own.stop();
    }
  });

  const refused = {
    "no JSON": ["{", ""],
    "a duplicate key": ['{"login":{"kind":"dev"},"login":{"kind":"dev"},"servers":{}}', ""],
    "a secret written out": [{ ...good, login: { kind: "oidc", issuer: "https://id.example.com", client_id: "x", client_secret: "hunter2" } }, "/login/client_secret"],
    "development login on a public URL": [{ ...good, public_url: "https://mcp.example.com" }, "/login"],
    "a public URL without TLS": [{ ...good, public_url: "http://mcp.example.com" }, "/public_url"],
    "a public URL with a path": [{ ...good, public_url: "https://mcp.example.com/gateway" }, "/public_url"],
    "a kind of auth that is not built": [configuration({ alpha: { url: NOWHERE, auth: { kind: "exchange" } } }), "/servers/alpha/auth"],
    "a path that is the gateway's own": [configuration({ alpha: { url: NOWHERE, path: "/oauth/token" } }), "/servers/alpha/path"],
    "two servers on one path": [configuration({ alpha: { url: NOWHERE, path: "/x" }, beta: { url: NOWHERE, path: "/x" } }), "/servers/beta/path"],
    "a header nobody may set": [configuration({ alpha: { url: NOWHERE, auth: { kind: "headers", headers: { Host: "evil" } } } }), "/servers/alpha/auth/headers/Host"],
    "an upstream over plain http on the web": [configuration({ alpha: "http://example.com/mcp" }), "/servers/alpha/url"],
    "an upstream with a password in its URL": [configuration({ alpha: "https://user:hunter2@example.com/mcp" }), "/servers/alpha/url"],
    "a lifetime longer than allowed": [{ ...good, tokens: { access_ttl_seconds: 86_401 } }, "/tokens/access_ttl_seconds"],
    "a consent policy nobody knows": [{ ...good, consent: "sometimes" }, "/consent"],
  };
  for (const [name, [value, pointer]] of Object.entries(refused)) {
    test(`refused with ${name}`, async () => {
      const errors = await errorsOf(value);
      assert.ok(errors.some((error) => error.pointer.startsWith(pointer)), JSON.stringify(errors));
      assert.ok(!JSON.stringify(errors).includes("hunter2"), "a secret was repeated");
    });
  }

  test("a secret the deployment does not have is named before it is needed", async () => {
    const errors = await errorsOf(configuration({ alpha: { url: NOWHERE, auth: { kind: "headers", headers: { "X-Key": { secret: "NOT_SET" } } } } }));
    assert.match(JSON.stringify(errors), /NOT_SET/);
  });
});

describe("who may configure", () => {
  test("without the operator's token: 401, and nothing changes", async () => {
    const gateway = await startGateway({ config: good });
    try {
      for (const authorization of [undefined, "Bearer wrong", `Bearer ${ADMIN_TOKEN}x`, `Basic ${ADMIN_TOKEN}`, "Bearer "]) {
        for (const method of ["GET", "PUT"]) {
          const answer = await gateway.fetch("/admin/config", { method, headers: { authorization }, json: method === "PUT" ? configuration({}) : undefined });
          assertRefused(answer, { status: 401 });
          assert.match(answer.headers["www-authenticate"], /^Bearer/);
        }
      }
      assert.equal((await discover(gateway.mcpUrl("alpha"))).resource.status, 200);
    } finally {
      await gateway.stop();
    }
  });

  test("a deployment without ADMIN_TOKEN has no operator endpoints", async () => {
    const gateway = await startGateway({ secrets: { ADMIN_TOKEN: undefined } });
    try {
      for (const authorization of [undefined, "Bearer ", "Bearer undefined"]) {
        assert.equal((await gateway.fetch("/admin/config", { headers: { authorization } })).status, 404);
      }
    } finally {
      await gateway.stop();
    }
  });
});

describe("[N1] what is ready", () => {
  test("[N1] without a configuration: what to do, for people and for machines, and 503 for clients", async () => {
    const gateway = await startGateway();
    try {
      const status = await gateway.fetch("/status");
      assert.equal(status.status, 503);
      assert.equal(status.json.ready, false);
      assert.match(status.text, /admin\/config/);
      const page = await gateway.fetch("/", { headers: { accept: "text/html" } });
      assert.equal(page.status, 503);
      assert.match(page.headers["content-type"], /^text\/html/);
      assert.match(page.text, /admin\/config/);
      const client = await gateway.fetch("/.well-known/oauth-authorization-server");
      assertRefused(client, { status: 503, reason: "not_configured" });
      assert.equal((await gateway.fetch("/healthz")).status, 200);
    } finally {
      await gateway.stop();
    }
  });

  test("[N1] with one: which servers are where, and that sign-in, keys and storage are ready", async () => {
    const gateway = await startGateway({ config: configuration({ alpha: NOWHERE, beta: { url: NOWHERE, path: "/beta/mcp" } }) });
    try {
      const { status, json } = await gateway.fetch("/status");
      assert.equal(status, 200);
      assert.equal(json.ready, true);
      assert.deepEqual(json.servers.map(({ slug, path }) => [slug, path]), [["alpha", "/v1/mcp/alpha"], ["beta", "/beta/mcp"]]);
      assert.deepEqual(json.checks.map(({ name, ok }) => [name, ok]), [["storage", true], ["keys", true], ["configuration", true], ["login", true]]);
    } finally {
      await gateway.stop();
    }
  });

  test("[N1] a server that did not answer, and one that no operator connected, are told of at /status and in the log", async () => {
    const shared = { url: NOWHERE, auth: { kind: "oauth", shared: true } };
    const gateway = await startGateway({ config: configuration({ alpha: NOWHERE, beta: shared }) });
    try {
      const of = async (slug, headers) => (await gateway.fetch("/status", { headers })).json.servers.find((server) => server.slug === slug);
      assert.equal((await of("alpha")).last_used, undefined);
      for (const slug of ["alpha", "beta"]) {
        const { token } = await signedIn(gateway, slug);
        await callTool(gateway.mcpUrl(slug), token);
      }
      const { reachable, reason, at } = (await of("alpha")).last_used;
      assert.deepEqual([reachable, reason], [false, "upstream_unreachable"]);
      assert.ok(Math.abs(at - Date.now() / 1000) < 60);
      await gateway.logs.find(({ fields }) => fields?.event === "server_changed" && fields.server === "alpha" && fields.reachable === false);
      assert.equal((await of("beta")).last_used.reason, "shared_connection_missing");
      assert.equal((await of("beta")).connected, undefined, "objects are asked for the operator only");
      const operators = await of("beta", { authorization: `Bearer ${ADMIN_TOKEN}` });
      assert.equal(operators.connected, false);
      assert.match(operators.fix, /POST http:\/\/localhost:\d+\/admin\/servers\/beta\/connection/);
    } finally {
      await gateway.stop();
    }
  });

  test("[N1] a missing or broken key ring is named, with how to make one and without showing it", async () => {
    for (const ring of [undefined, "1:tooshort", "hunter2", `${keyRing(1)},1:`]) {
      const gateway = await startGateway({ secrets: { KEY_RING: ring } });
      try {
        await gateway.configure(good);
        const { status, json, text } = await gateway.fetch("/status");
        assert.equal(status, 503);
        const check = json.checks.find(({ name }) => name === "keys");
        assert.equal(check.ok, false);
        assert.match(check.fix, /KEY_RING/);
        assert.ok(!text.includes("hunter2") && !text.includes("tooshort"), "the key ring is shown");
        assertRefused(await gateway.fetch("/v1/mcp/alpha", { method: "POST", json: {} }), { status: 503 });
      } finally {
        await gateway.stop();
      }
    }
  });

  test("[N1] on a public host servers are listed only for the operator, or where the configuration says so", async () => {
    const open = { ...good, public_url: "https://mcp.example.com", login: { kind: "oidc", issuer: "http://localhost:9", client_id: "x" } };
    const gateway = await startGateway({ config: open });
    try {
      const seen = gateway.at("https://mcp.example.com");
      assert.equal((await seen.fetch("/status")).json.servers, undefined);
      assert.equal((await seen.fetch("/status", { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json.servers.length, 1);
      assert.ok(!(await seen.fetch("/", { headers: { accept: "text/html" } })).text.includes("/v1/mcp/alpha"));
      await gateway.configure({ ...open, public_index: true });
      assert.equal((await seen.fetch("/status")).json.servers.length, 1);
      assert.ok((await seen.fetch("/", { headers: { accept: "text/html" } })).text.includes("/v1/mcp/alpha"));
    } finally {
      await gateway.stop();
    }
  });
});
