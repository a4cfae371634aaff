// The world behind every target, in a process of its own: an MCP server that answers from memory, its authorization server, and a KV store
// for each target that has one.
//
// The server is written on bare sockets so that it takes as little as it can of the machine it shares with what is measured. The header
// `mcp-name`, or the end of the path, chooses the answer. KV is what bare workerd wants of one: GET, PUT and DELETE of a key, and a list.
import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";

import { answers } from "./answers.mjs";
import { newKey, startIssuer } from "./issuer.mjs";

const open = "open-stream";
const head = (...lines) => `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n`;
const stream = ["Content-Type: text/event-stream", "Cache-Control: no-store", "Transfer-Encoding: chunked"];

const written = new Map(
  Object.entries(answers()).map(([name, { type, body, pieces }]) => {
    if (type === "json") return [name, Buffer.concat([Buffer.from(head("Content-Type: application/json", `Content-Length: ${body.length}`)), body])];
    return [name, Buffer.concat([Buffer.from(head(...stream)), chunked(body, pieces), Buffer.from("0\r\n\r\n")])];
  }),
);
written.set(open, Buffer.concat([Buffer.from(head(...stream)), chunked(Buffer.from(": open\n\n"))]));

function chunked(body, size = 65_536) {
  const pieces = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
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
      const chunks = /\ntransfer-encoding: *chunked/i.test(headers);
      const last = chunks ? pending.indexOf("0\r\n\r\n", cut) + 5 : cut + 4 + Number(length?.[1] ?? 0);
      if (last < cut + 4 || pending.length < last) return;
      pending = pending.slice(last);
      const list = /^POST \S*\/(list-2mb-\w+) /.exec(headers)?.[1];
      const name = list ?? /\nmcp-name: *([^\r\n]*)/i.exec(headers)?.[1] ?? /\nmcp-method: *([^\r\n]*)/i.exec(headers)?.[1];
      socket.write(written.get(name) ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
  });
  socket.on("error", () => {});
});

function keyValueStore(values) {
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

/** Connections of other people: as many keys, as long as real ones, and values of their size. */
function fill(values, count) {
  const body = Buffer.alloc(1200, "A");
  for (let index = 0; index < count; index += 1) {
    values.set(`connection:${createHash("sha256").update(String(index)).digest("base64url")}`, { body });
  }
}

const listening = (listener) => new Promise((done) => listener.listen(0, "127.0.0.1", () => done(listener.address().port)));
const stores = [new Map(), new Map()];
let refreshes = 0;
const key = newKey();
const issuer = startIssuer(key, () => (refreshes += 1));

process.on("disconnect", () => process.exit());
process.on("message", ({ connections }) => {
  if (connections) fill(stores[0], connections);
  process.send({ refreshes, stored: stores[0].size });
});
const kv = await Promise.all(stores.map((values) => listening(keyValueStore(values))));
process.send({ server: await listening(server), issuer: await listening(issuer), key, kv });
