// The doctor under test: the plan of scripts/doctor, run here against real addresses.
//
// Not here: the script around it (doctor.test.mjs starts that as well).

import { randomBytes } from "node:crypto";

import { plan, run } from "../../../scripts/lib/doctor/plan.mjs";
import { profiles } from "../../../scripts/lib/doctor/profiles.mjs";
import { json } from "../../../scripts/lib/doctor/report.mjs";
import { world } from "../../../scripts/lib/doctor/world.mjs";
import { Browser } from "./browser.mjs";

/**
 * Examines a server: what the script prints with --json. `signIn(url)` plays the person; `documents: false` is for a client whose document
 * cannot be reached from here, as if the server offered none.
 */
export async function examine(url, { signIn, documents = true, ...given } = {}) {
  const random = { state: randomBytes(16).toString("base64url"), verifier: randomBytes(32).toString("base64url") };
  const outside = world({ person: signIn });
  const asked = { url, random, ...(signIn && { redirectUri: "http://127.0.0.1:33418/callback" }), ...given };
  if (documents || !profiles[given.profile]?.document) return json(await run(plan(asked), outside));
  const http = async (request) => {
    const answer = await outside.http(request);
    if (answer.json?.client_id_metadata_document_supported) answer.json.client_id_metadata_document_supported = false;
    return answer;
  };
  return json(await run(plan(asked), { ...outside, http }));
}

/** The ids of what was found, without notes. */
export const found = ({ findings }) => findings.filter(({ weight }) => weight !== "note").map(({ id }) => id);

/** Somebody who signs in and approves, in one browser. */
export function visitor(...home) {
  const browser = new Browser(...home);
  return async (url) => {
    const page = await browser.walk(url);
    return page.landed ? { parameters: Object.fromEntries(page.params) } : { error: `${page.status} ${page.text}` };
  };
}
