// The built Worker with a way to its objects: `POST /__object/LOG/0/rows` runs a statement in one of the log's and answers its rows,
// `/__object/METRICS/0/put` and `…/keys` write and list a shard's, `…/ring` sets an alarm for now, which the runtime then delivers, and
// `…/rings` says when there is one.
//
// They exist in this wrapper only. Not here: any behaviour of the gateway.

import gateway, { Account as GatewayAccount, Log as GatewayLog, Metrics as GatewayMetrics, Once as GatewayOnce } from "./entry.js";

export * from "./entry.js";

const WAYS = {
  rows: (storage, { sql, bound = [] }) => storage.sql.exec(sql, ...bound).toArray(),
  put: (storage, rows) => storage.put(rows),
  keys: async (storage) => [...(await storage.list()).keys()],
  ring: (storage) => storage.setAlarm(Date.now()),
  rings: (storage) => storage.getAlarm(),
};

const open = (Real) =>
  class extends Real {
    constructor(state, env) {
      super(state, env);
      this.storage = state.storage;
    }

    async fetch(request) {
      const { hostname, pathname } = new URL(request.url);
      if (hostname !== "tests") return super.fetch(request);
      return Response.json((await WAYS[pathname.slice(1)](this.storage, await request.json())) ?? null);
    }
  };

export const Account = open(GatewayAccount);
export const Once = open(GatewayOnce);
export const Log = open(GatewayLog);
export const Metrics = open(GatewayMetrics);

export default {
  fetch(request, env, context) {
    const way = /^\/__object\/(\w+)\/([\w:]+)\/(\w+)$/.exec(new URL(request.url).pathname);
    if (!way) return gateway.fetch(request, env, context);
    const [, binding, name, what] = way;
    return env[binding].get(env[binding].idFromName(name)).fetch(`http://tests/${what}`, { method: "POST", body: request.body });
  },
};
