// Free loopback ports, and servers that end at once.
//
// Not here: what is served.

import { once } from "node:events";

/** Listens on a free port of `host`; `origin` is written with localhost, as people write it. */
export async function listen(server, { port = 0, host = "127.0.0.1" } = {}) {
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  server.listen(port, host);
  await once(server, "listening");
  const taken = server.address().port;
  return {
    port: taken,
    origin: `http://localhost:${taken}`,
    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A port nobody listens on, taken and given back. */
export async function freePort() {
  const { createServer } = await import("node:net");
  const { port, stop } = await listen(createServer());
  await stop();
  return port;
}
