// A child process as a test wants it: what it says can be waited for, and it ends with the test.
//
// Not here: what is started.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import path from "node:path";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The program of an npm package, started as its users start it. */
export const packaged = (file) => path.join(ROOT, "node_modules", file);

/** A person's environment with a home of its own, no desktop, and a browser that opens nothing. */
export function quietEnvironment(home, rest = {}) {
  const tools = [path.join(ROOT, "node_modules/.bin"), process.env.PATH].join(path.delimiter);
  return { PATH: tools, HOME: home, BROWSER: "true", NO_COLOR: "1", ...rest };
}

/** Starts a command in a process group of its own. */
export function start(command, args, { env = process.env, cwd = ROOT } = {}) {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const watchers = new Set();
  const said = { stdout: "", stderr: "", both: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (part) => {
      said[stream] += part;
      said.both += part;
      for (const watch of watchers) watch();
    });
  }
  child.stdin.on("error", () => {});
  const ended = new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: undefined, error }));
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  return {
    pid: child.pid,
    said,
    ended,
    /** What the pattern finds in the output, now or later; fails when the process ends without it. */
    says(pattern) {
      return new Promise((resolve, reject) => {
        const watch = () => {
          const found = pattern.exec(said.both);
          if (found) settle(() => resolve(found));
        };
        const settle = (finish) => (watchers.delete(watch), finish());
        watchers.add(watch);
        watch();
        ended.then(({ code, signal, error }) => settle(() => reject(new Error(`ended (${error ?? signal ?? code}) without ${pattern}:\n${said.both}`))));
      });
    },
    /** Sends a message on its standard input, as one line of JSON. */
    write: (message) => child.stdin.write(`${JSON.stringify(message)}\n`),
    /** Signals the whole group, as a terminal does. */
    signal: (name) => signal(child.pid, name),
    async stop() {
      signal(child.pid, "SIGKILL");
      await ended;
    },
  };
}

function signal(pid, name) {
  try {
    if (pid) process.kill(-pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
