// The gateway with a counter on each way out of its isolate and on each crossing between JavaScript and wasm.
//
// `GET /__crossings` answers the crossings since it was last asked, oldest first. Only for looking: nothing is timed with it.
import "./crossings.js";

import counted from "../../tests/e2e/support/counting-entry.js";

export { Account, Connection, Grant, Issuer, Log, Metrics } from "../../tests/e2e/support/counting-entry.js";

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/__crossings") return counted.fetch(request, env, context);
    return Response.json(globalThis.crossings.splice(0));
  },
};
