// Where the CPU goes in the gateway, by V8's profiler, and what one request of it does, counted.
import { join } from "node:path";

import { request } from "../../../tests/e2e/support/http.mjs";
import { buildNamed } from "../build.mjs";
import { attach } from "./inspector.mjs";
import { cpuTime } from "./machine.mjs";
import { connect, load } from "./load.mjs";
import { table } from "./report.mjs";
import { due } from "./rows.mjs";
import { configureGateway, signIn, withGateway } from "./targets.mjs";
import { serve } from "./workerd.mjs";

const INTERVAL = 400; // microseconds between samples: more of them cost more than they tell
const LISTED = 45;

/** `gateway` is one that runs and was signed in to: its access tokens are good for its siblings too, which have the same keys and KV. */
export async function profile(gateway, { directory, rows, quick }) {
  const folder = join(directory, "named");
  buildNamed(folder, { optimise: !quick });
  for (const row of rows.filter(({ targets }) => targets.includes("gateway"))) {
    console.log(`\n== ${row.title} (${row.id})\n`);
    await sample(await withGateway(gateway.worker, join(directory, `profiled-${row.id}`), folder), row, gateway, quick ? 0.5 : 10);
    await count(await withGateway(gateway.worker, join(directory, `counted-${row.id}`), folder, { counted: true }), row, gateway);
  }
}

async function sample(worker, row, signedIn, seconds) {
  const target = await sibling(worker, row, signedIn, { inspected: true });
  const run = (time) => load(target.port, { next: row.next(target), learn: row.learn?.(target), expected: due(row, target), seconds: time });
  const inspector = await attach(target.inspector);
  await run(seconds / 5);
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: INTERVAL });
  await inspector.send("Profiler.start");
  const before = cpuTime(target.pid);
  const { requests, failed } = await run(seconds);
  const cpu = cpuTime(target.pid) - before;
  const { profile: taken } = await inspector.send("Profiler.stop");
  inspector.close();
  await target.stop();
  console.log(`${requests} requests, ${failed} failed, ${(cpu / requests).toFixed(1)} µs of CPU each with the profiler on. Self time:\n`);
  console.log(topList(taken, requests));
}

/** Another gateway with the tokens of one that was signed in to; with its own where they change, as its objects are its own. */
async function sibling(worker, row, signedIn, options) {
  const target = { ...signedIn, ...(await serve(worker, options)) };
  if (!row.learn) return target;
  const login = await configureGateway(target, signedIn.worker);
  const clients = await signIn(target, { count: signedIn.clients.length, home: login.home });
  await login.stop();
  return { ...target, clients };
}

/** Functions by self time; what the runtime brings is listed under the function that called it. "(program)" is what V8 knows nothing of. */
function topList({ nodes, samples, timeDeltas }, requests) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) byId.get(child).caller = node;
  const self = new Map();
  for (const [index, id] of samples.entries()) {
    const node = byId.get(id);
    if (node.callFrame.functionName === "(idle)") continue;
    const name = `${nameOf(node)}\t${placeOf(node)}`;
    self.set(name, (self.get(name) ?? 0) + timeDeltas[index]);
  }
  const total = [...self.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...self].toSorted(([, a], [, b]) => b - a);
  const sum = (where) => sorted.filter(([name]) => where(name.split("\t")[1])).reduce((time, [, own]) => time + own, 0);
  const share = (time) => `${((100 * time) / total).toFixed(1)} %`;
  const line = (name, where, time) => [name.slice(0, 90), where, (time / requests).toFixed(2), share(time)];
  return table(["function", "where", "µs/request", "share"], [
    line("all", "", total),
    line("all of wasm", "", sum((where) => where === "wasm")),
    line("all of JavaScript", "", sum((where) => where !== "wasm" && where !== "")),
    ...sorted.slice(0, LISTED).map(([name, time]) => line(...name.split("\t"), time)),
  ]);
}

/** As in the source: without the hashes that tell crates and instances apart. */
const nameOf = ({ callFrame: { functionName } }) =>
  functionName.replaceAll(/\[[0-9a-f]{13,16}\]|::h[0-9a-f]{16}$|(?<=^__wbg_.*)_[0-9a-f]{16}$/g, "") || "(anonymous)";

function placeOf(node) {
  const { url, lineNumber } = node.callFrame;
  if (url.startsWith("wasm:")) return "wasm";
  if (node.callFrame.functionName.endsWith("to-js")) return "wasm";
  if (url) return `${url.split("/").at(-1)}:${lineNumber + 1}`;
  for (let { caller } = node; caller; { caller } = caller) if (caller.callFrame.url) return `in ${nameOf(caller).slice(0, 60)}`;
  return "";
}

/** A warm request on a gateway that writes down what it does. */
async function count(worker, row, signedIn) {
  const target = await sibling(worker, row, signedIn);
  const ask = async (path) => (await request(`http://127.0.0.1:${target.port}${path}`)).json;
  const connection = await connect(target.port);
  for (let warm = 0; warm < 20; warm += 1) {
    await ask("/__counts");
    await ask("/__crossings");
    const { status, body } = await connection.ask(row.next(target)(0));
    if (status !== due(row, target)) throw new Error(`the counted gateway answered ${status}`);
    row.learn?.(target)(0, body);
  }
  await new Promise((done) => setTimeout(done, 50)); // what happens after the answer belongs to the request
  const crossings = await ask("/__crossings");
  console.log(`\nOne warm request: ${JSON.stringify(await ask("/__counts"))}, ${crossings.length} crossings between JavaScript and wasm, in order:\n`);
  const runs = [];
  for (const crossing of crossings) {
    if (runs.at(-1)?.crossing === crossing) runs.at(-1).times += 1;
    else runs.push({ crossing, times: 1 });
  }
  console.log(runs.map(({ crossing, times }) => `  ${crossing}${times > 1 ? ` × ${times}` : ""}`).join("\n"));
  connection.end();
  await target.stop();
}
