// What can be found: one row for each finding. The report, docs/doctor.md and the tests read these tables.
//
// A finding has a stable id; a `weight` (fault: a sign-in or a call fails; warning: for some clients, or soon); what it `says`; the `rule`
// with its `source`; who has to act (`who`: client, operator, server, network); the `fix`; and which clients break (`breaks`).
//
// Not here: how it is found (steps/), which published symptoms lead to it (symptoms.mjs).

import { call } from "./findings/call.mjs";
import { challenge, cors, issuer, resource } from "./findings/discovery.mjs";
import { reach } from "./findings/reach.mjs";
import { authorization, refresh, registration, token } from "./findings/sign-in.mjs";

/** The findings by step, in the order a client comes by them. */
export const findings = { reach, challenge, resource, issuer, cors, registration, authorization, token, call, refresh };

/** Every finding by its id, with its step. */
export const byId = new Map(
  Object.entries(findings).flatMap(([step, rows]) => Object.entries(rows).map(([id, row]) => [id, { id, step, ...row }])),
);
