// A streaming reverse proxy: keeps Host and Origin as they came, and hangs up on the gateway when the client hangs up.
//
// Not here: TLS, and any reading of what passes.

import http from "node:http";

import { listen } from "./listen.mjs";

/** `route(request)` answers where a request goes: the loopback `port`, and `headers` to add. */
export async function startReverseProxy(route) {
  const server = http.createServer((incoming, answer) => {
    const { port, headers = {} } = route(incoming);
    const outgoing = http.request(
      { host: "127.0.0.1", port, path: incoming.url, method: incoming.method, headers: [...incoming.rawHeaders, ...Object.entries(headers).flat()], agent: false },
      (response) => {
        answer.writeHead(response.statusCode, response.rawHeaders);
        response.on("error", () => answer.destroy()).pipe(answer);
        answer.flushHeaders();
      },
    );
    outgoing.on("error", () => answer.destroy());
    answer.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  const { origin, port, stop } = await listen(server);
  return { url: origin, port, stop };
}
