// Upstreams that misbehave, one way each. The HTTP ones know the id of the request they answer; the raw ones do not even speak HTTP.
//
// Not here: the upstream that works (upstream.mjs).

import http from "node:http";
import net from "node:net";

import { freePort, listen } from "./listen.mjs";

const json = (response, status, value, headers = {}) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
const result = (id, text) => ({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text }] } });
const event = (message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
const progress = { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: "p", progress: 1 } };

const overHttp = {
  "answers with a redirect": (response, { elsewhere }) => response.writeHead(307, { location: elsewhere }).end(),
  "answers HTML": (response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>"),
  "answers HTML with an error status": (response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad Gateway</h1>"),
  "answers 200 with nothing": (response) => response.writeHead(200).end(),
  "answers garbage that it calls JSON": (response) => {
    const garbage = "%PDF-1.7 this is not what you asked for";
    response.writeHead(200, { "content-type": "application/json", "content-length": garbage.length }).end(garbage);
  },
  "breaks off in the middle of a short answer": (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": 400 });
    response.write('{"jsonrpc":"2.0",', () => response.socket.destroy());
  },
  "stalls in the middle of a short answer": (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": 400 });
    response.write('{"jsonrpc":"2.0",');
  },
  "answers 401 with its own challenge": (response) =>
    json(response, 401, { error: "invalid_token" }, { "www-authenticate": 'Bearer resource_metadata="https://elsewhere.example/.well-known/oauth-protected-resource"' }),
  "answers 403": (response) => json(response, 403, { error: "forbidden" }),
  "answers 500 with a JSON-RPC error": (response, { id }) =>
    json(response, 500, { jsonrpc: "2.0", id, error: { code: -32603, message: "The database is away", data: { shard: 7 } } }),
  "answers 400 with a validation error": (response, { id }) =>
    json(response, 400, { jsonrpc: "2.0", id, error: { code: -32602, message: "Invalid arguments for tool sum: b must be a number", data: { path: ["b"], got: "two" } } }),
  "answers 404 for the session": (response, { id }) => json(response, 404, { jsonrpc: "2.0", id, error: { code: -32001, message: "Session not found" } }),
  "sets cookies and headers of its own": (response, { id }) =>
    json(response, 200, result(id, "fine"), {
      "set-cookie": "upstream=1; Path=/",
      "www-authenticate": "Basic realm=upstream",
      "access-control-allow-origin": "https://evil.example",
      "cache-control": "public, max-age=600",
      "x-powered-by": "upstream",
    }),
  "breaks off in the middle of a stream": (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(event(progress), () => response.socket.destroy());
  },
  "streams slowly": (response, { id, released }) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(event(progress));
    released.then(() => response.end(event(result(id, "at last"))));
  },
};

const raw = {
  "never answers": () => {},
  "hangs up": (socket) => socket.destroy(),
  "answers bytes that are not HTTP": (socket) => socket.end(Buffer.from([0, 159, 146, 150, 13, 10, 7, 7, 7, 13, 10, 13, 10])),
  "sends a header without end": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nX-Endless: ");
    const filler = "a".repeat(16_384);
    const more = () => {
      while (!socket.destroyed && socket.write(filler));
      if (!socket.destroyed) socket.once("drain", more);
    };
    more();
  },
  "sends a huge header": (socket) => {
    socket.end(`HTTP/1.1 200 OK\r\nX-Huge: ${"a".repeat(2_000_000)}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`);
  },
};

/** Every way there is, by name. */
export const MISBEHAVIOURS = ["refuses connections", ...Object.keys(raw), ...Object.keys(overHttp)];

/** An upstream with that misbehaviour: `url`, the `requests` that came, `release()` for the one that waits, `left` for when
 * its caller has gone, `stop()`. */
export async function startBroken(misbehaviour, { elsewhere } = {}) {
  const requests = [];
  if (misbehaviour === "refuses connections") {
    return { url: `http://localhost:${await freePort()}/mcp`, requests, release() {}, async stop() {} };
  }
  const { promise: released, resolve: release } = Promise.withResolvers();
  const { promise: left, resolve: leave } = Promise.withResolvers();
  const answer = overHttp[misbehaviour];
  const server = answer ? http.createServer(speakHttp) : net.createServer(speakRaw(raw[misbehaviour]));
  const { origin, stop } = await listen(server);
  return { url: `${origin}/mcp`, requests, release, left, stop };

  async function speakHttp(request, response) {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push({ method: request.method, headers: request.headers, body });
    response.on("close", leave);
    answer(response, { id: identifier(body), elsewhere, released });
  }

  function speakRaw(misbehave) {
    return (socket) => {
      let head = "";
      socket.on("data", function reading(chunk) {
        head += chunk;
        if (!head.includes("\r\n\r\n")) return;
        socket.off("data", reading).resume();
        requests.push({ head });
        misbehave(socket);
      });
    };
  }
}

function identifier(body) {
  try {
    return JSON.parse(body).id ?? null;
  } catch {
    return null;
  }
}
