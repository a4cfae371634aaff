// Two people behind one application whose SDK keeps answers in one place, and a gateway that keeps them as well: each sees their own list.
//
// Not here: what the gateway alone keeps (catalogue.test.mjs, tests/journeys/catalogue.rs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as sdk2 from "@modelcontextprotocol/client";

import { configuration, startGateway } from "./support/gateway.mjs";
import { SdkHost, connectSdk2 } from "./support/sdk-host.mjs";
import { startUpstream } from "./support/upstream.mjs";

describe("[X5] a server that says that everybody may keep its list", { timeout: 60_000 }, () => {
  let gateway, upstream;
  before(async () => {
    upstream = await startUpstream();
    const alpha = {
      url: upstream.url,
      list_cache_seconds: 300,
      require: [
        { tools: ["test_error_handling"], roles: ["alices"] },
        { tools: ["test_image_content"], roles: ["bobs"] },
      ],
    };
    const accounts = ["alice", "bob"].map((subject) => ({ subject, roles: [`${subject}s`] }));
    gateway = await startGateway({ config: configuration({ alpha }, { consent: "never", login: { kind: "dev", accounts } }) });
  });
  after(() => Promise.all([gateway?.stop(), upstream?.stop()]));

  test("[X5] [N6] two subjects in one application with one cache see each their own tools, again and again", async (t) => {
    const responseCacheStore = new sdk2.InMemoryResponseCacheStore();
    const open = async (as) => {
      const options = { responseCacheStore, cachePartition: as };
      const { client } = await connectSdk2(gateway.mcpUrl("alpha"), "auto", { host: new SdkHost(gateway.url, { as }), options });
      t.after(() => client.close());
      return async (cacheMode) => (await client.listTools(undefined, { cacheMode })).tools.map(({ name }) => name);
    };
    const [alice, bob] = [await open("alice"), await open("bob")];
    const sees = (names) => ["test_error_handling", "test_image_content"].filter((name) => names.includes(name));
    // First from the server, then from the gateway, then from the application.
    for (const mode of ["refresh", "refresh", "use"]) {
      assert.deepEqual(sees(await alice(mode)), ["test_error_handling"], mode);
      assert.deepEqual(sees(await bob(mode)), ["test_image_content"], mode);
    }
    assert.equal(upstream.calls("tools/list").length, 1, "the gateway asked once for both");
    const asked = await gateway.logs.find(({ fields }) => fields?.["mcp.method.name"] === "tools/list");
    assert.equal(asked.fields.era, "modern");
  });
});
