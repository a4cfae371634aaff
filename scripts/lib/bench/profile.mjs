// Where the CPU goes in the gateway, by V8's profiler, and what one request of it does, counted.
import { join } from "node:path";

import { request } from "../../../tests/e2e/support/http.mjs";
import { buildNamed } from "../build.mjs";
import { cpuTime } from "./machine.mjs";
import { connect, load } from "./load.mjs";
import { table } from "./report.mjs";
import { due } from "./rows.mjs";
import { withGateway } from "./targets.mjs";
import { serve } from "./workerd.mjs";

const INTERVAL = 100; // microseconds between samples
const SECONDS = 5;
const LISTED = 45;

/** `gateway` is one that runs and was signed in to: its tokens are good for its siblings too, which have the same keys and KV. */
export async function profile(gateway, { directory, rows }) {
  const folder = join(directory, "named");
  buildNamed(folder);
  for (const row of rows.filter(({ targets }) => targets.includes("gateway"))) {
    console.log(`\n== ${row.title} (${row.id})\n`);
    await sample(await withGateway(gateway.worker, join(directory, `profiled-${row.id}`), folder), row, gateway);
    await count(await withGateway(gateway.worker, join(directory, `counted-${row.id}`), folder, { counted: true }), row, gateway);
  }
}

async function sample(worker, row, { clients }) {
  const target = { name: "gateway", clients, ...(await serve(worker, { inspected: true })) };
  const run = (seconds) => load(target.port, { next: row.next(target), learn: row.learn?.(target), expected: due(row, target), seconds });
  const inspector = await attach(target.inspector);
  await run(2);
  await inspector.send("Profiler.enable");
  await inspector.send("Profiler.setSamplingInterval", { interval: INTERVAL });
  await inspector.send("Profiler.start");
  const before = cpuTime(target.pid);
  const { requests, failed } = await run(SECONDS);
  const cpu = cpuTime(target.pid) - before;
  const { profile: taken } = await inspector.send("Profiler.stop");
  inspector.close();
  await target.stop();
  console.log(`${requests} requests, ${failed} failed, ${(cpu / requests).toFixed(1)} µs of CPU each with the profiler on. Self time:\n`);
  console.log(topList(taken, requests));
}

/** Functions by self time. What V8 knows nothing of (the runtime's C++, the kernel) is "(program)", or with the function that called it. */
function topList({ nodes, samples, timeDeltas }, requests) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (functionName === "(idle)") continue;
    const where = url.startsWith("wasm:") ? "wasm" : url ? `${url.split("/").at(-1)}:${lineNumber + 1}` : "";
    const name = `${functionName || "(anonymous)"}\t${where}`;
    self.set(name, (self.get(name) ?? 0) + timeDeltas[index]);
  }
  const total = [...self.values()].reduce((sum, time) => sum + time, 0);
  const sorted = [...self].toSorted(([, a], [, b]) => b - a);
  const sum = (where) => sorted.filter(([name]) => where(name.split("\t")[1])).reduce((time, [, own]) => time + own, 0);
  const line = (name, where, time) => [name.replace(/::h[0-9a-f]{16}$/, "").slice(0, 90), where, (time / requests).toFixed(2), `${((100 * time) / total).toFixed(1)} %`];
  return table(["function", "where", "µs/request", "share"], [
    line("all", "", total),
    line("all of wasm", "", sum((where) => where === "wasm")),
    line("all of JavaScript", "", sum((where) => where.includes(":"))),
    ...sorted.slice(0, LISTED).map(([name, time]) => line(...name.split("\t"), time)),
  ]);
}

/** A warm request on a gateway that writes down what it does. */
async function count(worker, row, { clients }) {
  const target = { name: "gateway", clients, ...(await serve(worker)) };
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

/** Chrome's protocol on workerd's inspector. */
async function attach(port) {
  const [{ webSocketDebuggerUrl }] = (await request(`http://127.0.0.1:${port}/json`)).json;
  const socket = new WebSocket(webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("workerd's inspector refused the connection"));
  });
  const waiting = new Map();
  socket.onmessage = ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    const call = waiting.get(id);
    if (!call) return;
    waiting.delete(id);
    if (error) call.reject(new Error(error.message));
    else call.resolve(result);
  };
  let last = 0;
  return {
    send: (method, params = {}) =>
      new Promise((resolve, reject) => {
        waiting.set((last += 1), { resolve, reject });
        socket.send(JSON.stringify({ id: last, method, params }));
      }),
    close: () => socket.close(),
  };
}
