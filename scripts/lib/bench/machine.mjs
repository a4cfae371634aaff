// What the machine says of processes and of itself, read from /proc.
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";

const TICK = 10_000; // microseconds: USER_HZ is 100 on every Linux that Node runs on

/** Microseconds of CPU a process has used, in user and kernel mode, with its children that ended. */
export function cpuTime(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK;
}

/** Kilobytes of memory a process holds. */
export const memory = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

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
