// The built Worker with a counter on each way out of the isolate: KV, the kinds of object, and fetch.
//
// `GET /__counts` answers the counts since it was last asked; it exists in this wrapper only. Not here: any behaviour of the gateway.

import gateway, { Account, Connection, Grant, Issuer } from "./entry.js";

export { Account, Connection, Grant, Issuer };

let counts = zero();

const fetchOutside = globalThis.fetch;
globalThis.fetch = (...request) => {
  counts.subrequests += 1;
  return fetchOutside(...request);
};

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/__counts") {
      const answer = Response.json(counts);
      counts = zero();
      return answer;
    }
    return gateway.fetch(request, watched(env), context);
  },
};

function zero() {
  return { kv: 0, objects: 0, subrequests: 0 };
}

/** Wrapped once per environment, as the runtime hands out the same one for the isolate's life. */
const wrapped = new WeakMap();
function watched(env) {
  if (!wrapped.has(env)) {
    wrapped.set(env, {
      ...env,
      KV: counting(env.KV, "kv", ["get", "getWithMetadata", "put", "delete", "list"]),
      GRANT: counting(env.GRANT, "objects", ["get", "getByName"]),
      ACCOUNT: counting(env.ACCOUNT, "objects", ["get", "getByName"]),
      CONNECTION: counting(env.CONNECTION, "objects", ["get", "getByName"]),
      ISSUER: counting(env.ISSUER, "objects", ["get", "getByName"]),
    });
  }
  return wrapped.get(env);
}

/** For objects the stub is what is counted: the gateway takes one per call. */
function counting(binding, name, methods) {
  return new Proxy(binding, {
    get(target, property) {
      const value = Reflect.get(target, property, target);
      if (typeof value !== "function" || property === "constructor") return value;
      return (...parameters) => {
        if (methods.includes(property)) counts[name] += 1;
        return value.apply(target, parameters);
      };
    },
  });
}
