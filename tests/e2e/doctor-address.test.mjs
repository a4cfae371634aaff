// What scripts/doctor says of names, ports and certificates, and of a proxy that ends TLS.
//
// Not here: everything behind the connection (doctor.test.mjs), addresses that no test can have (doctor-plan.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
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
  async function examined(url, trusted, environment = {}) {
    const file = path.join(folder, "authority.pem");
    if (trusted) writeFileSync(file, trusted.cert);
    const script = start(path.join(ROOT, "scripts/doctor"), [url, "--json"], {
      env: { ...process.env, ...(trusted && { NODE_EXTRA_CA_CERTS: file }), ...environment },
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

  describe("through the proxy of the environment", () => {
    const NAME = "mcp.behind-a-proxy.test"; // only the proxy knows where that is
    const shown = certificate({ name: NAME });
    const asked = [];
    let open, ending, proxy;
    before(async () => {
      open = await listen(
        https.createServer({ key: shown.key, cert: shown.cert }, (incoming, answer) => {
          const headers = { ...incoming.headers, host: new URL(upstream.url).host };
          const onward = http.request(new URL(incoming.url, upstream.url), { method: incoming.method, headers, agent: false }, (got) => {
            answer.writeHead(got.statusCode, got.headers).flushHeaders();
            got.pipe(answer);
          });
          incoming.pipe(onward.on("error", () => answer.destroy()));
        }),
      );
      ending = http.createServer((incoming, answer) => {
        asked.push(incoming.url);
        answer.writeHead(403).end();
      });
      ending.on("connect", (incoming, socket) => {
        asked.push(incoming.url);
        if (incoming.headers["proxy-authorization"] !== `Basic ${Buffer.from("alice:pass word").toString("base64")}`) {
          return socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        }
        const onward = net.connect(open.port, "127.0.0.1", () => {
          socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
          onward.pipe(socket).pipe(onward);
        });
        for (const [one, other] of [[onward, socket], [socket, onward]]) one.on("error", () => other.destroy());
      });
      proxy = await listen(ending);
    });
    after(() => Promise.all([open, proxy].map((one) => one?.stop())));

    const through = (environment) => examined(`https://${NAME}/mcp`, shown, environment);
    const of = (user) => proxy.origin.replace("//", `//${user}@`);

    test("[X12] [S10] HTTPS_PROXY is gone through, with its name and password", async () => {
      const seen = await through({ HTTPS_PROXY: of("alice:pass%20word") });
      assert.deepEqual(found(seen), ["cors_missing"], JSON.stringify(seen.findings, null, 1));
      assert.ok(asked.includes(`${NAME}:443`));
    });

    test("[X12] [S10] proxy_refused: it does not let this machine there, or is not there", async () => {
      const refused = await through({ https_proxy: of("mallory:x") });
      assert.deepEqual(found(refused), ["proxy_refused"]);
      assert.match(refused.findings[0].seen, /answers 407/);
      assert.ok(!JSON.stringify(refused).includes("mallory"), "nobody's name is printed");
      assert.deepEqual(found(await through({ ALL_PROXY: `http://localhost:${await freePort()}` })), ["proxy_refused"]);
    });

    test("[X12] NO_PROXY excepts a host, and this machine is asked directly", async () => {
      for (const NO_PROXY of [NAME, ".behind-a-proxy.test", "other.test, behind-a-proxy.test:443", "*"]) {
        assert.deepEqual(found(await through({ HTTPS_PROXY: proxy.origin, NO_PROXY })), ["name_unresolved"], NO_PROXY);
      }
      assert.deepEqual(found(await through({ HTTPS_PROXY: proxy.origin, NO_PROXY: "behind-a-proxy.test:8443, a-proxy.test" })), ["proxy_refused"]);
      assert.deepEqual(found(await examined(gateway.mcpUrl("alpha"), undefined, { HTTP_PROXY: proxy.origin })), []);
    });

    test("[X12] HTTP_PROXY is asked for the whole address", async () => {
      const seen = await examined(`http://${NAME}/mcp`, undefined, { HTTP_PROXY: proxy.origin });
      assert.ok(found(seen).includes("plain_http"));
      assert.ok(asked.includes(`http://${NAME}/mcp`), asked.join());
    });
  });

  test("[X12] tls_failed, connection_refused and name_unresolved", async () => {
    assert.deepEqual(found(await examined(gateway.mcpUrl("alpha").replace("http:", "https:"))), ["tls_failed"]);
    assert.deepEqual(found(await examined(`http://localhost:${await freePort()}/mcp`)), ["connection_refused"]);
    assert.deepEqual(found(await examined("https://no-such-host.invalid/mcp")), ["name_unresolved"]);
  });
});
