// Child processes that end with the script: each leads a process group of its own, so that what it starts ends with it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { environment, inWords, root, unexpected } from "./ground.mjs";

const groups = [];
let ending;

/** Starts a command and shows the lines that are `wanted`. Its end ends everything, unless it was stopped by what this answers. */
export function start(name, command, args, { variables = {}, wanted = () => true } = {}) {
  const env = { ...environment, ...variables };
  const unwanted = [];
  const child = spawn(command, args, { cwd: root, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  if (child.pid) groups.push(child.pid);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => (wanted(line) ? console.log(line) : unwanted.push(line)));
  }
  child.on("error", (error) => endAll(`${name} could not be started: ${error.message}`));
  let stopped = false;
  const closed = new Promise((resolve) => child.on("close", resolve));
  child.on("close", (code, signal) => {
    if (stopped) return;
    endAll([...unwanted.slice(-30), `${name} ended by itself (${signal ?? `exit code ${code}`}), so the rest ends too`].join("\n"));
  });
  return async () => {
    stopped = true;
    await end([child.pid]);
    await closed;
    groups.splice(groups.indexOf(child.pid), 1);
  };
}

/** Ends every group, politely first, then the script. */
export function endAll(problem) {
  ending ??= (async () => {
    if (problem) console.error(problem);
    await end(groups);
    process.exit(problem ? 1 : 0);
  })();
  return ending;
}

/** Ends groups, politely first. */
async function end(pids) {
  const signal = (name) => pids.map((pid) => tell(pid, name)).some(Boolean);
  signal("SIGTERM");
  for (let waited = 0; signal(0) && waited < 3000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
  signal("SIGKILL");
}

/** Signals a whole group; false when nothing of it is left. */
function tell(pid, signal) {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => endAll());
process.on("exit", () => groups.forEach((pid) => tell(pid, "SIGKILL"))); // whatever else ended it
process.off("uncaughtException", unexpected);
process.on("uncaughtException", (error) => endAll(inWords(error)));
