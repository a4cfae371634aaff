// What scripts/doctor says of names, ports and certificates, and of a proxy that ends TLS.
//
// Not here: everything behind the connection (doctor.test.mjs), addresses that no test can have (doctor-plan.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";

import { certificate, days } from "./support/certificate.mjs";
import { ROOT, start } from "./support/child.mjs";
import { found } from "./support/doctor.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { request } from "./support/http.mjs";
import { freePort, listen } from "./support/listen.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("doctor at an address", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "doctor-address-"));
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({ config: configuration({ alpha: upstream.url }) });
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await Promise.all([gateway, upstream].map((one) => one?.stop()));
  });

  /** A proxy that ends TLS in front of the gateway, with that certificate; `aware`: what is behind it knows that it is asked by https. */
  async function ending(t, { cert, key }, { aware = true } = {}) {
    const server = https.createServer({ cert, key }, async (incoming, answer) => {
      const body = await buffer(incoming);
      const inward = (text) =>
        aware ? text.replaceAll(encodeURIComponent("https://localhost"), encodeURIComponent("http://localhost")) : text;
      const target = new URL(inward(incoming.url), gateway.url.replace(/\d+$/, incoming.headers.host.split(":")[1]));
      const { status, headers, text } = await request(target, {
        method: incoming.method,
        headers: incoming.headers,
        body: body.length > 0 ? body : undefined,
        port: new URL(gateway.url).port,
      });
      const known = (said) => (aware ? said.replaceAll(target.origin, target.origin.replace("http:", "https:")) : said);
      const { "content-length": _length, connection: _connection, ...rest } = headers;
      if (rest["www-authenticate"]) rest["www-authenticate"] = known(rest["www-authenticate"]);
      answer.writeHead(status, rest).end(known(text));
    });
    const { port, stop } = await listen(server);
    t.after(stop);
    return `https://localhost:${port}/v1/mcp/alpha`;
  }

  /** What the script prints for programs; it trusts the certificate that is given. */
  async function examined(url, trusted) {
    const file = path.join(folder, "authority.pem");
    if (trusted) writeFileSync(file, trusted.cert);
    const script = start(path.join(ROOT, "scripts/doctor"), [url, "--json"], {
      env: { ...process.env, ...(trusted && { NODE_EXTRA_CA_CERTS: file }) },
    });
    const { code } = await script.ended;
    const seen = JSON.parse(script.said.stdout);
    assert.equal(code, found(seen).length > 0 ? 1 : 0);
    return seen;
  }

  for (const [finding, of] of [
    ["certificate_expired", { from: days(-60), to: days(-1) }],
    ["certificate_name", { name: "mcp.example.com" }],
    ["certificate_ends_soon", { to: days(5) }],
  ]) {
    test(`[X12] ${finding}`, async (t) => {
      const shown = certificate(of);
      assert.deepEqual(found(await examined(await ending(t, shown), shown)), [finding]);
    });
  }

  test("[X12] certificate_untrusted, and nothing once its authority is known", async (t) => {
    const shown = certificate();
    const url = await ending(t, shown);
    assert.deepEqual(found(await examined(url)), ["certificate_untrusted"]);
    assert.deepEqual(found(await examined(url, shown)), []);
  });

  test("[X12] [S10] scheme_rewritten: the proxy ends TLS and does not say so", async (t) => {
    const shown = certificate();
    assert.deepEqual(found(await examined(await ending(t, shown, { aware: false }), shown)), ["scheme_rewritten"]);
  });

  test("[X12] tls_failed, connection_refused and name_unresolved", async () => {
    assert.deepEqual(found(await examined(gateway.mcpUrl("alpha").replace("http:", "https:"))), ["tls_failed"]);
    assert.deepEqual(found(await examined(`http://localhost:${await freePort()}/mcp`)), ["connection_refused"]);
    assert.deepEqual(found(await examined("https://no-such-host.invalid/mcp")), ["name_unresolved"]);
  });
});
