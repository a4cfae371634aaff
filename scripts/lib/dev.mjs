// The gateway on this machine: builds, serves under wrangler, starts the demo server, keeps the configuration in step.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, watchFile } from "node:fs";
import { createServer } from "node:net";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

import { build } from "./build.mjs";
import { endAll, start } from "./children.mjs";
import { healthy, sendConfiguration, serverUrls } from "./configuration.mjs";
import { fail, inRoot, root } from "./ground.mjs";
import { ownSecrets, readSecrets, writeSecrets } from "./secrets.mjs";

const demoUrl = "http://localhost:8788/mcp"; // as gateway.json names it

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "8787" },
    config: { type: "string", default: inRoot("gateway.json") },
    "env-file": { type: "string" },
    "no-demo": { type: "boolean", default: false },
  },
});
const port = Number(options.port);
const gateway = `http://localhost:${port}`;
const configuration = resolve(options.config);
if (!(port > 0 && port < 65536)) fail(`dev: --port takes a number, not ${options.port}`);
if (!existsSync(configuration)) fail(`dev: ${configuration} does not exist`);
if (!(await isFree(port))) fail(`dev: port ${port} is taken; stop what holds it or choose another with --port`);

build({ optimise: false });
const { file: secretsFile, adminToken } = prepareSecrets();
const demo = options["no-demo"] ? undefined : await startDemo();
let serving = false;
startGateway();
if (!(await healthy(gateway, 60))) await endAll(`dev: ${gateway}/healthz did not answer within a minute`);
serving = true;

let sent; // the text the gateway has last seen
let ready = false;
let turn = Promise.resolve();
const configureInTurn = () => (turn = turn.then(configure));
watchFile(configuration, { interval: 300 }, configureInTurn); // before it is read, or a change right after "ready" would be missed
await configureInTurn();

/** Where this run keeps its storage: one place per port and configuration, so that two runs do not meet. */
function state() {
  const other = configuration === inRoot("gateway.json") ? "" : `-${createHash("sha256").update(configuration).digest("hex").slice(0, 8)}`;
  return inRoot(".dev", `${port}${other}`);
}

function prepareSecrets() {
  const given = options["env-file"] ? readSecrets(resolve(options["env-file"])) : {};
  const all = { ...ownSecrets(inRoot(".dev/secrets.env")), ...given };
  const file = join(state(), "secrets.env");
  writeSecrets(file, all);
  return { file, adminToken: all.ADMIN_TOKEN };
}

async function startDemo() {
  const wanted = Number(new URL(demoUrl).port);
  const chosen = (await isFree(wanted)) ? wanted : await anyFree();
  if (chosen !== wanted) console.log(`dev: port ${wanted} is taken, so the demo server listens on ${chosen}`);
  start("the demo server", process.execPath, [inRoot("scripts/demo/server.mjs"), String(chosen)]);
  return `http://localhost:${chosen}/mcp`;
}

function startGateway() {
  const args = ["dev", "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  args.push("--persist-to", join(state(), "storage"), "--env-file", secretsFile, "--show-interactive-dev-session=false");
  const variables = {
    CI: "true", // asks nothing
    CLOUDFLARE_CF_FETCH_ENABLED: "false", // no call home for a sample of request.cf
    X_LOCAL_EXPLORER: "false", // no endpoints beside the gateway's
    X_LOCAL_OBSERVABILITY: "false",
  };
  // Once it serves, what matters is what the gateway logs.
  start("wrangler", "wrangler", args, {
    variables,
    wanted: (line) => serving && line.trim() !== "" && !line.startsWith("[wrangler:info]"),
  });
}

/** Sends the configuration when its text has changed. An invalid one leaves the last valid one in effect. */
async function configure() {
  const text = existsSync(configuration) ? readFileSync(configuration, "utf8") : "";
  if (text === sent || text === "") return;
  sent = text;
  const { version, problem } = await sendConfiguration(gateway, demo ? text.replaceAll(demoUrl, demo) : text, adminToken);
  if (problem) return console.error(`${options.config} is not in effect:\n${problem}\nIt is sent again when it changes.`);
  console.log(`configuration version ${version} in effect`);
  if (!ready) welcome(text);
  ready = true;
}

function welcome(text) {
  console.log(`\nready ${gateway}\n`);
  for (const { slug, url } of serverUrls(text, gateway)) {
    console.log(`${url}\n    claude mcp add --transport http ${slug} ${url}`);
  }
  console.log(`\nThe operator token is in ${relative(root, secretsFile)}. Ctrl-C ends everything.`);
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
