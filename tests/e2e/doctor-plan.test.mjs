// The doctor's plan in a world made of a table: what no test can make happen for real, and that all of it hangs together.
//
// Not here: faults that a proxy can make (doctor.test.mjs), names and certificates (doctor-address.test.mjs).

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";

import { documented } from "../../scripts/lib/doctor/document.mjs";
import { byId } from "../../scripts/lib/doctor/findings.mjs";
import { plan } from "../../scripts/lib/doctor/plan.mjs";
import { profiles, titleOf } from "../../scripts/lib/doctor/profiles.mjs";
import { human, json } from "../../scripts/lib/doctor/report.mjs";
import { parsed } from "../../scripts/lib/doctor/steps/challenge.mjs";
import { isPrivate } from "../../scripts/lib/doctor/steps/reach.mjs";
import { bundle, cutter } from "../../scripts/lib/doctor/support.mjs";
import { symptoms } from "../../scripts/lib/doctor/symptoms.mjs";
import { ROOT } from "./support/child.mjs";
import { found } from "./support/doctor.mjs";
import { faults } from "./support/doctor-faults.mjs";

const ORIGIN = "https://mcp.example.com";
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const CALLBACK = "http://127.0.0.1:1/callback";
const PUBLIC = [{ address: "203.0.113.7", family: 4 }];

/** A server in order, as a table of answers; `bent` replaces some by "METHOD path" or by JSON-RPC method. */
function world({ origin = ORIGIN, addresses = PUBLIC, person, bent = {} } = {}) {
  const json = (value, more = {}, status = 200) => ({
    status,
    headers: { "content-type": "application/json", ...cors, ...more },
    json: value,
    text: JSON.stringify(value),
    ms: 5,
    at: NOW,
  });
  const cors = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "authorization, content-type, mcp-protocol-version",
    "access-control-expose-headers": "www-authenticate, mcp-session-id",
  };
  const server = {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
    jwks_uri: `${origin}/jwks`,
  };
  const rpc = {
    initialize: () => json({ jsonrpc: "2.0", id: 1, result: { protocolVersion: "2025-11-25" } }, { "mcp-session-id": "abc" }),
    "notifications/initialized": () => ({ ...json({}), status: 202 }),
    "tools/list": () => json({ jsonrpc: "2.0", id: 2, result: { tools: [] } }),
    "server/discover": () => json({ jsonrpc: "2.0", id: 3, error: { code: -32601, message: "no such method" } }, {}, 404),
  };
  const table = {
    "GET /.well-known/oauth-protected-resource/mcp": () => json({ resource: `${origin}/mcp`, authorization_servers: [origin] }),
    "GET /.well-known/oauth-protected-resource": () => json({}, {}, 404),
    "GET /.well-known/oauth-authorization-server": () => json(server),
    "GET /.well-known/openid-configuration": () => json({}, {}, 404),
    "POST /register": ({ body }) => json({ client_id: "client", ...JSON.parse(body) }, {}, 201),
    "GET /authorize": () => ({ status: 200, headers: { "content-type": "text/html" }, text: "<!doctype html>", ms: 5, at: NOW }),
    "POST /token": ({ body }) =>
      json(
        {
          access_token: `token ${body.includes("refresh")}`,
          token_type: "Bearer",
          expires_in: 60,
          refresh_token: `refresh ${body.includes("refresh")}`,
        },
        { "cache-control": "no-store" },
      ),
    "GET /mcp": () => json({}, {}, 405),
    "DELETE /mcp": () => json({}, {}, 405),
    "POST /mcp": ({ headers, body }) =>
      headers.authorization
        ? rpc[JSON.parse(body).method]()
        : json(
            { error: "invalid_token" },
            { "www-authenticate": `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"` },
            401,
          ),
  };
  return {
    resolve: () => (addresses.error ? addresses : { addresses }),
    person: person ?? (({ url }) => ({ parameters: { code: "the code of somebody", state: new URL(url).searchParams.get("state") } })),
    http(asked) {
      const key = `${asked.method} ${new URL(asked.url).pathname}`;
      const method = asked.body?.startsWith("{") ? JSON.parse(asked.body).method : undefined;
      const usual = () => (asked.method === "OPTIONS" ? json({}) : table[key](asked));
      const changed = bent[asked.headers.authorization ? method : undefined] ?? bent[key];
      return changed ? { ms: 5, at: NOW, ...changed(usual(), asked) } : usual();
    },
  };
}

