// Deploys one environment of wrangler.toml: storage and code by wrangler, secrets with them, then the configuration.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { build } from "./build.mjs";
import { healthy, secretNames, sendConfiguration, serverUrls } from "./configuration.mjs";
import { environment, fail, inRoot, root, run } from "./ground.mjs";
import { ownSecrets, readSecrets } from "./secrets.mjs";

const { values: options } = parseArgs({
  options: {
    env: { type: "string", default: "production" },
    config: { type: "string" },
    "env-file": { type: "string" },
    "dry-run": { type: "boolean", default: false },
  },
});
const { env } = options;
if (!["production", "staging"].includes(env)) fail(`deploy: --env is production or staging, not ${env}`);
const configuration = resolve(options.config ?? inRoot(`gateway.${env}.json`));
if (options.config && !existsSync(configuration)) fail(`deploy: ${configuration} does not exist`);
const text = existsSync(configuration) ? readFileSync(configuration, "utf8") : undefined;

build();
if (options["dry-run"]) {
  run("wrangler", ["deploy", "--env", env, "--dry-run", "--outdir", inRoot(".dev", `dry-run-${env}`)]);
  process.exit();
}

const keptFile = inRoot(".deploy", `${env}.env`);
const { upload, adminToken } = collectSecrets();
const url = uploadWorker();
await sendFirstConfiguration();

/** What to upload: secrets given now, and the gateway's own ones on the first deployment. */
function collectSecrets() {
  const given = options["env-file"] ? readSecrets(resolve(options["env-file"])) : {};
  const there = deployedSecrets();
  const kept = ownSecrets(keptFile, { ...given, ...there });
  const missing = secretsOfConfiguration().filter((name) => !(name in there) && !(name in given));
  if (missing.length > 0) {
    fail(
      `deploy: the configuration needs secrets the deployment does not have: ${missing.join(", ")}\n` +
        "Write them to a file as NAME=value and add --env-file FILE.",
    );
  }
  const own = Object.fromEntries(Object.entries(kept).filter(([name]) => !(name in there)));
  if ("KEY_RING" in own && !("KEY_RING" in given)) {
    console.log(`deploy: keys are in ${keptFile}. Keep a copy in a safe place: who loses KEY_RING cannot rotate it.`);
  }
  return { upload: { ...own, ...given }, adminToken: given.ADMIN_TOKEN ?? kept.ADMIN_TOKEN };
}

/** Names of the secrets on Cloudflare; none before the first deployment. */
function deployedSecrets() {
  const { status, stdout, stderr } = spawnSync("wrangler", ["secret", "list", "--env", env, "--format", "json"], {
    cwd: root,
    env: environment,
    encoding: "utf8",
    stdio: ["inherit", "pipe", "pipe"],
  });
  if (status !== 0 && /Worker "[^"]+".* not found/.test(stdout + stderr)) return {};
  if (status !== 0)
    fail(
      `deploy: wrangler cannot list the secrets. Is it logged in (node_modules/.bin/wrangler login, or CLOUDFLARE_API_TOKEN)?\n${stdout}${stderr}`,
    );
  return Object.fromEntries(JSON.parse(stdout.slice(stdout.indexOf("["))).map(({ name }) => [name, true]));
}

function secretsOfConfiguration() {
  if (!text) return [];
  try {
    return secretNames(text);
  } catch (error) {
    return fail(`deploy: ${configuration} is not JSON: ${error.message}`);
  }
}

/** Uploads code and secrets in one step; the answer is where the Worker listens. */
function uploadWorker() {
  const work = mkdtempSync(join(tmpdir(), "deploy-"));
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  const [secrets, report] = [join(work, "secrets.json"), join(work, "report")];
  writeFileSync(secrets, JSON.stringify(upload), { mode: 0o600 });
  run("wrangler", ["deploy", "--env", env, ...(Object.keys(upload).length > 0 ? ["--secrets-file", secrets] : [])], {
    env: { ...environment, WRANGLER_OUTPUT_FILE_PATH: report },
  });
  const entries = readFileSync(report, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const target = entries.find(({ type }) => type === "deploy")?.targets?.[0];
  return target && (/^https?:/.test(target) ? target : `https://${target.replace(/ .*$/, "").replace(/\/\*$/, "")}`);
}

async function sendFirstConfiguration() {
  if (!text) {
    console.log(`deploy: ${configuration} does not exist, so no configuration was sent. ${url ?? "The gateway"} says what to do.`);
    return;
  }
  const gateway = (JSON.parse(text).public_url ?? url)?.replace(/\/$/, "");
  if (!gateway) fail(`deploy: where does this deployment listen? Write "public_url" into ${configuration}.`);
  if (!adminToken) fail(`deploy: ADMIN_TOKEN is neither in ${keptFile} nor in --env-file, so the configuration cannot be sent.`);
  if (!(await healthy(gateway, 120))) fail(`deploy: ${gateway}/healthz did not answer within two minutes. Does its DNS record exist yet?`);
  const { version, problem } = await sendConfiguration(gateway, text, adminToken);
  if (problem) fail(`${configuration} is not in effect:\n${problem}`);
  console.log(`configuration version ${version} in effect, everywhere within about a minute`);
  for (const server of serverUrls(text, gateway)) console.log(server.url);
}
