// Load on keep-alive connections, each with one request under way at a time, on bare sockets so that it costs little beside what is measured.
import net from "node:net";

/** A request as it goes over the wire. */
export function wire({ method = "POST", path, headers = {}, body = "" }) {
  const all = { host: "localhost:8787", "user-agent": "bench/1", "accept-encoding": "gzip", ...headers, "content-length": Buffer.byteLength(body) };
  if (method === "GET") delete all["content-length"];
  const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

/**
 * Sends requests for `seconds`, or `count` of them, and waits for every answer.
 * An answer counts as failed unless it has the `expected` status and, where it is given, the `length`.
 * `next(connection)` is the next request of a connection, and `learn(connection, body)` is told each answer.
 */
export async function load(port, { next, expected = 200, length, connections = 8, seconds = Infinity, count = Infinity, learn }) {
  const latencies = [];
  const outcome = { failed: 0, wrong: {} };
  const start = performance.now();
  const end = start + seconds * 1000;
  let left = count;
  const work = async (index) => {
    const connection = await connect(port, learn !== undefined);
    while (left-- > 0 && performance.now() < end) {
      const sent = performance.now();
      const answer = await connection.ask(next(index));
      latencies.push(performance.now() - sent);
      learn?.(index, answer.body);
      const wrong = answer.status !== expected ? answer.status : length !== undefined && answer.length !== length && `${answer.length} bytes`;
      if (!wrong) continue;
      outcome.failed += 1;
      outcome.wrong[wrong] = (outcome.wrong[wrong] ?? 0) + 1;
    }
    connection.end();
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => work(index)));
  const elapsed = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  return { ...outcome, requests: latencies.length, perSecond: latencies.length / elapsed, p50: at(0.5), p99: at(0.99) };
}

/** A connection that asks and reads one answer at a time. */
export function connect(port, keep = true) {
  const reader = new Reader(keep);
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: Buffer.alloc(262_144), callback: (length, buffer) => (reader.take(buffer.subarray(0, length)), true) },
    });
    socket.on("error", (error) => (reject(error), reader.fail(error)));
    socket.on("close", () => reader.fail(new Error("the connection was closed")));
    socket.on("connect", () => {
      resolve({
        ask: (bytes) => {
          const answer = reader.answer();
          socket.write(bytes);
          return answer;
        },
        /** Resolves when the head of an answer is there; its body may never end. */
        begin: (bytes) => {
          const begun = reader.begun();
          socket.write(bytes);
          return begun;
        },
        end: () => socket.destroy(),
      });
    });
  });
}

/** Reads answers from a connection: only as much of HTTP/1.1 as workerd writes. */
class Reader {
  #keep;
  #waiting;
  #begun;
  #head = "";
  #kept = [];
  #status = 0;
  #length = 0; // of the body so far
  #left = 0; // of the body, or of the chunk
  #state = "head"; // head, body, size, chunk, after, last

  constructor(keep) {
    this.#keep = keep;
  }

  answer() {
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  begun() {
    this.answer().catch(() => {});
    return new Promise((resolve) => (this.#begun = resolve));
  }

  fail(error) {
    this.#waiting?.reject(error);
  }

  take(bytes) {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "body" || this.#state === "chunk") {
        const part = bytes.subarray(at, at + this.#left);
        if (this.#keep) this.#kept.push(Buffer.from(part));
        this.#length += part.length;
        this.#left -= part.length;
        at += part.length;
        if (this.#left > 0) continue;
        if (this.#state === "body") this.#done();
        else this.#state = "after";
      } else {
        at = this.#line(bytes, at);
      }
    }
  }

  /** A head, a chunk's size or the line end after a chunk: read to its end, which may be in a later piece. */
  #line(bytes, at) {
    const mark = this.#state === "head" ? "\r\n\r\n" : "\r\n";
    const before = this.#head.length;
    const text = this.#head + bytes.latin1Slice(at, Math.min(bytes.length, at + 16_384));
    const cut = text.indexOf(mark);
    if (cut < 0) {
      this.#head = text;
      return bytes.length;
    }
    this.#head = "";
    if (this.#state === "head") this.#headers(text.slice(0, cut));
    else if (this.#state === "size") this.#size(Number.parseInt(text, 16));
    else if (this.#state === "last") this.#done();
    else this.#state = "size";
    return at + cut + mark.length - before;
  }

  #headers(text) {
    this.#status = Number(text.slice(9, 12));
    this.#begun?.(this.#status);
    this.#length = 0;
    const length = /\ncontent-length: *(\d+)/i.exec(text);
    this.#left = length ? Number(length[1]) : 0;
    if (!length && /\ntransfer-encoding: *chunked/i.test(text)) this.#state = "size";
    else if (this.#left > 0) this.#state = "body";
    else this.#done();
  }

  #size(bytes) {
    this.#left = bytes;
    this.#state = bytes > 0 ? "chunk" : "last";
  }

  #done() {
    this.#state = "head";
    const body = this.#keep ? Buffer.concat(this.#kept.splice(0)).toString() : undefined;
    this.#waiting?.resolve({ status: this.#status, length: this.#length, body });
  }
}
