// Upstreams that are really written in Python, in one process: FastMCP, FastMCP's OAuth proxy and the official SDK, each behind a proxy that
// tests can bend.
//
// Not here: the servers themselves (python/upstreams.py).

import { fileURLToPath } from "node:url";

import { startBendingProxy } from "./bending-proxy.mjs";
import { start } from "./child.mjs";
import { python } from "./python/python.mjs";

const PROGRAM = fileURLToPath(new URL("python/upstreams.py", import.meta.url));

/** Starts those that are described as {slug: (origin) => ({kind, …})}: each is {origin, url, exchanges, bend, asked}. */
export async function startPythonUpstreams(described) {
  const interpreter = python();
  const fronts = await Promise.all(Object.keys(described).map(() => startBendingProxy()));
  const wanted = await Promise.all(Object.values(described).map(async (describe, index) => ({ ...(await describe(fronts[index].origin)), base: fronts[index].origin })));
  const child = start(interpreter, [PROGRAM, JSON.stringify(wanted)]);
  try {
    const { ports } = JSON.parse((await child.says(/^\{"ports":.*\}$/m))[0]);
    for (const [index, port] of ports.entries()) fronts[index].passTo(port);
  } catch (error) {
    await Promise.all([child.stop(), ...fronts.map((front) => front.stop())]);
    throw error;
  }
  const upstreams = Object.keys(described).map((slug, index) => {
    const front = fronts[index];
    const asked = (path, fits = () => true) => front.exchanges.filter((exchange) => exchange.path === path && exchange.method === "POST" && fits(exchange));
    return [slug, { origin: front.origin, url: `${front.origin}/mcp`, exchanges: front.exchanges, bend: front.bend, asked }];
  });
  return {
    ...Object.fromEntries(upstreams),
    stop: () => Promise.all([child.stop(), ...fronts.map((front) => front.stop())]),
  };
}
