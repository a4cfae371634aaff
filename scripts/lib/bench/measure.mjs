// The measurements: a row in rounds, a cold isolate, memory. Every number comes from outside the target.
import { attach } from "./inspector.mjs";
import { busyTime, cpuSinceStart, cpuTime, memory, ownMemory } from "./machine.mjs";
import { connect, load } from "./load.mjs";
import { due, openStream } from "./rows.mjs";
import { serve } from "./workerd.mjs";

export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** One row: the targets take turns, and every other round in the opposite order. Answers {target: figures}. */
export async function measureRow(row, targets, { rounds, seconds, warmup, world }) {
  const outcomes = Object.fromEntries(targets.map(({ name }) => [name, []]));
  for (const target of targets) await run(row, target, { seconds: warmup, world });
  for (let round = 0; round < rounds; round += 1) {
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) outcomes[target.name].push(await run(row, target, { seconds, world }));
  }
  return Object.fromEntries(Object.entries(outcomes).map(([name, several]) => [name, summary(several)]));
}

async function run(row, target, { seconds, world }) {
  const ours = () => cpuTime(target.pid) + cpuTime(process.pid) + cpuTime(world.pid);
  const before = { cpu: cpuTime(target.pid), ours: ours(), busy: busyTime() };
  const start = performance.now();
  const { length } = row;
  const outcome = await load(target.port, { next: row.next(target), learn: row.learn?.(target), expected: due(row, target), length, seconds });
  const elapsed = (performance.now() - start) * 1000;
  const foreign = (busyTime() - before.busy - (ours() - before.ours)) / elapsed;
  return { ...outcome, cpu: (cpuTime(target.pid) - before.cpu) / outcome.requests, foreign };
}

function summary(several) {
  const of = (name) => several.map((one) => one[name]);
  const cpu = of("cpu");
  return {
    cpu: median(cpu),
    spread: (Math.max(...cpu) - Math.min(...cpu)) / median(cpu),
    perSecond: median(of("perSecond")),
    p50: median(of("p50")),
    p99: median(of("p99")),
    requests: of("requests").reduce((sum, count) => sum + count, 0),
    failed: of("failed").reduce((sum, count) => sum + count, 0),
    wrong: Object.assign({}, ...of("wrong")),
    disturbed: of("foreign").filter((share) => share > 0.1).length,
    rounds: several.length,
  };
}

/** The first request of a fresh process, in milliseconds: until it listens, and from request to answer. */
export async function measureCold(row, targets, { rounds }) {
  const outcomes = Object.fromEntries(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const target of targets) {
      const fresh = await serve(target.worker);
      const connection = await connect(fresh.port);
      const start = performance.now();
      const { status } = await connection.ask(row.next(target)(0));
      const first = performance.now() - start;
      connection.end();
      if (status !== due(row, target) && target.name !== "hello") throw new Error(`${target.name} answered its first request with ${status}`);
      outcomes[target.name].push({ started: fresh.startedIn, first, cpu: cpuSinceStart(fresh.pid) / 1000 });
      await fresh.stop();
    }
  }
  const figures = (several, name) => median(several.map((one) => one[name]));
  return Object.fromEntries(
    Object.entries(outcomes).map(([name, several]) => {
      const [started, first, cpu] = ["started", "first", "cpu"].map((figure) => figures(several, figure));
      return [name, { started, first, cpu }];
    }),
  );
}

/** Memory of a fresh process, in kilobytes: after each of `counts` requests, and for each of `streams` answers that stay open. */
export async function measureMemory(row, target, { counts, streams }) {
  const fresh = await serve(target.worker);
  const after = [];
  let sent = 0;
  let failed = 0;
  for (const count of counts) {
    const outcome = await load(fresh.port, { next: row.next(target), count: count - sent });
    sent = count;
    failed += outcome.failed;
    await settled();
    after.push({ count, kilobytes: memory(fresh.pid) });
  }
  const before = memory(fresh.pid);
  const open = [];
  for (let index = 0; index < streams; index += 1) {
    const connection = await connect(fresh.port, false);
    open.push(connection);
    if ((await connection.begin(openStream(target))) !== 200) failed += 1;
  }
  await settled();
  const perStream = (memory(fresh.pid) - before) / streams;
  for (const connection of open) connection.end();
  await fresh.stop();
  return { after, streams, perStream, failed };
}

/** What the memory of a process is, in kilobytes: at first, and after so many requests. */
export async function explainMemory(row, target, count) {
  const fresh = await serve(target.worker, { inspected: true });
  // Attached for each look, as what is attached meanwhile is told of everything. It answers nobody who asks for a collection.
  const look = async () => {
    const inspector = await attach(fresh.inspector);
    const { usedSize, totalSize, backingStorageSize } = await inspector.send("Runtime.getHeapUsage");
    inspector.close();
    const [used, heap, stores] = [usedSize, totalSize, backingStorageSize].map((bytes) => bytes / 1024);
    return { resident: memory(fresh.pid), own: ownMemory(fresh.pid), heap, used, stores };
  };
  const idle = await look();
  await load(fresh.port, { next: row.next(target), count });
  await settled();
  const after = await look();
  await fresh.stop();
  return { idle, after };
}

const settled = () => new Promise((done) => setTimeout(done, 500));
