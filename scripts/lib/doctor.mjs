// Goes the way a client goes, from outside, and says what is wrong on it: for this gateway and for any MCP server.
//
// Stands on Node alone, so that nothing has to be installed to ask. What is asked and judged is pure: doctor/plan.mjs and doctor/steps.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";

import { plan, run } from "./doctor/plan.mjs";
import { human, json } from "./doctor/report.mjs";
import { bundle, cutter } from "./doctor/support.mjs";
import { listener, open, world } from "./doctor/world.mjs";
import { inWords } from "./ground.mjs";
import { parsed } from "./usage.mjs";

const COULD_NOT_RUN = 2;
const COLOURS = { ok: 32, fault: 31, warning: 33, note: 36, skipped: 90 };

const options = parsed("doctor");
const paint = process.stdout.isTTY && !process.env.NO_COLOR ? (text, kind) => `\x1b[${COLOURS[kind]}m${text}\x1b[0m` : (text) => text;

try {
  process.exitCode = await visit();
} catch (error) {
  console.error(`doctor: ${inWords(error)}`);
  process.exitCode = COULD_NOT_RUN;
}

async function visit() {
  const here = options.browser ? await listener(show) : undefined;
  const outside = world(here);
  const random = { state: randomBytes(16).toString("base64url"), verifier: randomBytes(32).toString("base64url") };
  const given = {
    url: options.operand,
    profile: options.profile,
    token: options.token ?? process.env.DOCTOR_TOKEN,
    clientId: options["client-id"],
    redirectUri: here?.redirectUri,
    register: !options["no-register"],
    random,
  };
  try {
    const seen = await run(plan(given), outside);
    const cut = cutter(seen.secrets);
    console.log(cut(options.json ? JSON.stringify(json(seen), null, 2) : human(seen, { paint })));
    if (options.support) {
      writeFileSync(options.support, `${JSON.stringify(bundle(seen, outside.exchanges, { at: Date.now() }), null, 2)}\n`, { mode: 0o600 });
      console.error(`written: ${options.support}, without tokens, codes, cookies and secrets; look at it before you send it`);
    }
    return seen.findings.some(({ weight }) => weight !== "note") ? 1 : 0;
  } finally {
    here?.stop();
  }
}

function show(url) {
  console.error(`Sign in and approve here:\n${url}\n`);
  open(url);
}
