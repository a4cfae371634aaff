// The gateway on this machine: builds, serves under wrangler, starts the demo server, keeps configuration and secrets in step.
//
// It serves a copy of the build, so that later builds (scripts/test and scripts/deploy build as well) do not reach it.
import { createHash } from "node:crypto";
import { cpSync, realpathSync, rmSync, watchFile } from "node:fs";
import { createServer } from "node:net";
import { join, relative, resolve } from "node:path";

import { build } from "./build.mjs";
import { endAll, start } from "./children.mjs";
import { healthy, problemsOf, readConfiguration, sendConfiguration, serverUrls, statusOf } from "./configuration.mjs";
import { fail, inRoot, root } from "./ground.mjs";
import { ownSecrets, readSecrets, triedSecrets, writeSecretsForWrangler } from "./secrets.mjs";
import { parsed } from "./usage.mjs";

const demoUrl = "http://localhost:8788/mcp"; // as gateway.json names it

const options = parsed("dev");
const port = Number(options.port);
const gateway = `http://localhost:${port}`;
const configuration = resolve(options.config ?? inRoot("gateway.json"));
const shown = options.config ?? "gateway.json";
const envFile = options["env-file"] && resolve(options["env-file"]);
if (readConfiguration(configuration) === undefined) fail(`dev: ${configuration} does not exist`);
if (!(await isFree(port))) fail(`dev: port ${port} is taken; stop what holds it or choose another with --port`);

const secretsFile = join(state(), "secrets.env");
let adminToken;
useSecrets(envFile ? readSecrets(envFile) : {});
build({ optimise: false });
const worker = join(state(), "worker");
rmSync(worker, { recursive: true, force: true });
cpSync(realpathSync(inRoot("build")), worker, { recursive: true });
const demo = options["no-demo"] ? undefined : await startDemo();
let serving = false;
let stopGateway;
await startGateway();

let sent; // the text the gateway has last seen
let inEffect; // the text of the version that is
let turn = Promise.resolve();
const inTurn = (step) => () => (turn = turn.then(step));
// Before they are read, or a change right after "ready" would be missed.
watchFile(configuration, { interval: 300 }, inTurn(configure));
if (envFile) watchFile(envFile, { interval: 300 }, inTurn(renew));
await inTurn(configure)();
welcome();

/** Where this run keeps its storage: one place per port and configuration, so that two runs do not meet. */
function state() {
  const other = configuration === inRoot("gateway.json") ? "" : `-${createHash("sha256").update(configuration).digest("hex").slice(0, 8)}`;
  return inRoot(".dev", `${port}${other}`);
}

function useSecrets(given) {
  const all = { ...ownSecrets(inRoot(".dev/secrets.env")), ...given };
  writeSecretsForWrangler(secretsFile, all);
  adminToken = all.ADMIN_TOKEN;
}

async function startDemo() {
  const wanted = Number(new URL(demoUrl).port);
  const chosen = (await isFree(wanted)) ? wanted : await anyFree();
  if (chosen !== wanted) console.log(`dev: port ${wanted} is taken, so the demo server listens on ${chosen}`);
  start("the demo server", process.execPath, [inRoot("scripts/demo/server.mjs"), String(chosen)]);
  return `http://localhost:${chosen}/mcp`;
}

async function startGateway() {
  const args = ["dev", join(worker, "entry.js"), "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  args.push("--persist-to", join(state(), "storage"), "--env-file", secretsFile, "--show-interactive-dev-session=false");
  const variables = {
    CI: "true", // asks nothing
    CLOUDFLARE_CF_FETCH_ENABLED: "false", // no call home for a sample of request.cf
    X_LOCAL_EXPLORER: "false", // no endpoints beside the gateway's
    X_LOCAL_OBSERVABILITY: "false",
  };
  // Once it serves, what matters is what the gateway logs.
  serving = false;
  stopGateway = start("wrangler", "wrangler", args, {
    variables,
    wanted: (line) => serving && line.trim() !== "" && !line.startsWith("[wrangler:info]"),
  });
  if (!(await healthy(gateway, 60))) await endAll(`dev: ${gateway}/healthz did not answer within a minute`);
  serving = true;
}

/** Sends the configuration when its text has changed. An invalid one leaves the last valid one in effect. */
async function configure() {
  let text = readConfiguration(configuration);
  if (!text?.trim()) {
    // Editors empty a file, or put another in its place, before they write it.
    await new Promise((resolve) => setTimeout(resolve, 300));
    text = readConfiguration(configuration);
  }
  if (text === sent) return;
  sent = text;
  const rest = inEffect === undefined ? "It is sent when there is something in it." : "The configuration in effect stays.";
  if (text === undefined) return console.error(`${shown} is gone. ${rest}`);
  if (!text.trim()) return console.error(`${shown} is empty. ${rest}`);
  const { version, problem } = await sendConfiguration(gateway, demo ? text.replaceAll(demoUrl, demo) : text, adminToken);
  if (problem) return console.error(`${shown} is not in effect:\n${problem}\nIt is sent again when it changes.`);
  inEffect = text;
  console.log(`configuration version ${version} in effect`);
}

/** Starts the gateway again when the file of secrets has changed: a Worker gets its secrets when it starts. */
async function renew() {
  const { secrets, problems } = triedSecrets(envFile);
  if (problems.length > 0) return console.error(`${problems.join("\n")}\nThe secrets that were read before stay.`);
  console.log(`${options["env-file"]} has changed, so the gateway starts again with it`);
  await stopGateway();
  useSecrets(secrets);
  await startGateway();
  sent = undefined;
  await configure();
}

/** Says that it is ready once the gateway says so, and until then what it waits for. */
async function welcome() {
  let said;
  for (;;) {
    const status = inEffect !== undefined && (await statusOf(gateway, adminToken));
    if (status?.ready) break;
    const problems = status ? problemsOf(status) : undefined;
    if (problems && problems !== said) console.error(`not ready yet:\n${problems}`);
    said = problems ?? said;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  console.log(`\nready ${gateway}\n`);
  for (const { slug, url } of serverUrls(inEffect, gateway)) {
    console.log(`${url}\n    claude mcp add --transport http ${slug} ${url}`);
  }
  console.log(`\nOpen ${gateway} and sign in${account()}.`);
  console.log(`The operator token is in ${relative(root, secretsFile)}. Ctrl-C ends everything.`);
}

function account() {
  const { login } = JSON.parse(inEffect);
  return login.kind === "dev" ? ` as ${login.accounts?.[0]?.subject ?? "alice"}` : "";
}

function isFree(candidate) {
  return Promise.all(["127.0.0.1", "::1"].map((host) => listens(candidate, host))).then((free) => free.every(Boolean));
}

function listens(candidate, host) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", (error) => done(error.code !== "EADDRINUSE"));
    server.listen(candidate, host, () => server.close(() => done(true)));
  });
}

function anyFree() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address();
      server.close(() => done(free));
    });
  });
}
