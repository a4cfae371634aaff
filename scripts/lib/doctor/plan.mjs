// The whole way a client goes, as a generator: it yields what it wants to know and is told, so it runs against the world or against a table.
//
//   {ask: "resolve", host}                                   → {addresses: [{address, family}]} or {error: {code, message}}
//   {ask: "http", method, url, headers, body, until, wait}   → an answer (steps/ask.mjs)
//   {ask: "person", url}                                     → {parameters} of the redirect, or {error}
//
// Not here: sending anything (world.mjs), time and chance: answers carry the time they came at, and random texts are given.

import { authorization } from "./steps/authorization.mjs";
import { call } from "./steps/call.mjs";
import { challenge } from "./steps/challenge.mjs";
import { cors } from "./steps/cors.mjs";
import { issuer } from "./steps/issuer.mjs";
import { reach } from "./steps/reach.mjs";
import { cleaning, registration } from "./steps/registration.mjs";
import { resource } from "./steps/resource.mjs";
import { refresh, token } from "./steps/token.mjs";
import { Visit } from "./visit.mjs";

const STEPS = { reach, challenge, resource, issuer, cors, registration, authorization, token, call, refresh };

/** Goes the way; answers the visit. `given` is what Visit takes. */
export function* plan(given) {
  const visit = new Visit(given);
  for (const [name, step] of Object.entries(STEPS)) {
    visit.begin(name);
    if (visit.stopped) visit.skip("not tried");
    else yield* step(visit);
  }
  visit.begin("cleaning");
  yield* cleaning(visit);
  return visit;
}

/** Runs a plan in a world: an object with an (async) function for each kind of `ask`. */
export async function run(steps, world) {
  let step = steps.next();
  while (!step.done) step = steps.next(await world[step.value.ask](step.value));
  return step.value;
}
