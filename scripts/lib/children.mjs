// Child processes that end with the script: each leads a process group of its own, so that what it starts ends with it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { environment, root } from "./ground.mjs";

const groups = [];
let ending;

/** Starts a command and shows the lines that are `wanted`. Its end, unless we asked for it, ends everything. */
export function start(name, command, args, { variables = {}, wanted = () => true } = {}) {
  const env = { ...environment, ...variables };
  const unwanted = [];
  const child = spawn(command, args, { cwd: root, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  if (child.pid) groups.push(child.pid);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => (wanted(line) ? console.log(line) : unwanted.push(line)));
  }
  child.on("error", (error) => endAll(`${name} could not be started: ${error.message}`));
  child.on("close", (code, signal) => {
    endAll([...unwanted.slice(-30), `${name} ended by itself (${signal ?? `exit code ${code}`}), so the rest ends too`].join("\n"));
  });
}

/** Ends every group, politely first, then the script. */
export function endAll(problem) {
  ending ??= (async () => {
    if (problem) console.error(problem);
    const signal = (name) => groups.map((pid) => tell(pid, name)).some(Boolean);
    signal("SIGTERM");
    for (let waited = 0; signal(0) && waited < 3000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    signal("SIGKILL");
    process.exit(problem ? 1 : 0);
  })();
  return ending;
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
process.on("uncaughtException", (error) => endAll(error.stack));
