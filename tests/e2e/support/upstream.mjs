// A real upstream MCP server on the TypeScript SDK 2.x: one endpoint, both eras, and a memory of every request that arrived.
//
// Not here: what it offers (upstream-features.mjs), servers that misbehave (broken-upstreams.mjs).

import { randomUUID } from "node:crypto";
import http from "node:http";

import { NodeStreamableHTTPServerTransport, localhostHostValidation, localhostOriginValidation, toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, isLegacyRequest } from "@modelcontextprotocol/server";

import { listen } from "./listen.mjs";
import { buildServer } from "./upstream-features.mjs";

/**
 * Starts one. `requests` holds {method, headers, body, json} of everything received, oldest first.
 * `modernOnly` makes it refuse the older revisions.
 * `admit(request, response, json)` may answer a request itself and then says false; `extend(server)` adds to what it offers.
 */
export async function startUpstream({ path = "/mcp", name, port = 0, modernOnly = false, admit = () => true, extend = () => {} } = {}) {
  const requests = [];
  const sessions = new Map();
  const offer = (options) => {
    const mcp = buildServer({ name, ...options });
    extend(mcp);
    return mcp;
  };
  const modern = createMcpHandler(({ era }) => offer({ notify: modern.notify, era }), { legacy: "reject", keepAliveMs: 0 });
  const serveModern = toNodeHandler(modern);
  const hostAllowed = localhostHostValidation();
  const originAllowed = localhostOriginValidation();

  const server = http.createServer(async (request, response) => {
    const body = await readAll(request);
    const json = parse(body);
    requests.push({ method: request.method, url: request.url, headers: request.headers, rawHeaders: request.rawHeaders, body, json });
    if (!(await admit(request, response, json))) return;
    if (new URL(request.url, "http://upstream").pathname !== path) return void response.writeHead(404).end();
    if (!hostAllowed(request, response) || !originAllowed(request, response)) return;
    if (!modernOnly && (await isLegacyRequest(webRequest(request), json))) return serveLegacy(request, response, json);
    await serveModern(request, response, json);
  });

  async function serveLegacy(request, response, json) {
    const known = sessions.get(request.headers["mcp-session-id"]);
    if (known) return known.handleRequest(request, response, json);
    if (json?.method !== "initialize") {
      const status = request.headers["mcp-session-id"] ? 404 : 400;
      response.writeHead(status, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ jsonrpc: "2.0", id: json?.id ?? null, error: { code: -32001, message: "Session not found" } }));
    }
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const mcp = offer({ notify: { toolsChanged: () => mcp.sendToolListChanged(), promptsChanged: () => mcp.sendPromptListChanged() } });
    await mcp.connect(transport);
    await transport.handleRequest(request, response, json);
  }

  const { origin, stop } = await listen(server, { port });
  return {
    url: `${origin}${path}`,
    requests,
    sessions,
    calls: (method) => requests.filter((request) => request.json?.method === method),
    /** Forgets every session, as a restarted server would. */
    forgetSessions: () => sessions.clear(),
    async stop() {
      await modern.close();
      await stop();
    },
  };
}

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parse(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Only what the SDK's era check looks at: the method and the headers; the body is handed over parsed. */
function webRequest({ method, url, headers }) {
  const copy = new Headers();
  for (const [name, value] of Object.entries(headers)) if (typeof value === "string") copy.set(name, value);
  return new Request(new URL(url, "http://upstream"), { method, headers: copy });
}
