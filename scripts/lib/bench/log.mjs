// What a page of a large authorization log costs: fills its objects under workerd, asks for pages by each filter, and while others write.
//
//   node scripts/lib/bench/log.mjs [entries]       1,000,000 unless it is said; after scripts/build
//
// Not here: that pages are whole (tests/e2e/log-object.test.mjs), what a call costs (main.mjs).

import { performance } from "node:perf_hooks";

import { count, fill } from "../../../tests/e2e/support/filled-log.mjs";
import { configuration, startGateway } from "../../../tests/e2e/support/gateway.mjs";
import { post } from "../../../tests/e2e/support/mcp.mjs";
import { signedIn } from "../../../tests/e2e/support/oauth-client.mjs";

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
const TIMES = 15;
const BY = ["", "subject=filled-1-7", "client=client-7", "server=server-7", "reason=reason_7", "request_id=1" + "7".padStart(31, "0"), "subject=filled-1-7&reason=reason_7", "server=server-7&client=client-7", "server=nothing"];

const gateway = await startGateway({ entry: "object-entry.js", config: configuration({ alpha: "http://localhost:9/mcp" }, { consent: "never" }) });
const { token } = await signedIn(gateway, "alpha");

const timed = async (act) => {
  const began = performance.now();
  const answer = await act();
  return [performance.now() - began, answer];
};

const middle = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)].toFixed(1);

async function pages(title) {
  console.log(`\n${title}\nfilter | median ms | slowest ms | entries`);
  for (const filter of BY) {
    const times = [];
    let found;
    for (let n = 0; n < TIMES; n += 1) {
      const [took, { json }] = await timed(() => gateway.asOperator(`/admin/log?limit=50&${filter}`));
      times.push(took);
      found = json.entries.length;
    }
    console.log(`${filter || "(none)"} | ${middle(times)} | ${Math.max(...times).toFixed(1)} | ${found}`);
  }
}

/** A refused call, whose entry is written behind its reply. */
const write = () => post(gateway.mcpUrl("alpha"), token, { headers: { "content-type": "application/json" }, body: "{" });
const writes = async () => {
  const times = [];
  for (let n = 0; n < 50; n += 1) times.push((await timed(write))[0]);
  return middle(times);
};

try {
  const empty = await writes();
  const [took] = await timed(() => fill(gateway, { each: ENTRIES / 4 }));
  console.log(`${(await count(gateway, "0")) * 4} entries in ${(took / 1000).toFixed(0)} s`);
  await pages("nothing else going on");
  console.log(`\na refused call, median ms: ${empty} with an empty log, ${await writes()} with a full one`);
  let writing = true;
  const writer = (async () => {
    while (writing) await write();
  })();
  await pages("while others write");
  writing = false;
  await writer;
} finally {
  await gateway.stop();
}
