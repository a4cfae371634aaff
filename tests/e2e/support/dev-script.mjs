// scripts/dev under test: started on a free port, and gone with all that it stored when the test ends.
//
// Not here: what it is asked.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";

import { ROOT, start } from "./child.mjs";
import { request } from "./http.mjs";
import { freePort } from "./listen.mjs";

/** Starts it and, unless told otherwise, waits until it is ready. */
export async function dev(t, args, { port, ready = true } = {}) {
  port ??= await freePort();
  const mark = randomBytes(8).toString("hex");
  const kept = new Set(existsSync(path.join(ROOT, ".dev")) ? readdirSync(path.join(ROOT, ".dev")) : []);
  const script = start(path.join(ROOT, "scripts/dev"), ["--port", String(port), ...args], { env: { ...process.env, STARTED_BY_TEST: mark } });
  t.after(async () => {
    script.signal("SIGTERM");
    await script.ended;
    for (const name of readdirSync(path.join(ROOT, ".dev"))) {
      if (name.startsWith(`${port}`) && !kept.has(name)) rmSync(path.join(ROOT, ".dev", name), { recursive: true, force: true });
    }
  });
  const url = `http://localhost:${port}`;
  if (ready) await script.says(/^ready (\S+)$/m);
  return {
    script,
    url,
    port,
    mark,
    mcpUrl: (slug) => `${url}/v1/mcp/${slug}`,
    fetch: (target, options) => request(new URL(target, url), options),
  };
}

/** The processes that inherited the mark, the script's own included. Linux only, which is where this runs unattended. */
export function startedBy(mark) {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return ids.flatMap((id) => {
    try {
      if (!readFileSync(`/proc/${id}/environ`, "latin1").includes(`STARTED_BY_TEST=${mark}`)) return [];
      return [`${id} ${readFileSync(`/proc/${id}/cmdline`, "latin1").replaceAll("\0", " ")}`];
    } catch {
      return []; // it ended in the meantime
    }
  });
}
