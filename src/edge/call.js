// One request under way: does the errands of its flow, which `host_queue.rs` holds and `wire.rs` writes into a string, until there
// is a reply. Bodies stay on this side, by number: 0 is the request's.
//
// Not here: what an answer means, which Rust judges. How it is waited for is decided here, because only here a body can be left alone.

import { alive, enter, packed, woken } from "./instance.js";
import { learned } from "./ready.js";
import { rewritten } from "./rewritten.js";

// An answer up to this size is waited for: should it stall, break off or be garbage, the client can still be told.
const SMALL = 16 * 1024;
// A client that leaves sooner, in milliseconds, is noticed when this is over.
const UNWATCHED = 500;
// What a flow comes to; everything else is an errand.
const OUTCOMES = ["usual", "reply", "stream", "ready", "goes_on", "ends", "settled"];
// Sets of usual headers.
const KEPT = 32;
// What stands before the number of a body that Rust reads on its way.
const REWRITTEN = "rewritten ";
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d]; // RFC 8259 §2

const usual = new Map(); // headers by their text

export const isReply = (outcome) => outcome.startsWith("usual\n") || outcome.startsWith("reply\n");

/** The response that a reply describes. */
export function response(born, number, outcome, bodies, through) {
  const [kind, status, source, id] = outcome.split("\n", 4);
  const body = own(born, number, source, outcome) ?? throughRust(born, number, source, bodies, through) ?? relayed(bodies?.[source]);
  const from = `${kind}\n${status}\n${source}\n`.length;
  const headers = kind === "usual" ? known(outcome, from + id.length + 1, id) : unpacked(outcome.slice(from, outcome.indexOf("\0", from)).split("\n"));
  return new Response(body, { status, headers });
}

/** Headers as they were made once, with the id of this request. A response has a copy of them. */
function known(outcome, from, id) {
  const text = outcome.slice(from, outcome.indexOf("\0", from));
  let headers = usual.get(text);
  if (headers === undefined) {
    if (usual.size >= KEPT) usual.clear();
    usual.set(text, (headers = unpacked(text.split("\n"))));
  }
  headers.set("x-request-id", id);
  return headers;
}

export function unpacked(lines) {
  const headers = new Headers();
  for (let i = 0; i + 1 < lines.length; i += 2) headers.append(lines[i], lines[i + 1]);
  return headers;
}

const linesOf = (outcome) => outcome.slice(0, outcome.indexOf("\0")).split("\n");

/** A body that comes from Rust. */
function own(born, number, source, outcome) {
  if (source === "text") return outcome.slice(outcome.indexOf("\0") + 1);
  if (source === "bytes") return enter(born, (rust) => rust.bytes(number));
}

/** A body that Rust reads on its way. `through` is called once it is. */
function throughRust(born, number, source, bodies, through) {
  if (!source.startsWith(REWRITTEN)) return undefined;
  const rewriting = enter(born, (rust) => rust.rewriting(number));
  const body = relayed(bodies[source.slice(REWRITTEN.length)]);
  return rewritten(new Response(body).body, (operation) => enter(born, () => operation(rewriting)), through);
}

/** A body that is handed on: read already, or as the stream that it is. */
const relayed = (body) => (body instanceof ArrayBuffer ? body : (body?.body ?? null));

/** Gives what no reply waits for, where there is anything, to `keep` as a promise. `next` makes the number it goes by. */
export function afterwards(next, request, env, keep) {
  const born = alive(); // may be another than the reply comes from, and then there is nothing
  if (enter(born, (rust) => rust.unsettled())) keep(new Call(born, next(), request).settle(env));
}

export class Call {
  #born; // the instance of Rust it belongs to
  #number; // what it goes by there
  #bodies; // requests, responses, and what was read of a response
  #giveUp = () => {}; // ends what is waited for, with the reason
  #deadline = 0; // of what is waited for
  #alarm = Infinity; // when the timer goes off
  #watched = false; // whether a client that leaves is noticed
  #attended = true; // whether what is waited for is worth nothing without the client
  #waiting; // for a promise of Rust's

