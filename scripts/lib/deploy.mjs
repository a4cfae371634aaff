// Deploys one environment of wrangler.toml: storage and code by wrangler, secrets with them, then the configuration.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { build } from "./build.mjs";
import { findDeployment, objections, ownHosts, problemsOf, readConfiguration, sendConfiguration, serverUrls, statusOf } from "./configuration.mjs";
import { environment, fail, inRoot, root, run } from "./ground.mjs";
import { own, ownSecrets, readSecrets } from "./secrets.mjs";
import { parsed } from "./usage.mjs";

const options = parsed("deploy");
const { env, "dry-run": dry } = options;
const configuration = resolve(options.config ?? inRoot(`gateway.${env}.json`));
const text = readConfiguration(configuration);
if (text === undefined && (dry || options.config)) fail(`deploy: ${configuration} does not exist`);
const keptFile = inRoot(".deploy", `${env}.env`);
const given = options["env-file"] ? readSecrets(resolve(options["env-file"])) : {};
const there = deployedSecrets();
const kept = existsSync(keptFile) ? readSecrets(keptFile) : {};

build();
await checkConfiguration();
const hosts = ownHosts(text);
const routes = hosts.flatMap((host) => ["--domain", host]);
for (const host of hosts) console.log(`deploy: route ${host} (custom domain), the host of one server`);
if (dry) {
  run("wrangler", ["deploy", "--env", env, ...routes, "--dry-run", "--outdir", inRoot(".dev", `dry-run-${env}`)]);
  process.exit();
}

const { upload, deploymentKey, adminToken } = collectSecrets();
const url = uploadWorker();
await sendFirstConfiguration();

/** Ends the deployment before anything is uploaded, should the gateway refuse the configuration. */
async function checkConfiguration() {
  if (text === undefined) return;
  // Of what is set at the deployment only the name is known. Its own keys were looked at when they were made.
  const set = Object.fromEntries((there ?? []).filter((name) => !own.includes(name)).map((name) => [name, "set at the deployment"]));
  const problem = await objections(text, { ...set, ...kept, ...given });
  if (!problem) return console.log(`deploy: ${configuration} is valid, and every secret that it names is there`);
  const unasked = "Which secrets the deployment has was not asked, because wrangler is not logged in: a secret that is missing above may be set there.";
  fail([`deploy: ${configuration} would not be taken:`, problem, ...(there ? [] : [unasked])].join("\n"));
}

/** What to upload: secrets given now, the gateway's own ones on the first deployment, and what this deployment is known by. */
function collectSecrets() {
  const made = ownSecrets(keptFile, [...Object.keys(given), ...there]);
  const missing = Object.fromEntries(Object.entries(made).filter(([name]) => !there.includes(name)));
  if ("KEY_RING" in missing && !("KEY_RING" in given)) {
    console.log(`deploy: keys are in ${keptFile}. Keep a copy in a safe place: who loses KEY_RING cannot rotate it.`);
  }
  const deploymentKey = randomBytes(32).toString("base64url");
  return {
    upload: { ...missing, ...given, DEPLOYMENT_KEY: deploymentKey },
    deploymentKey,
    adminToken: given.ADMIN_TOKEN ?? made.ADMIN_TOKEN,
  };
}

/** The names of the secrets on Cloudflare; none before the first deployment. A dry run goes on without knowing. */
function deployedSecrets() {
  const { status, stdout, stderr } = spawnSync("wrangler", ["secret", "list", "--env", env, "--format", "json"], {
    cwd: root,
    env: dry ? { ...environment, CI: "true" } : environment, // asks nobody to log in
    encoding: "utf8",
    stdio: [dry ? "ignore" : "inherit", "pipe", "pipe"],
  });
  if (status !== 0 && /Worker "[^"]+".* not found/.test(stdout + stderr)) return [];
  if (status !== 0 && dry) return undefined;
  if (status !== 0)
    fail(
      `deploy: wrangler cannot list the secrets. Is it logged in (node_modules/.bin/wrangler login, or CLOUDFLARE_API_TOKEN)?\n${stdout}${stderr}`,
    );
  return JSON.parse(stdout.slice(stdout.indexOf("["))).map(({ name }) => name);
}

/** Uploads code and secrets in one step; the answer is where the Worker listens. */
function uploadWorker() {
  const work = mkdtempSync(join(tmpdir(), "deploy-"));
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  const [secrets, report] = [join(work, "secrets.json"), join(work, "report")];
  writeFileSync(secrets, JSON.stringify(upload), { mode: 0o600 });
  run("wrangler", ["deploy", "--env", env, ...routes, "--secrets-file", secrets], {
    env: { ...environment, WRANGLER_OUTPUT_FILE_PATH: report },
  });
  const entries = readFileSync(report, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  // What is a server's own host tells nothing of the gateway.
  const isOwn = (target) => hosts.some((host) => target.replace(/^https:\/\//, "").replace(/[ /].*$/, "") === host);
  const target = entries.find(({ type }) => type === "deploy")?.targets?.find((target) => !isOwn(target));
  return target && (/^https?:/.test(target) ? target : `https://${target.replace(/ .*$/, "").replace(/\/\*$/, "")}`);
}

/** The operator's token goes only to who proves to be what was just deployed: a name may lead to somebody else. */
async function sendFirstConfiguration() {
  if (text === undefined) {
    console.log(`deploy: ${configuration} does not exist, so no configuration was sent. ${url ?? "The gateway"} says what to do.`);
    return;
  }
  const publicUrl = JSON.parse(text).public_url?.replace(/\/$/, "");
  const places = [...new Set([publicUrl, url].filter(Boolean))];
  if (places.length === 0) fail(`deploy: where does this deployment listen? Write "public_url" into ${configuration}.`);
  if (!adminToken) fail(`deploy: ADMIN_TOKEN is neither in ${keptFile} nor in --env-file, so the configuration cannot be sent.`);
  const gateway = await findDeployment(places, deploymentKey, Number(options.wait));
  if (!gateway) {
    fail(
      `deploy: nothing at ${places.join(" or ")} proved to be this deployment within ${options.wait} seconds, so the configuration and the operator token were not sent.\n` +
        "Does the DNS record exist yet, and does it lead to this Worker? Deploy again when it does.",
    );
  }
  if (gateway !== places[0]) {
    console.error(`deploy: ${places[0]} did not prove to be this deployment: does the name lead to this Worker? The configuration goes to ${gateway}.`);
  }
  const { version, problem } = await sendConfiguration(gateway, text, adminToken);
  if (problem) fail(`${configuration} is not in effect:\n${problem}`);
  console.log(`configuration version ${version} in effect, everywhere within about a minute`);
  for (const server of serverUrls(text, gateway)) console.log(server.url);
  const status = await statusOf(gateway, adminToken);
  const left = status?.configuration_version === version && problemsOf(status);
  if (left) console.error(`what is left to do:\n${left}`);
}
