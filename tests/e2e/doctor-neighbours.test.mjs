// scripts/doctor at servers that other people wrote, as they are, and the gateway's own check of them: nothing is found, or it is true and
// said why.
//
// Not here: the gateway in front of such servers (python-upstreams.test.mjs, connect-clients.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { packaged, start } from "./support/child.mjs";
import { examine, found, visitor } from "./support/doctor.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/listen.mjs";
import { startPythonUpstreams } from "./support/python-upstreams.mjs";
import { startUpstream } from "./support/upstream.mjs";
import { startWorkerUpstream } from "./support/worker-upstream.mjs";

const EXAMPLE = "@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js";

/** True: a page cannot call them, as nothing but the gateway and the library for Workers answers a preflight unless it is told to. */
const NO_PAGES = ["cors_missing"];

describe("doctor at other people's servers", () => {
  const running = [];
  let python, worker, typescript, open, gateway;
  before(async () => {
    const [port, issuer] = [await freePort(), await freePort()];
    const example = start(process.execPath, [packaged(EXAMPLE), "--oauth"], {
      env: { ...process.env, MCP_PORT: String(port), MCP_AUTH_PORT: String(issuer) },
    });
    running.push(example);
    typescript = { url: `http://localhost:${port}/mcp`, origins: [`http://localhost:${port}`, `http://localhost:${issuer}`] };
    [python, worker, open] = await Promise.all([
      startPythonUpstreams({ fastmcp: () => ({ kind: "fastmcp" }), sdk: () => ({ kind: "sdk" }) }),
      startWorkerUpstream(),
      startUpstream(),
      example.says(/listening on port/),
    ]);
    running.push(python, worker, open);
    const oauth = ({ url }) => ({ url, auth: { kind: "oauth" } });
    const servers = { fastmcp: oauth(python.fastmcp), python: oauth(python.sdk), typescript: oauth(typescript), worker: oauth(worker), open: open.url };
    gateway = await startGateway({ config: configuration(servers) });
    running.push(gateway);
  });
  after(() => Promise.all(running.map((one) => one.stop())));

  for (const slug of ["fastmcp", "python", "typescript", "worker", "open"]) {
    test(`[X12] the gateway's check of them: ${slug}`, async () => {
      const answer = await gateway.fetch(`/admin/servers/${slug}/check`, { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json.findings, [], JSON.stringify(answer.json, null, 1));
      const { said } = answer.json.steps.find(({ name }) => name === (slug === "open" ? "call" : "registration"));
      assert.match(said, slug === "open" ? /^speaks 20/ : /^possible; the gateway registers when/, "nobody was registered");
    });
  }

  for (const [name, server, wanted] of [
    ["FastMCP with its own authorization server", () => python.fastmcp, NO_PAGES],
    ["the Python SDK's authorization server", () => python.sdk, NO_PAGES],
    [
      "the TypeScript SDK's example",
      () => typescript,
      [...NO_PAGES, "refresh_token_missing"],
    ] /* true: its metadata names refresh_token, and it issues none */,
    ["a Worker on workers-oauth-provider", () => worker, []],
    ["a server that needs no sign-in", () => open, NO_PAGES],
  ]) {
    test(`[X12] ${name}`, async () => {
      const { url, origins = [new URL(url).origin] } = server();
      const seen = await examine(url, { signIn: visitor(...origins) });
      assert.deepEqual(found(seen), wanted, JSON.stringify(seen, null, 1));
      assert.match(seen.steps.find((step) => step.name === "call").said, /speaks 20/);
    });
  }
});
