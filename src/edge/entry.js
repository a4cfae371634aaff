// The Worker's outermost layer: hands requests and Durable Object calls to Rust.
//
// Not here: anything that decides. Routes, limits and answers are Rust's.

import { Call, afterwards, isReply, response, unpacked } from "./call.js";
import { alive, enter, settled } from "./instance.js";
import { recorded } from "./objects.js";
import { answered, learned, read, uncounted } from "./ready.js";

let calls = 0;
const next = () => (calls = (calls + 1) >>> 0);

export default {
  fetch(request, env, ctx) {
    try {
      const born = alive();
      const now = Date.now();
      const { head, asked } = read(request);
      const ready = answered(asked, now);
      if (ready) return ready;
      for (const [counted, { times, at }] of uncounted()) enter(born, (rust) => rust.repeated(counted, times, at, env));
      const number = next();
      const outcome = learned(asked, enter(born, (rust) => rust.begin(number, head, now, env)), unpacked);
      const keep = (work) => ctx.waitUntil(work);
      const left = () => afterwards(next, request, env, keep);
      if (isReply(outcome)) {
        const answer = response(born, number, outcome); // without a promise: refusals and metadata
        left();
        return answer;
      }
      const answer = new Call(born, number, request).run(outcome, next, env, keep).finally(left).catch(panicked);
      // To its end even when the client leaves: a call that is dropped half-way never frees what it holds in Rust.
      keep(answer);
      return answer;
    } catch {
      return panicked();
    }
  },
};

function panicked() {
  const request_id = crypto.randomUUID().replaceAll("-", "");
  const body = { error: "internal", reason: "gateway_panicked", request_id };
  return Response.json(body, { status: 500, headers: { "cache-control": "no-store", "x-request-id": request_id } });
}

/** A Durable Object of many rows whose Rust side, of class `name`, is made again in a new instance. Its state is in storage only. */
const durable = (name) =>
  class {
    #made;
    #born;

    constructor(state, env) {
      this.make = (rust) => new rust[name](state, env);
    }

    #object(rust) {
      if (this.#born !== alive()) {
        this.#made = this.make(rust);
        this.#born = alive();
      }
      return this.#made;
    }

    fetch(request) {
      return settled((rust) => this.#object(rust).fetch(request));
    }

    alarm() {
      return settled((rust) => this.#object(rust).alarm());
    }
  };

// Each is named once: what is exported here, in Rust, and in the deployment's bindings is one name.
export const { Log, Metrics } = new Proxy({}, { get: (_, name) => durable(name) });
export const { Grant, Account, Connection, Issuer, Once } = new Proxy({}, { get: (_, name) => recorded(name) });
