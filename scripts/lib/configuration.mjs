// A configuration on its way to a gateway: whether it would be taken, where it may be sent to, and what became of it, in words.
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";

import { fail, inRoot } from "./ground.mjs";
import { passingSecrets } from "./secrets.mjs";

/** The text of a configuration file; `undefined` where there is none. */
export function readConfiguration(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) fail(`${file} is a folder, and should be a configuration`);
  return found && readFileSync(file, "utf8").replace(/^\ufeff/, ""); // a mark that some editors write
}

/** What the built Worker itself has against a configuration, as text to show; `undefined` for nothing. It applies nothing. */
export async function objections(text, secrets) {
  const { Miniflare, convertV4MiniflareOptions } = await import("miniflare");
  const folder = realpathSync(inRoot("build"));
  const module = (name) => ({ type: name.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: join(folder, name) });
  const others = readdirSync(folder, { recursive: true }).filter((name) => name !== "entry.js" && /\.(js|wasm)$/.test(name));
  const bindings = { ...passingSecrets(), ...secrets };
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      handleStructuredLogs: () => {}, // what it logs of these requests is for nobody
      modules: ["entry.js", ...others].map(module),
      modulesRoot: folder,
      compatibilityDate: /^compatibility_date\s*=\s*"([^"]+)"/m.exec(readFileSync(inRoot("wrangler.toml"), "utf8"))[1],
      bindings,
      kvNamespaces: { KV: "kv" },
    }),
  );
  try {
    const { problem } = await sendConfiguration("http://localhost/", text, bindings.ADMIN_TOKEN, {
      query: "?dry_run",
      through: (url, init) => worker.dispatchFetch(url, init),
    });
    const status = await worker.dispatchFetch("http://localhost/status").then((answer) => answer.json());
    const keys = status.checks.filter(({ name, ok }) => name === "keys" && !ok);
    return [problem, ...keys.map(checkInWords)].filter(Boolean).join("\n") || undefined;
  } finally {
    await worker.dispose();
  }
}

/** Where the deployment that holds the key answers: at the first of these places, or at a later one that does while the first does not. */
export async function findDeployment(places, key, seconds) {
  let end = Date.now() + seconds * 1000;
  let found;
  do {
    for (const place of places) {
      if (!(await isDeployment(place, key))) continue;
      if (place === places[0]) return place;
      if (!found) end = Math.min(end, Date.now() + 20_000); // what is deployed is there: only the other place is still missing
      found = place;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  } while (Date.now() < end);
  return found;
}

/** Whether the deployment that holds the key answers there. Sends nothing that is worth anything to somebody else. */
async function isDeployment(gateway, key) {
  const nonce = randomBytes(32).toString("base64url");
  const mac = Buffer.from(hkdfSync("sha256", key, "", "mcp-edge-gateway/1/deployment", 64));
  const expected = createHmac("sha256", mac).update(`${new URL(gateway).origin}\n${nonce}`).digest("base64url");
  const answer = await answerOf(`${gateway}/admin/deployment?nonce=${nonce}`);
  return answer?.proof === expected;
}

/** PUT /admin/config: `{ version }`, or `{ problem }` as text to show. */
export async function sendConfiguration(gateway, text, adminToken, { query = "", through = fetch } = {}) {
  const { protocol, hostname } = new URL(gateway);
  if (protocol !== "https:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) {
    return { problem: `${gateway} is not https, so the operator token is not sent there` };
  }
  let response;
  let body;
  try {
    response = await through(new URL(`/admin/config${query}`, gateway), {
      method: "PUT",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: text,
      redirect: "manual",
    });
    body = await response.text();
  } catch (error) {
    return { problem: `${gateway} cannot be reached: ${error.cause?.message ?? error.message}`, unreachable: true };
  }
  const answer = parsed(body);
  if (response.ok && answer) return { version: answer.version };
  if (Array.isArray(answer?.errors)) return { problem: answer.errors.map(explain).join("\n") };
  if (answer?.reason) return { problem: `  ${answer.error_description} (${answer.reason})${fixed(answer.fix)}` };
  return { problem: `${gateway}/admin/config answered ${response.status}: ${body.slice(0, 500)}` };
}

/** `/status` of a gateway, as far as it answers; with the operator's token also what only they are told. */
export function statusOf(gateway, adminToken) {
  return answerOf(`${gateway}/status`, adminToken && { authorization: `Bearer ${adminToken}` });
}

/** What a status says that is not in order, as text to show. */
export function problemsOf({ checks = [], warnings = [], servers = [] }) {
  const unconnected = servers.filter(({ connected }) => connected === false);
  return [
    ...[...checks, ...warnings].filter(({ ok }) => !ok).map(checkInWords),
    ...unconnected.map(({ slug, fix }) => `  ${slug}: no operator has connected it${fixed(fix)}`),
  ].join("\n");
}

/** The hosts that are servers' own. */
export function ownHosts(text) {
  const { servers = {} } = text === undefined ? {} : JSON.parse(text);
  return Object.values(servers).flatMap(({ host }) => host ?? []);
}

/** The servers of a configuration the gateway has accepted: slug and URL for clients. */
export function serverUrls(text, gateway) {
  const { public_url, servers = {} } = JSON.parse(text);
  const origin = (public_url ?? gateway).replace(/\/$/, "");
  const at = (slug, { host, path = `/v1/mcp/${slug}` }) => (host ? [`${new URL(origin).protocol}//${host}/mcp`, origin + path] : [origin + path]);
  return Object.entries(servers).flatMap(([slug, server]) => at(slug, server).map((url) => ({ slug, url })));
}

/** Waits until the gateway answers /healthz; false when it does not in time. */
export async function healthy(gateway, seconds) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if ((await answerOf(`${gateway}/healthz`))?.status === "ok") return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

async function answerOf(url, headers = {}) {
  const answer = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(5000) }).catch(() => undefined);
  return answer?.json().catch(() => undefined);
}

const checkInWords = ({ name, problem, fix }) => `  ${name}: ${problem}${fixed(fix)}`;

function explain({ pointer, problem, fix }) {
  return `  ${pointer || "(the whole document)"}: ${problem}${fixed(fix)}`;
}

const fixed = (fix) => (fix ? `\n      fix: ${fix}` : "");

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
