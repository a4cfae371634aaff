// What is measured: each target bundled as it would be deployed, with its bindings, and the token its own sign-in gave out.
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { Browser } from "../../../tests/e2e/support/browser.mjs";
import { request, proxy } from "../../../tests/e2e/support/http.mjs";
import { LOGIN_SECRETS, oidcLogin, startProvider } from "../../../tests/e2e/support/idp.mjs";
import { OAuthClient } from "../../../tests/e2e/support/oauth-client.mjs";
import { ADMIN_TOKEN, configuration, keyRing } from "../../../tests/e2e/support/gateway.mjs";
import { inRoot } from "../ground.mjs";
import { signer } from "./issuer.mjs";
import { serve } from "./workerd.mjs";

/** Where every target believes to be: the address its clients use. */
export const origin = "http://localhost:8787";
export const endpoint = "/v1/mcp/bench";
/** The same server behind an account of each person's own, with tokens for an hour and for a moment. */
export const connected = "/v1/mcp/connected";
export const storm = "/v1/mcp/storm";
/** The same server where its lists are fresh for a while. */
export const fresh = "/v1/mcp/fresh";

/** The same server for the tokens of another issuer, and with a limit that nobody reaches. */
export const external = "/v1/mcp/external";
export const limited = "/v1/mcp/limited";

/** Servers of whose 2,000 tools a caller sees half, by the form of their list. */
export const lists = ["list-2mb-json", "list-2mb-sse"];

const source = (name) => inRoot("scripts/bench-targets", name);

/** Bundles a Worker into `directory` as wrangler does, wasm beside it. Answers the names of its modules, the entry first. */
async function bundle(directory, entry, { wasm, gateway, instance } = {}) {
  mkdirSync(directory, { recursive: true });
  const replaced = { name: "replaced", setup: (into) => into.onResolve({ filter: /^\.\/instance\.js$/ }, () => ({ path: instance })) };
  const built = { name: "built", setup: (into) => into.onResolve({ filter: /^\.\/(entry|instance)\.js$/ }, ({ path }) => ({ path: join(gateway, path) })) };
  await build({
    entryPoints: { entry },
    outdir: directory,
    bundle: true,
    format: "esm",
    target: "es2024",
    logLevel: "error",
    external: ["cloudflare:*", "./index_bg.wasm"],
    plugins: [...(instance ? [replaced] : []), ...(gateway ? [built] : [])],
  });
  if (wasm) copyFileSync(wasm, join(directory, "index_bg.wasm"));
  return ["entry.js", ...(wasm ? ["index_bg.wasm"] : [])];
}

/** What is uploaded. */
export function size({ directory, modules }) {
  const files = modules.map((name) => readFileSync(join(directory, name)));
  const sum = (lengths) => lengths.reduce((total, length) => total + length, 0);
  return { raw: sum(files.map((file) => file.length)), gzip: sum(files.map((file) => gzipSync(file).length)) };
}

/** Every target, bundled but not started: {name: worker}. `gateway` is the folder of the gateway as built. */
export async function prepare(directory, world) {
  const { date, flags } = compatibility();
  const upstream = `http://127.0.0.1:${world.server}/mcp`;
  const plain = async (name, file, more = {}) => ({
    name,
    directory: join(directory, name),
    modules: await bundle(join(directory, name), source(file)),
    date,
    text: { UPSTREAM: upstream },
    ...more,
  });
  const gateway = {
    name: "gateway",
    date,
    flags,
    text: { KEY_RING: keyRing(), ADMIN_TOKEN, ...LOGIN_SECRETS },
    kv: { KV: world.kv[0] },
    objects: ["Grant", "Account", "Connection", "Issuer", "Log", "Metrics"],
    limiter: { names: ["REGISTRATIONS", "LIMIT_3000"], source: readFileSync(source("ratelimit.js"), "utf8") },
    upstream,
    issuer: `http://127.0.0.1:${world.issuer}`,
    key: world.key,
  };
  return {
    hello: await plain("hello", "hello.js"),
    const: await plain("const", "const.js"),
    pass: await plain("pass", "pass.js"),
    parse: await plain("parse", "parse.js"),
    filter: await plain("filter", "filter.js"),
    shell: await shell({ name: "shell", date, flags, text: { UPSTREAM: upstream } }, join(directory, "shell"), inRoot("build")),
    peer: await plain("peer", "peer.ts", { flags: ["global_fetch_strictly_public"], kv: { OAUTH_KV: world.kv[1] } }),
    gateway: await withGateway(gateway, join(directory, "gateway"), inRoot("build")),
  };
}

/** What is left of a gateway without Rust. */
async function shell(worker, directory, folder) {
  return { ...worker, directory, modules: await bundle(directory, join(folder, "entry.js"), { instance: source("shell.js") }) };
}

