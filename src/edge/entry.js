// The Worker's outermost layer: hands requests and Durable Object calls to Rust, and starts Rust afresh after a trap.
//
// Rust is built with panic=abort, so a panic traps and leaves the instance's memory in an unknown state. Every call then
// inside that instance is answered with a 500, and the next one meets a new instance.
//
// Not here: anything that decides. Routes, limits and answers are Rust's.

import module from "./index_bg.wasm";
import * as rust from "./index.js";

rust.initSync({ module });

let instance = 0; // which one is alive; a Rust object belongs to the instance that made it
let lastTrap;
const waiting = new Set(); // what ends each call into the instance that is alive

// A trap in a continuation surfaces here, not in the promise its call is waiting for, which would never settle.
addEventListener("error", (event) => startAfresh(event.error));
addEventListener("unhandledrejection", (event) => startAfresh(event.reason));

function startAfresh(error) {
  const trapped = error instanceof WebAssembly.RuntimeError || error instanceof RangeError; // RangeError: the stack ran out
  if (!trapped || error === lastTrap) return;
  lastTrap = error;
  console.error(JSON.stringify({ event: "gateway_panicked", calls: waiting.size, error: String(error.stack) }));
  rust.__wbg_reset_state();
  instance += 1;
  for (const end of waiting) end(error);
  waiting.clear();
}

/** Calls into Rust; rejects when the instance traps before it answers. */
function call(operation) {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    const settled = (settle) => (value) => {
      waiting.delete(reject);
      settle(value);
    };
    try {
      operation().then(settled(resolve), settled(reject));
    } catch (error) {
      startAfresh(error);
      settled(reject)(error);
    }
  });
}

export default {
  fetch(request, env, ctx) {
    const answer = call(() => rust.fetch(request, env, ctx)).catch(panicked);
    // To its end even when the client leaves: a call that is dropped half-way never frees what it holds in Rust.
    ctx.waitUntil(answer);
    return answer;
  },
};

function panicked() {
  const request_id = crypto.randomUUID().replaceAll("-", "");
  const body = { error: "internal", reason: "gateway_panicked", request_id };
  return Response.json(body, { status: 500, headers: { "cache-control": "no-store", "x-request-id": request_id } });
}

/** A Durable Object of class `name` whose Rust side is made again in a new instance. Its state is in storage only. */
const durable = (name) =>
  class {
    #made;
    #made_in;

    constructor(state, env) {
      this.make = () => new rust[name](state, env);
    }

    #object() {
      if (this.#made_in !== instance) {
        this.#made = this.make();
        this.#made_in = instance;
      }
      return this.#made;
    }

    fetch(request) {
      return call(() => this.#object().fetch(request));
    }

    alarm() {
      return call(() => this.#object().alarm());
    }
  };

export const Grant = durable("Grant");
export const Account = durable("Account");
export const Connection = durable("Connection");
export const Issuer = durable("Issuer");
