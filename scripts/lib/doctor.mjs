// Goes the way a client goes, from outside, and says what is wrong on it: for this gateway and for any MCP server.
//
// Stands on Node alone, so that nothing has to be installed to ask. What is asked and judged is pure: doctor/plan.mjs and doctor/steps.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";

import { plan, run } from "./doctor/plan.mjs";
import { human, json } from "./doctor/report.mjs";
import { bundle, cutter } from "./doctor/support.mjs";
import { asVisit, gatewayAt } from "./doctor/upstreams.mjs";
import { listener, open, world } from "./doctor/world.mjs";
import { inWords } from "./ground.mjs";
import { parsed } from "./usage.mjs";

const COULD_NOT_RUN = 2;
const COLOURS = { ok: 32, fault: 31, warning: 33, note: 36, skipped: 90 };

const options = parsed("doctor");
const paint = process.stdout.isTTY && !process.env.NO_COLOR ? (text, kind) => `\x1b[${COLOURS[kind]}m${text}\x1b[0m` : (text) => text;

try {
  process.exitCode = options.upstreams ? await withUpstreams() : told(await visit(options.operand));
} catch (error) {
  console.error(`doctor: ${inWords(error)}`);
  process.exitCode = COULD_NOT_RUN;
}

/** At the address of one server that one, at the gateway's own all of them: the way of clients, and then the gateway's. */
async function withUpstreams() {
  const gateway = await gatewayAt(options.operand, process.env.ADMIN_TOKEN);
  const servers = await gateway.servers();
  const meant = new URL(options.operand).pathname === "/" ? servers : servers.filter(({ url }) => url === options.operand);
  if (meant.length === 0) throw new Error(`the gateway has no server at ${options.operand}; it has: ${servers.map(({ url }) => url).join(", ")}`);
  if (options.support && meant.length > 1) throw new Error("--support is about one server: give its address");
  const visits = [];
  for (const { slug, url } of meant) visits.push({ ...(await visit(url)), checks: [await gateway.check(slug)] });
  return told(...visits);
}

/** Prints what visits came to; answers the exit code. */
function told(...visits) {
  if (options.json) {
    const all = visits.map(({ seen, cut, checks }) => JSON.parse(cut(JSON.stringify({ ...json(seen), ...(checks && { upstreams: checks }) }))));
    console.log(JSON.stringify(all.length === 1 ? all[0] : all, null, 2));
  } else {
    const parts = visits.flatMap(({ seen, cut, checks = [] }) => [seen, ...checks.map(asVisit)].map((one) => cut(human(one, { paint }))));
    console.log(parts.join("\n\n"));
  }
  const findings = visits.flatMap(({ seen, checks = [] }) => [seen, ...checks].flatMap((one) => one.findings));
  return findings.some(({ weight }) => weight !== "note") ? 1 : 0;
}

async function visit(url) {
  const here = options.browser ? await listener(show) : undefined;
  const outside = world(here);
  const random = { state: randomBytes(16).toString("base64url"), verifier: randomBytes(32).toString("base64url") };
  const given = {
    url,
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
    if (options.support) {
      writeFileSync(options.support, `${JSON.stringify(bundle(seen, outside.exchanges, { at: Date.now() }), null, 2)}\n`, { mode: 0o600 });
      console.error(`written: ${options.support}, without tokens, codes, cookies and secrets; look at it before you send it`);
    }
    return { seen, cut };
  } finally {
    here?.stop();
  }
}

function show(url) {
  console.error(`Sign in and approve here:\n${url}\n`);
  open(url);
}
