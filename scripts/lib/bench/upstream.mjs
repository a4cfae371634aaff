// The world behind every target, in a process of its own: an MCP server that answers from memory, and a KV store for each target that has one.
//
// The server is written on bare sockets so that it takes as little as it can of the machine it shares with what is measured. The header
// `mcp-name` chooses the answer. KV is what bare workerd wants of one: GET, PUT and DELETE of a key, and a list.
import http from "node:http";
import net from "node:net";

import { answers } from "./answers.mjs";

const open = "open-stream";
const head = (...lines) => `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n`;
const stream = ["Content-Type: text/event-stream", "Cache-Control: no-store", "Transfer-Encoding: chunked"];

const written = new Map(
  Object.entries(answers()).map(([name, { type, body }]) => {
    if (type === "json") return [name, Buffer.concat([Buffer.from(head("Content-Type: application/json", `Content-Length: ${body.length}`)), body])];
    return [name, Buffer.concat([Buffer.from(head(...stream)), chunked(body), Buffer.from("0\r\n\r\n")])];
  }),
);
written.set(open, Buffer.concat([Buffer.from(head(...stream)), chunked(Buffer.from(": open\n\n"))]));

function chunked(body) {
  const pieces = [];
  for (let at = 0; at < body.length; at += 65_536) {
    const piece = body.subarray(at, at + 65_536);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
  }
  return Buffer.concat(pieces);
}

const server = net.createServer({ noDelay: true }, (socket) => {
  let pending = "";
  socket.setEncoding("latin1").on("data", (text) => {
    pending += text;
    for (;;) {
      const cut = pending.indexOf("\r\n\r\n");
      if (cut < 0) return;
      const headers = pending.slice(0, cut);
      const length = /\ncontent-length: *(\d+)/i.exec(headers);
      const last = length ? cut + 4 + Number(length[1]) : pending.indexOf("0\r\n\r\n", cut) + 5;
      if (last < cut + 4 || pending.length < last) return;
      pending = pending.slice(last);
      const name = /\nmcp-name: *([^\r\n]*)/i.exec(headers)?.[1] ?? /\nmcp-method: *([^\r\n]*)/i.exec(headers)?.[1];
      socket.write(written.get(name) ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
  });
  socket.on("error", () => {});
});

function keyValueStore() {
  const values = new Map();
  return http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://kv");
    const key = decodeURIComponent(pathname.slice(1));
    if (searchParams.has("key_count_limit")) {
      const keys = [...values.keys()].filter((name) => name.startsWith(searchParams.get("prefix") ?? "")).map((name) => ({ name }));
      return response.end(JSON.stringify({ keys, list_complete: true }));
    }
    if (request.method === "GET") {
      if (!values.has(key)) return response.writeHead(404).end();
      const { body, metadata } = values.get(key);
      return response.writeHead(200, metadata ? { "cf-kv-metadata": metadata } : {}).end(body);
    }
    const parts = [];
    for await (const part of request) parts.push(part);
    if (request.method === "PUT") values.set(key, { body: Buffer.concat(parts), metadata: request.headers["cf-kv-metadata"] });
    else values.delete(key);
    response.end();
  });
}

const listening = (listener) => new Promise((done) => listener.listen(0, "127.0.0.1", () => done(listener.address().port)));
process.on("disconnect", () => process.exit());
process.send({ server: await listening(server), kv: [await listening(keyValueStore()), await listening(keyValueStore())] });
