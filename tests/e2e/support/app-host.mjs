// The page of a host of MCP Apps on a free port, and the example server that it shows, as npm has both.
//
// Not here: what the host does (app-host-entry.js).

import http from "node:http";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { packaged, start } from "./child.mjs";
import { freePort, listen } from "./listen.mjs";

const ENTRY = fileURLToPath(new URL("app-host-entry.js", import.meta.url));

/** The host; `url` is its page. */
export async function startAppHost() {
  const { outputFiles } = await build({ entryPoints: [ENTRY], bundle: true, write: false, format: "iife", platform: "browser" });
  const page = `<!doctype html><meta charset="utf-8"><title>Sunflower Desk</title><body><script src="/host.js"></script>`;
  const files = { "/": ["text/html", page], "/host.js": ["text/javascript", outputFiles[0].text] };
  const server = http.createServer((request, response) => {
    const [type, text] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(text ? 200 : 204, { "content-type": type }).end(text);
  });
  const { origin, stop } = await listen(server);
  return { url: `${origin}/`, stop };
}

/** The example server of the extension's authors: one tool, get-time, and its page. */
export async function startAppServer() {
  const port = await freePort();
  const file = packaged("@modelcontextprotocol/server-basic-vanillajs/dist/index.js");
  const child = start(process.execPath, [file], { env: { PATH: process.env.PATH, PORT: String(port) } });
  await child.says(/listening on/);
  return { url: `http://localhost:${port}/mcp`, stop: child.stop };
}
