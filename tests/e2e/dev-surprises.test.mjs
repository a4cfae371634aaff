// What happens to scripts/dev while it runs: builds beside it, files that are emptied, deleted, broken and mended, a provider that is late.
//
// Not here: an ordinary start (dev.test.mjs).

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

import { ROOT, start } from "./support/child.mjs";
import { dev } from "./support/dev-script.mjs";
import { freePort, listen } from "./support/listen.mjs";
import { callTool } from "./support/mcp.mjs";
import { signedIn } from "./support/oauth-client.mjs";
import { startUpstream } from "./support/upstream.mjs";

const START = 240_000; // the first one may have to build

describe("scripts/dev, while it runs", { timeout: 2 * START }, () => {
  let work;
  let upstream;
  before(async () => {
    work = mkdtempSync(path.join(tmpdir(), "dev-surprises-"));
    upstream = await startUpstream();
  });
  after(async () => {
    rmSync(work, { recursive: true, force: true });
    await upstream?.stop();
  });

  const file = (name) => path.join(work, name);
  const write = (name, content) => {
    writeFileSync(file(name), typeof content === "string" ? content : JSON.stringify(content));
    return file(name);
  };
  const config = (auth = { kind: "none" }, rest = {}) => ({
    login: { kind: "dev", accounts: [{ subject: "carol" }] },
    servers: { alpha: { name: "Alpha", url: upstream.url, auth } },
    ...rest,
  });

  test("a build beside it does not reach it: every call goes on, and the next start serves the new build", { timeout: START }, async (t) => {
    const gateway = await dev(t, ["--no-demo", "--config", write("building.json", config())]);
    const { token } = await signedIn(gateway, "alpha", { as: "carol" });
    const link = path.join(ROOT, "build");
    const before = realpathSync(link);
    const kept = ["index_bg.wasm", "entry.js", ".built"].map((name) => [path.join(before, name), readFileSync(path.join(before, name))]);
    t.after(() => {
      // The tests to come want the build that they were begun with, an optimised one perhaps.
      for (const [name, bytes] of kept) writeFileSync(name, bytes);
      rmSync(link);
      symlinkSync(path.relative(ROOT, before), link);
    });
    // There is something to build, and what is there is as good as half written.
    rmSync(path.join(before, ".built"));
    truncateSync(path.join(before, "index_bg.wasm"), 100_000);
    appendFileSync(path.join(before, "entry.js"), "\n");

    const builder = start(path.join(ROOT, "scripts/build"), ["--dev"]);
    t.after(builder.stop);
    let building = true;
    const built = builder.ended.then((end) => ((building = false), end));
    let calls = 0;
    for (let more = 20; building || more-- > 0; calls++) {
      const answer = await callTool(gateway.mcpUrl("alpha"), token);
      assert.equal(answer.status, 200, answer.text);
    }
    assert.equal((await built).code, 0, builder.said.both);
    assert.notEqual(realpathSync(link), before, "something was built");
    assert.ok(calls > 20, `${calls} calls`);
    assert.doesNotMatch(gateway.script.said.both, /ended by itself|rror/);
  });

  test("a configuration that is emptied, deleted or broken is reported and stays in effect until it is mended", { timeout: START }, async (t) => {
    const gateway = await dev(t, ["--no-demo", "--config", write("surprising.json", config())]);
    const { says } = gateway.script;
    await says(/sign in as carol/);
    const serves = async (path) => assert.equal((await gateway.fetch(`/.well-known/oauth-protected-resource${path}`)).status, 200);

    write("surprising.json", "");
    await says(/surprising\.json is empty\. The configuration in effect stays/);
    await serves("/v1/mcp/alpha");
    rmSync(file("surprising.json"));
    await says(/surprising\.json is gone\. The configuration in effect stays/);
    await serves("/v1/mcp/alpha");
    write("surprising.json", { ...config(), consnet: "never" });
    await says(/\/consnet: is not a field of this object\n +fix: did you mean `consent`\?/);
    await serves("/v1/mcp/alpha");
    const mended = config();
    mended.servers.alpha.path = "/mended";
    write("surprising.json", mended);
    await says(/configuration version 2 in effect/);
    await serves("/mended");
  });

  test("a changed file of secrets takes effect; a malformed line of it is reported by its number and never shown", { timeout: START }, async (t) => {
    const auth = { kind: "headers", headers: { "X-Api-Key": { secret: "ALPHA_KEY" } } };
    const envFile = write("changing.env", "ALPHA_KYE=first-value\n");
    const gateway = await dev(t, ["--no-demo", "--env-file", envFile, "--config", write("secretive.json", config(auth))], { ready: false });
    const { says, said } = gateway.script;
    await says(/\/servers\/alpha\/auth\/headers\/X-Api-Key\/secret: .*ALPHA_KEY.*\n +fix: write "ALPHA_KYE" if that is meant/);
    assert.doesNotMatch(said.both, /^ready /m);

    write("changing.env", "ALPHA_KEY=first-value\nhunter2 alone\n");
    await says(/changing\.env:2: is not NAME=value[\s\S]*The secrets that were read before stay/);
    write("changing.env", "ALPHA_KEY=first-value\n");
    await says(/^ready /m);
    const called = async () => {
      const { token } = await signedIn(gateway, "alpha", { as: "carol" });
      assert.equal((await callTool(gateway.mcpUrl("alpha"), token)).status, 200);
      return upstream.calls("tools/call").at(-1).headers["x-api-key"];
    };
    assert.equal(await called(), "first-value");
    write("changing.env", "ALPHA_KEY=second-value\n");
    await says(/version 2 in effect/);
    assert.equal(await called(), "second-value");
    for (const secret of ["hunter2", "first-value", "second-value"]) assert.ok(!said.both.includes(secret), "a secret is printed");
    assert.equal(said.both.match(/^ready /gm).length, 1);
  });

  test("it is ready only when the gateway says so", { timeout: START }, async (t) => {
    const port = await freePort();
    const issuer = `http://localhost:${port}`;
    const login = { kind: "oidc", issuer, client_id: "gateway" };
    const gateway = await dev(t, ["--no-demo", "--config", write("late.json", config(undefined, { login }))], { ready: false });
    await gateway.script.says(/configuration version 1 in effect/);
    await gateway.script.says(/not ready yet:\n +login: .+\n +fix: /);
    assert.doesNotMatch(gateway.script.said.both, /^ready /m);
    const document = {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    };
    const provider = http.createServer((_, response) => response.setHeader("content-type", "application/json").end(JSON.stringify(document)));
    const { stop } = await listen(provider, { port });
    t.after(stop);
    await gateway.script.says(/^ready /m);
    await gateway.script.says(/^Open http:\/\/localhost:\d+ and sign in\.$/m);
    assert.equal((await gateway.fetch("/status")).json.ready, true);
  });
});