/** Goes the whole way at once: the plan itself waits for nothing. */
function visit(given, outside) {
  const steps = plan({ random: { state: "the state of a test", verifier: "the verifier of a test" }, ...given });
  let step = steps.next();
  while (!step.done) step = steps.next(outside[step.value.ask](step.value));
  return step.value;
}

describe("the doctor's plan", () => {
  const whole = { url: `${ORIGIN}/mcp`, redirectUri: CALLBACK };

  test("[X12] a server in order", () => {
    const seen = json(visit(whole, world()));
    assert.deepEqual(found(seen), []);
    assert.deepEqual(
      seen.steps.filter(({ skipped }) => skipped),
      [],
    );
  });

  for (const [finding, given, bent] of [
    ["address_private", {}, { addresses: [...PUBLIC, { address: "10.1.2.3", family: 4 }] }],
    ["no_ipv4", {}, { addresses: [{ address: "2001:db8::1", family: 6 }] }],
    ["plain_http", { url: "http://mcp.example.com/mcp" }, { origin: "http://mcp.example.com" }],
    ["port_not_443", { url: "https://mcp.example.com:8443/mcp" }, { origin: "https://mcp.example.com:8443" }],
    ["no_answer", {}, { bent: { "POST /mcp": () => ({ error: { code: "ETIMEDOUT", message: "no answer in 20 seconds" } }) } }],
    ["token_slow", {}, { bent: { "POST /token": (usual, { body }) => ({ ...usual, ms: body.includes("refresh") ? 5 : 12_000 }) } }],
    ["person_not_returned", {}, { person: () => ({ error: "nobody in 5 minutes" }) }],
    [
      "session_malformed",
      {},
      { bent: { initialize: (usual) => ({ ...usual, headers: { ...usual.headers, "mcp-session-id": "one two" } }) } },
    ],
    [
      "session_lost",
      {},
      {
        bent: {
          "notifications/initialized": () => ({ status: 404, headers: {}, text: "" }),
          "tools/list": () => ({ status: 404, headers: {}, text: "" }),
        },
      },
    ],
    ["stream_buffered", {}, { bent: { "GET /mcp": () => ({ error: { code: "ETIMEDOUT", message: "no answer in 3 seconds" } }) } }],
  ]) {
    test(`[X12] ${finding}`, () => {
      const seen = json(visit({ ...whole, ...given }, world(bent)));
      assert.deepEqual(found(seen), [finding], JSON.stringify(seen.findings));
    });
  }

  test("[X12] what breaks only clients in the cloud is a note to those that run here", () => {
    const outside = world({ addresses: [{ address: "192.168.1.4", family: 4 }] });
    assert.deepEqual(found(json(visit({ ...whole, profile: "claude" }, outside))), ["address_private"]);
    const here = json(visit({ ...whole, profile: "vscode" }, outside));
    assert.deepEqual(
      here.findings.map(({ id, weight }) => [id, weight]),
      [["address_private", "note"]],
    );
  });

  test("[X12] a registration is deleted where the server offers that, and else told of", () => {
    const offer = (usual) => ({
      ...usual,
      json: {
        ...usual.json,
        registration_client_uri: `${ORIGIN}/register/client`,
        registration_access_token: "a token of the registration",
      },
    });
    const deleted = [];
    const outside = world({
      bent: {
        "POST /register": offer,
        "DELETE /register/client": (_usual, { headers }) => (deleted.push(headers.authorization), { status: 204, headers: {}, text: "" }),
      },
    });
    const { http } = outside;
    outside.http = (asked) =>
      asked.url.endsWith("/register/client")
        ? (deleted.push(asked.headers.authorization), { status: 204, headers: {}, text: "", ms: 1, at: NOW })
        : http(asked);
    assert.deepEqual(visit(whole, outside).left, []);
    assert.deepEqual(deleted, ["Bearer a token of the registration"]);
    assert.match(visit(whole, world()).left.join(), /registration client/);
  });

  test("[X12] each client that is played sends its own: agent, first message, redirect URIs, places", () => {
    for (const [name, { agent, first, registration, places }] of Object.entries(profiles)) {
      const asked = [];
      const outside = world();
      const seen = { ...outside, http: (request) => (asked.push(request), outside.http(request)) };
      visit({ url: `${ORIGIN}/mcp`, profile: name }, seen);
      assert.equal(asked[0].headers["user-agent"], agent);
      assert.equal(JSON.parse(asked[0].body).method, first);
      const sent = JSON.parse(
        asked.find(({ url }) => url.endsWith("/register")).body ?? asked.findLast(({ url }) => url.endsWith("/register")).body,
      );
      assert.deepEqual(sent.redirect_uris, registration.redirect_uris);
      const looked = asked.filter(({ url, method }) => method === "GET" && url.includes("oauth-protected-resource")).length;
      assert.ok(looked >= places.filter((place) => place !== "hint").length);
    }
  });

  test("[X12] what a server says does not command a terminal, and an address that is none ends nothing", () => {
    const commands = (usual) => ({ ...usual, headers: { ...usual.headers, "www-authenticate": 'Basic realm="\x1b]0;owned\x07\u202e"' } });
    const seen = json(
      visit(whole, world({ bent: { "POST /mcp": (usual, { headers }) => (headers.authorization ? usual : commands(usual)) } })),
    );
    assert.equal(seen.findings[0].seen, 'Basic realm="\ufffd]0;owned\ufffd\ufffd"');
    const nowhere = (usual) => ({ ...usual, json: { ...usual.json, registration_endpoint: "/register" } });
    const bent = { "GET /.well-known/oauth-authorization-server": nowhere };
    assert.deepEqual(found(json(visit(whole, world({ bent })))), ["issuer_metadata_malformed"]);
  });

  test("addresses that nobody reaches from the internet", () => {
    for (const hidden of [
      "10.0.0.1",
      "100.64.0.1",
      "127.0.0.1",
      "169.254.1.1",
      "172.31.0.1",
      "192.168.0.1",
      "::1",
      "fd00::1",
      "fe80::1",
      "::ffff:10.0.0.1",
    ])
      assert.ok(isPrivate(hidden), hidden);
    for (const open of ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]) assert.ok(!isPrivate(open), open);
  });

  test("challenges are read as they are written", () => {
    assert.deepEqual(parsed('Bearer realm="a, b", scope=mcp, x="\\"q\\""').parameters, { realm: "a, b", scope: "mcp", x: '"q"' });
    assert.equal(parsed('Bearer error="x" nonsense here').rest !== "", true);
    assert.deepEqual(parsed("Bearer"), { scheme: "Bearer", parameters: {}, rest: "" });
    assert.equal(parsed(""), undefined);
  });

  test("[X12] no secret is in the bundle, however it comes", () => {
    const kept = [];
    const outside = world({
      bent: {
        "POST /register": (usual) => ({
          ...usual,
          json: {
            ...usual.json,
            client_secret: "secret+of/the=client",
            client_secret_expires_at: 0,
            token_endpoint_auth_method: "client_secret_basic",
          },
        }),
      },
    });
    const seen = visit(whole, {
      ...outside,
      http: (asked) => {
        const answer = outside.http(asked);
        kept.push({ asked, answer: { ...answer, text: JSON.stringify(answer.json ?? "") } });
        return answer;
      },
    });
    const text = JSON.stringify(bundle(seen, kept, { at: NOW }));
    for (const secret of [
      "secret+of/the=client",
      encodeURIComponent("secret+of/the=client"),
      "the code of somebody",
      "token false",
      "refresh true",
      "the verifier of a test",
      "the state of a test",
    ])
      assert.ok(!text.includes(secret), secret);
    assert.ok(!text.includes(Buffer.from("client:secret%2Bof%2Fthe%3Dclient").toString("base64")));
    assert.match(text, /"authorization":"\[cut\]"/);
  });

  test("[X12] a secret that a server repeats in its own words is cut as well", () => {
    const repeats = (usual, { body }) => {
      const { refresh_token: sent } = Object.fromEntries(new URLSearchParams(body));
      const refused = { error: "invalid_grant", error_description: `unknown: ${sent}` };
      return sent ? { ...usual, status: 400, json: refused, text: JSON.stringify(refused) } : usual;
    };
    const seen = visit(whole, world({ bent: { "POST /token": repeats } }));
    assert.match(human(seen), /unknown: refresh false/);
    for (const text of [JSON.stringify(bundle(seen, [], { at: NOW })), cutter(seen.secrets)(human(seen))]) {
      assert.match(text, /unknown: \[cut\]/);
      assert.ok(!text.includes("refresh false"), text);
    }
  });
});