  constructor(born, number, request) {
    this.#born = born;
    this.#number = number;
    this.#bodies = [request];
  }

  /** Goes on from an outcome to the reply. What lasts longer, a stream of events, is given to `keep` as a promise. */
  async run(outcome, next, env, keep) {
    const last = learned(undefined, await this.#settle(outcome)); // what took a while is not ready for others
    const through = () => afterwards(next, this.#bodies[0], env, keep); // what such a body told of its server is kept
    if (isReply(last)) return response(this.#born, this.#number, last, this.#bodies, through);
    const [, milliseconds, words] = last.split("\n", 3);
    const reply = last.slice(`stream\n${milliseconds}\n${words}\n`.length);
    const source = reply.split("\n", 3)[2].replace(REWRITTEN, "");
    const { readable, writable } = new IdentityTransformStream();
    const look = () => enter(this.#born, (rust) => rust.look(this.#number, words, Date.now(), env));
    keep(this.#hand(this.#bodies[source].body, writable, Number(milliseconds), look).catch(() => {}));
    this.#bodies[source] = { body: readable };
    return response(this.#born, this.#number, reply, this.#bodies, through);
  }

  /** Does what is left, behind the client's back. What fails is Rust's to know. */
  async settle(env) {
    try {
      await this.#settle(this.#enter((rust, call) => rust.settle(call, Date.now(), env)));
    } catch {
      // The instance is gone, and with it what was to be written.
    }
  }

  /** Does errands until the flow comes to something. */
  async #settle(outcome) {
    for (;;) {
      const [errand, ...lines] = linesOf(outcome);
      if (OUTCOMES.includes(errand)) return outcome;
      if (errand.startsWith("fetch")) {
        this.#attended = errand === "fetch";
        outcome = await this.#fetch(lines, outcome);
      } else if (errand === "read") outcome = await this.#read(...lines.map(Number));
      else if (errand === "discard") outcome = this.#discard(Number(lines[0]));
      else if (errand === "wait") outcome = await this.#wait();
      else throw new Error("nothing to go on with");
    }
  }

  /**
   * Hands events on for as long as they may last. The pipe is the runtime's own: no JavaScript runs for what passes. Where something is
   * stuck in it at the end, because the client does not read, the connection breaks, and what is sent at last is not put into the middle.
   */
  async #hand(events, writable, milliseconds, look) {
    const stop = new AbortController();
    const through = events.pipeTo(writable, { signal: stop.signal, preventClose: true, preventAbort: true });
    const last = await this.#lasts(through, milliseconds, look).catch(() => undefined);
    stop.abort();
    await through.catch(() => {});
    if (last === undefined) return writable.abort();
    const writer = writable.getWriter();
    if (last) await writer.write(new TextEncoder().encode(last));
    await writer.close();
  }

  /** What is sent at last: nothing where the stream ends by itself, `undefined` where it is broken off. Rejects when it breaks off, or the client leaves. */
  async #lasts(through, milliseconds, look) {
    this.#attended = true;
    for (;;) {
      this.#until(Date.now() + milliseconds);
      try {
        await this.#limited(through);
        return "";
      } catch (reason) {
        if (reason !== "timed_out") throw reason;
      }
      this.#born = alive(); // Rust keeps nothing of a stream: it may go on after the instance it began in
      const standing = await this.#settle(look());
      // Ended without words it is not whole, and must not look so.
      if (standing.startsWith("ends\n")) return standing.slice(standing.indexOf("\0") + 1) || undefined;
      if (this.#bodies[0].signal.aborted) throw "client_gone";
      milliseconds = Number(linesOf(standing)[1]);
    }
  }

  #enter(operation) {
    const outcome = enter(this.#born, (rust) => operation(rust, this.#number));
    // From now on: what it waits for may be there before the errand that led here is awaited.
    if (outcome.startsWith("wait\n")) this.#waiting = woken(this.#number);
    return outcome;
  }

  async #wait() {
    await (this.#waiting ?? woken(this.#number));
    this.#waiting = undefined;
    return this.#enter((rust, call) => rust.woken(call));
  }

  async #fetch([method, url, milliseconds, source, ...headers], outcome) {
    const init = { method, headers: unpacked(headers), body: own(this.#born, this.#number, source, outcome), redirect: "manual" };
    this.#until(Date.now() + Number(milliseconds));
    let head, first;
    try {
      const answer = await this.#limited(fetch(url, init));
      const body = await this.#kept(answer);
      this.#bodies.push(body);
      head = `${answer.status}\n${packed(answer.headers)}`;
      if (body instanceof ArrayBuffer) first = new Uint8Array(body).find((byte) => !WHITE_SPACE.includes(byte)) ?? 0;
    } catch (reason) {
      head = typeof reason === "string" ? reason : "unreachable";
    }
    return this.#enter((rust, call) => rust.fetched(call, head, first, this.#bodies.length - 1));
  }

  /** What of an answer is kept for handing on. The time is for all of it, but not for a stream of events, nor for a long answer. */
  #kept(answer) {
    if (answer.status !== 200) return answer; // nothing of it is handed on unread
    if (/^text\/event-stream\b/i.test(answer.headers.get("content-type"))) return answer;
    const length = declared(answer);
    if (length <= SMALL) return this.#limited(answer.arrayBuffer());
    // The runtime forgets signals and timers of a body that it hands on by itself. A pipe keeps the deadline, and costs as much
    // again as the whole call at 5 MB: only an answer that does not say how long it is goes through one.
    if (length > SMALL || answer.body === null) return answer;
    const { readable, writable } = new IdentityTransformStream();
    answer.body.pipeTo(writable, { signal: AbortSignal.timeout(Math.max(0, this.#deadline - Date.now())) }).catch(() => {});
    return { headers: answer.headers, body: readable };
  }

  async #read(number, limit, milliseconds) {
    const body = this.#bodies[number];
    this.#until(Date.now() + milliseconds);
    let bytes;
    try {
      bytes = new Uint8Array(body instanceof ArrayBuffer ? body : await this.#limited(whole(body, limit)));
      if (bytes.length > limit) throw "too_large";
    } catch (reason) {
      return this.#enter((rust, call) => rust.unread(call, reason === "too_large"));
    }
    return this.#enter((rust, call) => rust.read(call, bytes));
  }

  #discard(number) {
    this.#bodies[number].body?.cancel().catch(() => {});
    return this.#enter((rust, call) => rust.discarded(call));
  }

  /** What a promise settles to. Rejects with a reason when the time is up, or when the client leaves. */
  #limited(promise) {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      promise.then(resolve, reject);
    });
  }

  /**
   * Sets the deadline. One timer serves a request and is never cleared, which would cost more than that it goes off for nothing.
   * When it goes off first, the client is watched: to hear of its leaving costs as much as the timer (14 µs, 3 % of a call), and most calls
   * are over by then.
   */
  #until(deadline) {
    this.#deadline = deadline;
    const now = Date.now();
    const next = this.#watched ? deadline : Math.min(deadline, now + UNWATCHED);
    if (this.#alarm <= next) return;
    this.#alarm = next;
    setTimeout(() => {
      this.#alarm = Infinity;
      this.#watch();
      if (Date.now() < this.#deadline) this.#until(this.#deadline);
      else this.#giveUp("timed_out");
    }, next - now);
  }

  #watch() {
    if (this.#watched) return;
    this.#watched = true;
    const { signal } = this.#bodies[0];
    const gone = () => this.#attended && this.#giveUp("client_gone");
    if (signal.aborted) gone();
    else signal.addEventListener("abort", gone);
  }
}

/** How long a body is, where its sender said so and the runtime holds it to that. */
function declared({ headers }) {
  return headers.has("content-encoding") ? NaN : Number(headers.get("content-length") ?? NaN);
}

/** All of the body of a request or a response. */
async function whole(source, limit) {
  const length = declared(source);
  if (length <= limit) return source.arrayBuffer();
  if (length > limit) throw "too_large";
  const chunks = [];
  let read = 0;
  for await (const chunk of source.body ?? []) {
    read += chunk.byteLength;
    if (read > limit) throw "too_large";
    chunks.push(chunk);
  }
  return new Blob(chunks).arrayBuffer();
}
