// The configurations under examples/: the built Worker takes each as it is, with the secrets that its README names, and serves it.
//
// Not here: what their fields do.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { startGateway } from "./support/gateway.mjs";

const FOLDER = new URL("../../examples/", import.meta.url);
const examples = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const rows = readFileSync(new URL("README.md", FOLDER), "utf8").split("\n").filter((line) => line.startsWith("| ["));
const named = (row) => [...row.split("|").at(-2).matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);

describe("the examples", { timeout: 60_000 }, () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({ secrets: Object.fromEntries(rows.flatMap(named).map((name) => [name, "a secret"])) });
  });
  after(() => gateway?.stop());

  test("there are five, each with a row of its own", () => {
    assert.equal(examples.length, 5);
    assert.deepEqual(rows.map((row) => /\[(.+?)\]\(\1\)/.exec(row)?.[1]).sort(), examples.sort());
  });

  for (const name of examples) {
    test(`[X14] ${name} is taken and served`, async () => {
      const text = readFileSync(new URL(name, FOLDER), "utf8");
      const row = rows.find((line) => line.includes(`(${name})`));
      const secrets = [...text.matchAll(/"secret": "([A-Z_]+)"/g)].map(([, secret]) => secret);
      assert.deepEqual(named(row).sort(), [...new Set(secrets)].sort(), "its row names its secrets");

      const answer = await gateway.configure(text);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json.warnings ?? [], [], answer.text);
      const { public_url: origin, servers, branding } = JSON.parse(text);
      const served = gateway.at(origin);
      for (const slug of Object.keys(servers)) {
        const metadata = await served.fetch(`/.well-known/oauth-protected-resource/v1/mcp/${slug}`);
        assert.equal(metadata.json?.resource, `${origin}/v1/mcp/${slug}`, metadata.text);
        const call = await served.fetch(`/v1/mcp/${slug}`, { method: "POST", json: {} });
        assert.equal(call.status, 401, call.text);
      }
      const page = await served.fetch("/", { headers: { accept: "text/html" } });
      if (branding) assert.ok(page.text.includes(branding.name), page.text);
    });
  }
});
