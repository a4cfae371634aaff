// The built Worker with a counter on each way out of the isolate: KV, objects, and fetch.
//
// `GET /__counts` answers the counts since it was last asked, and `GET /__stored` how often storage was written or an object asked since
// then. `GET /__told` answers how often what was counted of requests was told, which no other count has, and `GET /__points` the data points
// of analytics, of which the local runtime keeps none. `GET /__trap` does to the instance what a panic in Rust does. They exist in this
// wrapper only. Not here: any behaviour of the gateway.

import gateway from "./entry.js";
import { alive, enter } from "./instance.js";

export * from "./entry.js";

let counts = zero();
let stored = nothing();
let told = 0;
const points = [];
const ANALYTICS = { writeDataPoint: (point) => void points.push(point) };

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
    if (new URL(request.url).pathname === "/__stored") {
      const answer = Response.json(stored);
      stored = nothing();
      return answer;
    }
    if (new URL(request.url).pathname === "/__told") {
      const answer = Response.json(told);
      told = 0;
      return answer;
    }
    if (new URL(request.url).pathname === "/__points") return Response.json(points.splice(0));
    if (new URL(request.url).pathname === "/__trap") return trapped();
    return gateway.fetch(request, watched(env), context);
  },
};

function trapped() {
  try {
    enter(alive(), () => {
      throw new WebAssembly.RuntimeError("unreachable");
    });
  } catch {
    return new Response("trapped");
  }
}

function zero() {
  return { kv: 0, objects: 0, subrequests: 0 };
}

function nothing() {
  return { writes: 0, objects: 0 };
}

/** Wrapped once per environment, as the runtime hands out the same one for the isolate's life. */
const wrapped = new WeakMap();
function watched(env) {
  if (!wrapped.has(env)) {
    wrapped.set(env, { ...Object.fromEntries(Object.entries(env).map(([name, binding]) => [name, watch(binding, name)])), ANALYTICS });
  }
  return wrapped.get(env);
}

function watch(binding, name) {
  if (name === "METRICS") return counting(binding, name, ["getByName"]);
  if (binding?.getWithMetadata) return counting(binding, "kv", ["get", "getWithMetadata", "put", "delete", "list"]);
  if (binding?.idFromName) return counting(binding, "objects", ["get", "getByName"]);
  return binding;
}

/** For objects the stub is what is counted: the gateway takes one per call. */
function counting(binding, name, methods) {
  return new Proxy(binding, {
    get(target, property) {
      const value = Reflect.get(target, property, target);
      if (typeof value !== "function" || property === "constructor") return value;
      return (...parameters) => {
        if (name === "METRICS") told += methods.includes(property);
        else if (methods.includes(property)) counts[name] += 1;
        if (name === "kv" && ["put", "delete"].includes(property)) stored.writes += 1;
        if (name === "objects" && methods.includes(property)) stored.objects += 1;
        return value.apply(target, parameters);
      };
    },
  });
}
