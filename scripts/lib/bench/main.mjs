// Measures the gateway beside hand-written JavaScript and the TypeScript way, on workerd itself and on one machine.
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "../build.mjs";
import { fail, output } from "../ground.mjs";
import { misused, parsed } from "../usage.mjs";
import { SHORT } from "./issuer.mjs";
import { description, disturbance } from "./machine.mjs";
import { explainMemory, measureCold, measureMemory, measureRow } from "./measure.mjs";
import { profile } from "./profile.mjs";
import { coldTable, explanationTable, goals, memoryTable, rowTable, sizeTable } from "./report.mjs";
import { rows } from "./rows.mjs";
import { prepare, size, startTargets } from "./targets.mjs";

const options = parsed("bench");
if (!existsSync("/proc/self/stat")) fail("bench: the CPU time of a process is read from /proc, so this runs on Linux only");
const plan = options.quick
  ? { rounds: 1, seconds: 0.1, warmup: 0.02, cold: 1, counts: [20, 40], streams: 5, crowd: 1000 }
  : { rounds: 5, seconds: 2, warmup: 1, cold: 15, counts: [1000, 10_000, 50_000, 100_000], streams: 500, crowd: 1_000_000 };
if (options.rounds) plan.rounds = Number(options.rounds);
if (options.seconds) plan.seconds = Number(options.seconds);
const listed = (option) => option?.split(",").map((name) => name.trim());
const wanted = (name) => listed(options.rows)?.includes(name) ?? true;
const names = ["const", "pass", "parse", "filter", "shell", "peer", "gateway"].filter((name) => listed(options.targets)?.includes(name) ?? true);
const unknown = (listed(options.rows) ?? []).filter((name) => !["cold", "memory", ...rows.map(({ id }) => id)].includes(name));
if (unknown.length > 0) misused("bench", `no row ${unknown.join(", ")}; there are ${rows.map(({ id }) => id).join(", ")}, cold, memory`);
if (names.length === 0) misused("bench", `no target ${options.targets}`);

build();
if (!options.quick && !options.force && !options.profile) {
  const reason = await disturbance();
  if (reason) fail(`bench: ${reason}, so the figures would mean little. Wait until it is quiet, or say --force.`);
}

const directory = mkdtempSync(join(tmpdir(), "gateway-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));
const world = await startWorld();
const workers = await prepare(directory, world);
const running = await startTargets(workers, options.profile ? ["gateway"] : names, { clients: 8 });
const profiled = rows.filter(({ id }) => (listed(options.rows) ?? ["json-1kb"]).includes(id));
if (options.profile) await profile(running.gateway, { directory, rows: profiled, quick: options.quick });
else await measure();
process.exit();

async function measure() {
  console.log(`\n$ scripts/bench ${process.argv.slice(2).join(" ")}`);
  console.log(`${description()}; ${output("git", ["describe", "--always", "--dirty"]) ?? ""}; ${new Date().toISOString().slice(0, 16)}Z`);
  console.log(
    `workerd serve, a process for each target, 8 connections; medians of ${plan.rounds} rounds of ${plan.seconds} s, targets taking turns.
CPU is that of the target's process; its KV and the upstream are other processes. Spread: (most - least) / median.
Failed: answers other than the one that is due, whole. Disturbed: rounds in which other processes used more than 10 % of a CPU.`,
  );
  const results = { rows: {}, cold: {}, memory: {}, size: {} };
  const chosen = (row) => row.targets.filter((name) => running[name]).map((name) => running[name]);

  for (const row of rows.filter(({ id }) => wanted(id))) {
    const targets = chosen(row);
    if (targets.length === 0) continue;
    if (row.crowd) await world.told({ connections: Math.min(row.crowd, plan.crowd) });
    const before = await world.told({});
    results.rows[row.id] = await measureRow(row, targets, { ...plan, world });
    console.log(`\n${rowTable(row, results.rows[row.id])}`);
    const { refreshes, stored } = await world.told({});
    if (row.id === "storm") {
      const lived = ((plan.warmup + plan.rounds * plan.seconds) / SHORT).toFixed(1);
      results.refreshes = refreshes - before.refreshes;
      console.log(`${results.refreshes} refreshes at the upstream while ${lived} lifetimes of a token passed, from 8 connections at once`);
    }
    if (row.crowd) console.log(`${stored.toLocaleString("en")} records in KV; objects are found by name, and those of others are not loaded`);
  }
  for (const row of wanted("cold") ? rows.filter(({ id }) => id === "challenge" || id === "json-1kb") : []) {
    const targets = [{ name: "hello", worker: workers.hello }, ...chosen(row)];
    results.cold[row.id] = await measureCold(row, targets, { rounds: plan.cold });
    console.log(`\n${coldTable(row, results.cold[row.id])}`);
  }
  if (wanted("memory")) {
    const row = rows.find(({ id }) => id === "json-1kb");
    for (const target of chosen(row)) results.memory[target.name] = await measureMemory(row, target, plan);
    console.log(`\n${memoryTable(results.memory)}`);
    if (running.gateway) console.log(`\n${explanationTable(await explainMemory(row, running.gateway, plan.counts.at(-1)))}`);
  }
  for (const name of names) results.size[name] = size(workers[name]);
  console.log(`\n${sizeTable(results.size)}`);
  console.log(`\n${goals(results)}`);
  const measured = Object.values(results.rows).flatMap((figures) => Object.values(figures));
  const [disturbed, all] = ["disturbed", "rounds"].map((name) => measured.reduce((sum, figures) => sum + figures[name], 0));
  if (disturbed > all / 20) console.log(`\n${disturbed} of ${all} rounds were disturbed by other processes: do not quote this run, repeat it.`);
  if (options.json) writeFileSync(options.json, JSON.stringify({ plan, ...results }, null, 2));
}

/** The upstream with its authorization server, and the KV stores; `told` fills them and answers what has happened there. */
async function startWorld() {
  const child = fork(fileURLToPath(new URL("upstream.mjs", import.meta.url)));
  process.on("exit", () => child.kill());
  const [ports] = await once(child, "message");
  const told = async (message) => {
    const answer = once(child, "message");
    child.send(message);
    return (await answer)[0];
  };
  return { ...ports, pid: child.pid, told };
}