describe("the doctor's tables", () => {
  const sources = readdirSync(path.join(ROOT, "tests/e2e"))
    .filter((name) => /^doctor-.*\.test\.mjs$/.test(name))
    .map((name) => readFileSync(path.join(ROOT, "tests/e2e", name), "utf8"))
    .join();

  test("[X12] every finding is made to happen by a test", () => {
    const happens = new Set(faults.map(({ finding }) => finding));
    const never = [...byId.keys()].filter((id) => !happens.has(id) && !new RegExp(`["\\[ ]${id}\\b`).test(sources));
    assert.deepEqual(never, []);
  });

  test("[X12] every finding says all that a reader needs, in words of the tables", () => {
    for (const { id, says, rule, source, who, fix, breaks, weight } of byId.values()) {
      for (const text of [says, rule, source, fix]) assert.ok(text && !text.endsWith("."), `${id}: ${text}`);
      assert.ok(["client", "operator", "server", "network"].includes(who), id);
      assert.ok(["fault", "warning"].includes(weight), id);
      for (const client of breaks) assert.ok(titleOf(client), `${id}: ${client}`);
    }
  });

  test("[X12] every symptom of the five pages leads to a finding that is injected, or says why it cannot", () => {
    const injected = new Set(faults.map(({ finding }) => finding));
    const elsewhere = new Set([...byId.keys()].filter((id) => sources.includes(id)));
    for (const { symptom, findings = [], instead } of symptoms) {
      assert.ok(findings.length > 0 !== Boolean(instead), `${symptom}: a finding, or why there is none`);
      for (const id of findings) assert.ok(injected.has(id) || elsewhere.has(id), `${symptom}: ${id} is not injected`);
    }
  });

  test("[X12] docs/doctor.md has the tables as they are", () => {
    const file = path.join(ROOT, "docs/doctor.md");
    const text = readFileSync(file, "utf8");
    assert.equal(text, documented(text), "write it anew: node scripts/lib/doctor/document.mjs");
  });

  test("[X12] the report names the finding, the rule, who has to act and the fix", () => {
    const outside = world({ addresses: { error: { code: "ENOTFOUND", message: "no such name" } } });
    const text = human(visit({ url: `${ORIGIN}/mcp` }, outside));
    for (const line of [
      /^ {2}fault {4}reach/m,
      /^fault name_unresolved: The name does not resolve$/m,
      /^ {2}seen +no such name$/m,
      /^ {2}rule .*RFC 1034/m,
      /^ {2}to act +whoever runs the address/m,
      /^ {2}fix +Add the DNS record/m,
      /^1 fault$/m,
    ])
      assert.match(text, line);
  });
});
