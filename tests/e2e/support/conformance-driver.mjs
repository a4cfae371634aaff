// The client that the conformance suite drives, and the gateway in between: each mock server of the suite becomes an upstream of a running
// gateway, a person signs in and allows a client there, the client calls through, and the person follows what the calls ask for.
//
// Not here: judging what the suite saw (conformance-client.test.mjs), the command that the suite runs (conformance-command.mjs).

import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Browser } from "./browser.mjs";
import { signalIn } from "./connect-driver.mjs";
import { configuration } from "./gateway.mjs";
import { request } from "./http.mjs";
import { listen } from "./listen.mjs";
import { LEGACY, MODERN, legacyCall, modernCall, openSession, post } from "./mcp.mjs";
import { CALLBACK, signedIn } from "./oauth-client.mjs";

const COMMAND = fileURLToPath(new URL("conformance-command.mjs", import.meta.url));
const URL_MODE = { elicitation: { url: {} } };
const AT_ONCE = 3;
const ROUNDS = 4;

/** Secrets of the clients that the suite registers beforehand, by the names a configuration uses for them. */
export const CONFORMANCE_SECRETS = { CONFORMANCE_PREREGISTERED: "pre-registered-secret", CONFORMANCE_MACHINE: "conformance-test-secret" };

/** Starts it for a gateway; `command` is what the suite runs, `stories` tells what happened in each scenario. */
export async function startConformanceDriver(gateway) {
  const servers = {};
  const stories = {};
  let last = Promise.resolve();
  let running = 0;
  const waiting = [];

  /** Configurations are put one after another, so that none forgets another's server. */
  const configure = (change) => {
    const next = last.then(async () => {
      change(servers);
      const answer = await gateway.configure(configuration(servers));
      if (answer.status !== 200) throw new Error(`configuration refused: ${answer.text}`);
    });
    last = next.catch(() => {});
    return next;
  };

  async function run({ scenario, revision, context, url }) {
    if (!scenario.startsWith("auth/")) return [];
    const slug = scenario.replace(/[^a-z0-9]+/g, "-").slice(0, 40) + (revision === MODERN ? "-m" : "-l");
    const story = (stories[scenario] = []);
    const auth = scenario.includes("client-credentials") ? await machine(url, context) : personal(context);
    await configure((all) => (all[slug] = { name: scenario, url, auth }));
    const browser = new Browser(gateway.url);
    // The suite's authorization servers are wherever they are.
    browser.home = { has: (origin) => origin !== new URL(CALLBACK).origin };
    const { token } = await signedIn(gateway, slug, { browser });
    const call = await caller(gateway.mcpUrl(slug), token, revision);
    let id = 1;
    for (const [method, params] of [["tools/list", {}], ["tools/call", { name: "test-tool", arguments: {} }], ["tools/call", { name: "test-tool", arguments: {} }]]) {
      let extra = {};
      for (let round = 0; round < ROUNDS; round += 1) {
        const answer = await call(method, { ...params, ...extra }, (id += 1));
        const signal = signalIn(answer.message);
        story.push(`${method}: ${answer.status} ${answer.text.slice(0, 300)}`);
        if (!signal) break;
        const page = await browser.walk(signal.url);
        story.push(`connect: ${page.landed ?? `${page.status} ${page.text.slice(0, 300)}`}`);
        if (page.status !== 200) break;
        extra = signal.requestState ? { requestState: signal.requestState, inputResponses: { [signal.key]: { action: "accept" } } } : {};
      }
    }
    return story;
  }

  const server = http.createServer(async (incoming, response) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const asked = JSON.parse(body);
    if (running >= AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
    running += 1;
    try {
      response.end(JSON.stringify(await run(asked)));
    } catch (error) {
      (stories[asked.scenario] ??= []).push(String(error?.stack ?? error));
      response.writeHead(500).end(String(error?.stack ?? error));
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  });
  const { origin, stop } = await listen(server);
  return { command: [process.execPath, path.relative(process.cwd(), COMMAND), origin].join(" "), stories, stop };
}

/** An upstream that each person connects, with the client that the suite gives beforehand, if it does. */
function personal({ client_id: id, client_secret: secret, issuer }) {
  if (!id) return { kind: "oauth", connect: "first_call" };
  return { kind: "oauth", connect: "first_call", issuer, client: { client_id: id, client_secret: named(secret) } };
}

/** One that the gateway calls in its own name. An operator looks up where tokens come from; so does this. */
async function machine(url, { client_id, client_secret: secret }) {
  const { json } = await request(new URL("/.well-known/oauth-protected-resource/mcp", url));
  return { kind: "client_credentials", client_id, client_secret: named(secret), issuer: json.authorization_servers[0], resource: json.resource };
}

const named = (secret) => ({ secret: Object.entries(CONFORMANCE_SECRETS).find(([, value]) => value === secret)[0] });

/** Calls in the era of that revision, as a client that can show a link. */
async function caller(url, token, revision) {
  if (revision === MODERN) return (method, params, id) => post(url, token, modernCall(method, params, { id, capabilities: URL_MODE }));
  const { session } = await openSession(url, token, URL_MODE, revision === "2025-03-26" ? LEGACY : revision);
  return (method, params, id) => post(url, token, legacyCall(method, params, { id, session }));
}
