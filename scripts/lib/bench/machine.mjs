// What the machine says of processes and of itself, read from /proc.
import { readFileSync, readdirSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";

const TICK = 10_000; // microseconds: USER_HZ is 100 on every Linux that Node runs on

/** Microseconds of CPU a process has used, in user and kernel mode, with its children that ended. */
export function cpuTime(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK;
}

/** The same of a process that has not run for long, to the nanosecond; without children, and threads that ended. */
export function cpuSinceStart(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8"));
  return threads.reduce((sum, stat) => sum + Number(stat.split(" ")[0]) / 1000, 0);
}

/** Kilobytes of memory a process holds. */
export const memory = (pid) => resident(pid, "VmRSS");

/** The same that is its own: neither the program it runs nor files it has mapped. */
export const ownMemory = (pid) => resident(pid, "RssAnon");

const resident = (pid, kind) => Number(new RegExp(`^${kind}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

/** Microseconds the whole machine was busy. */
export function busyTime() {
  const [user, nice, system, , , irq, soft, steal] = readFileSync("/proc/stat", "utf8").split("\n")[0].split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + soft + steal) * TICK;
}

/** Why the machine is no place to measure on, if it is none. */
export async function disturbance() {
  const [load] = loadavg();
  if (load > availableParallelism()) return `the load average is ${load.toFixed(2)}`;
  const [before, start] = [busyTime(), performance.now()];
  await new Promise((done) => setTimeout(done, 2000));
  const share = (busyTime() - before) / ((performance.now() - start) * 1000);
  return share > 0.1 ? `other processes keep ${Math.round(share * 100)} % of a CPU busy` : undefined;
}

export const description = () => `${availableParallelism()} × ${cpus()[0].model.trim()}, load ${loadavg()[0].toFixed(2)}`;