/** The same gateway from another build, or counted. */
export async function withGateway(worker, directory, folder, { counted = false } = {}) {
  const entry = counted ? source("counted.js") : join(folder, "entry.js");
  const modules = await bundle(directory, entry, { wasm: join(folder, "index_bg.wasm"), gateway: folder });
  return { ...worker, directory, modules };
}

/** Configures a running gateway as an operator would, with a real identity provider that is needed for the sign-in only. */
export async function configureGateway({ port }, { upstream, issuer }) {
  const undo = proxy(origin, port);
  const provider = await startProvider(origin);
  const oauth = (token) => ({
    url: upstream,
    auth: { kind: "oauth", issuer, client: { client_id: "bench", authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}${token}` } },
  });
  const tools = { allow_patterns: ["0", "2", "4", "6", "8"].map((digit) => `tool_*${digit}`) };
  const filtered = Object.fromEntries(lists.map((list) => [list, { url: `${upstream}/${list}`, auth: { kind: "none" }, tools }]));
  const servers = {
    bench: upstream,
    fresh: { url: upstream, list_cache_seconds: 600 },
    connected: oauth("/token"),
    storm: oauth("/short/token"),
    external: { url: upstream, accepts: ["corp"] },
    limited: { url: upstream, limits: { per_server: 3000 } },
    ...filtered,
  };
  const introspection = { client_id: "bench", client_secret: { secret: "LOGIN_CLIENT_SECRET" } };
  const issuers = { corp: { issuer, introspection } };
  const config = configuration(servers, { public_url: origin, login: oidcLogin(provider), accepts: ["own", "keys"], issuers });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const answer = await request(`${origin}/admin/config`, { method: "PUT", headers, json: config });
  if (answer.status !== 200) throw new Error(`the gateway refused its configuration: ${answer.status} ${answer.text}`);
  const made = await request(`${origin}/admin/keys`, { method: "POST", headers, json: { name: "bench", expires_in_days: 1 } });
  if (made.status !== 201) throw new Error(`the gateway made no API key: ${made.status} ${made.text}`);
  return { home: [provider.issuer, issuer], key: made.json.key, stop: async () => (undo(), await provider.stop()) };
}

/** Registers a client, signs in, consents and redeems, `count` times: what each was given. */
export async function signIn({ port }, { count, home = [], slug = "bench" }) {
  const undo = proxy(origin, port);
  const gateway = { url: origin, fetch: (path, options) => request(new URL(path, origin), options), mcpUrl: () => `${origin}/v1/mcp/${slug}` };
  const clients = [];
  for (let index = 0; index < count; index += 1) {
    const client = new OAuthClient(gateway, { slug, scope: "mcp:tools offline_access" });
    const registered = await client.register();
    if (registered.status !== 201) throw new Error(`no registration: ${registered.status} ${registered.text}`);
    const tokens = await client.signIn({ browser: new Browser(origin, ...home), as: `person-${index}` });
    clients.push({ id: client.id, access: tokens.access_token, refresh: tokens.refresh_token });
  }
  undo();
  return clients;
}

/** Starts the targets that are named, and signs in where there is something to sign in to. */
export async function startTargets(workers, names, { clients }) {
  const running = {};
  for (const name of names) {
    const process = await serve(workers[name]);
    running[name] = { name, worker: workers[name], ...process };
    if (name === "shell") running[name].clients = [{ access: "e".repeat(480) }]; // as long as one of the gateway's, but nobody's
    if (name !== "gateway" && name !== "peer") continue;
    const login = name === "gateway" ? await configureGateway(process, workers.gateway) : undefined;
    const home = login?.home;
    running[name].clients = await signIn(process, { count: clients, home });
    if (!login) continue;
    running[name].key = login.key;
    running[name].sign = signer(workers.gateway.key, workers.gateway.issuer, origin + external);
    running[name].connected = await signIn(process, { count: 1, home, slug: "connected" });
    running[name].storm = await signIn(process, { count: 1, home, slug: "storm" });
    for (const slug of ["fresh", "limited", ...lists]) running[name][slug] = await signIn(process, { count: 1, home, slug });
    await login.stop();
  }
  return running;
}

/** Read from wrangler.toml, so that what is measured is what is deployed. */
function compatibility() {
  const toml = readFileSync(inRoot("wrangler.toml"), "utf8");
  const flags = /^compatibility_flags\s*=\s*\[([^\]]*)\]/m.exec(toml)[1];
  return { date: /^compatibility_date\s*=\s*"([^"]+)"/m.exec(toml)[1], flags: [...flags.matchAll(/"([^"]+)"/g)].map((match) => match[1]) };
}
