// What each script takes, and what it says of itself. Stands on Node alone: it is asked before anything is installed.
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { profiles } from "./doctor/profiles.mjs";

const configFile = (fallback) => ({ type: "string", value: "FILE", about: `which configuration (${fallback})` });
const envFile = {
  type: "string",
  value: "FILE",
  about: "secrets as NAME=value lines: what the configuration names, ADMIN_TOKEN or KEY_RING",
};
const flag = (about) => ({ type: "boolean", default: false, about });

const clients = Object.keys(profiles);

const scripts = {
  bench: {
    about: "Measures the gateway beside hand-written JavaScript and the TypeScript way, on workerd itself and on one machine.",
    options: {
      rows: { type: "string", value: "LIST", about: "only these, separated by commas; a wrong name lists them all" },
      targets: {
        type: "string",
        value: "LIST",
        about: "only these: const, pass, parse, filter, shell (the gateway without Rust), peer, gateway",
      },
      rounds: { type: "string", value: "5", about: "how often each target is measured in a row", mistake: positive },
      seconds: { type: "string", value: "2", about: "how long each time", mistake: positive },
      profile: flag("where the CPU goes in the gateway, and what one request does, instead (default row: json-1kb)"),
      quick: flag("a few requests of everything, to see that it works"),
      force: flag("measure although the machine is busy"),
      json: { type: "string", value: "FILE", about: "also write every figure there" },
    },
  },
  build: {
    about: "Builds the Worker into build/. Whatever serves an earlier build goes on with it.",
    options: { dev: flag("without the size optimiser; the default is what gets deployed") },
  },
  check: {
    about: "Says whether the gateway would take this configuration, with every mistake at its place. It asks the Worker itself.",
    operand: "FILE",
    options: { "env-file": envFile },
  },
  deploy: {
    about: "Deploys to Cloudflare: storage, code, secrets, then the configuration.",
    options: {
      env: {
        type: "string",
        value: "production|staging",
        default: "production",
        about: "which deployment",
        mistake: (env) => !["production", "staging"].includes(env) && `is production or staging, not ${env}`,
      },
      config: configFile("gateway.<env>.json"),
      "env-file": envFile,
      wait: { type: "string", value: "120", default: "120", about: "seconds until the new deployment must answer", mistake: positive },
      "dry-run": flag("without an account: checks the configuration, its secrets, and what would be uploaded"),
    },
  },
  dev: {
    about: "Serves the gateway on this machine, with a demo server and two accounts to sign in with. Ctrl-C ends everything.",
    options: {
      port: {
        type: "string",
        value: "8787",
        default: "8787",
        about: "where to listen (this machine only)",
        mistake: (port) => !(/^\d+$/.test(port) && port > 0 && port < 65536) && `takes a port number, not ${port}`,
      },
      config: configFile("gateway.json"),
      "env-file": envFile,
      "no-demo": flag("no demo server"),
    },
  },
  doctor: {
    about: "Goes the way a client goes to an MCP server, this gateway's or any other, and says what is wrong on it, and who can mend it.",
    operand: "URL",
    operandMistake: (url) => !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) && `URL is an http or https address, not ${url}`,
    options: {
      profile: {
        type: "string",
        value: "CLIENT",
        about: `play a client: ${clients.join(", ")}`,
        mistake: (client) => !clients.includes(client) && `is one of ${clients.join(", ")}, not ${client}`,
      },
      browser: flag("let somebody sign in in a browser on this machine, and go all the way"),
      token: { type: "string", value: "TOKEN", about: "call with this access token; better in the variable DOCTOR_TOKEN, which nobody else sees" },
      "client-id": { type: "string", value: "ID", about: "a client that is registered there, or the URL of a client ID metadata document" },
      "no-register": flag("register no client there"),
      upstreams: flag("also have the gateway at URL check the servers behind it; with the operator's token in the variable ADMIN_TOKEN"),
      json: flag("for programs"),
      support: { type: "string", value: "FILE", about: "also write every exchange there, with every secret cut" },
    },
  },
  features: {
    about: "Prints for each promised feature the end-to-end tests that prove it. A test proves row Z5 by carrying [Z5] in its name.",
    options: { missing: flag("only the features without a test") },
  },
  setup: {
    about: "Installs what the other scripts need: the wasm target, the npm packages (Node 22 among them) and the bindgen tool.",
    options: {},
  },
  test: {
    about: "Runs every test, and ends with one line: N passed, N failed.",
    options: { quick: flag("only the native ones") },
  },
};

/** The options of a script, and its operand as `operand`. Ends the script where they are wrong. */
export function parsed(name, args = process.argv.slice(2)) {
  const { options, operand, operandMistake } = scripts[name];
  let found;
  try {
    const known = Object.fromEntries(Object.entries(options).map(([option, { type, default: value }]) => [option, { type, default: value }]));
    for (const option of Object.values(known)) if (option.default === undefined) delete option.default;
    known.help = { type: "boolean", short: "h", default: false };
    found = parseArgs({ args, options: known, allowPositionals: operand !== undefined });
  } catch (error) {
    misused(name, error.message.split(". ")[0].replace(/\.$/, ""));
  }
  const { values, positionals } = found;
  if (values.help) {
    console.log(help(name));
    process.exit(0);
  }
  for (const [option, { mistake }] of Object.entries(options)) {
    const problem = values[option] !== undefined && mistake?.(values[option]);
    if (problem) misused(name, `--${option} ${problem}`);
  }
  if (operand && positionals.length !== 1) misused(name, positionals.length === 0 ? `${operand} is missing` : `takes one ${operand}`);
  const problem = operandMistake?.(positionals[0]);
  if (problem) misused(name, problem);
  return { ...values, operand: positionals[0] };
}

/** Says what is wrong with how the script was called, and ends it. */
export function misused(name, problem) {
  console.error(`${name}: ${problem}\n${usage(name)}`);
  process.exit(2);
}

function usage(name) {
  const { options, operand } = scripts[name];
  const written = Object.entries(options).map(([option, its]) => `[${named(option, its)}]`);
  return ["usage: scripts/" + name, ...(operand ? [operand] : []), ...written].join(" ");
}

function help(name) {
  const { about, options } = scripts[name];
  const lines = Object.entries(options).map(([option, its]) => [named(option, its), its.about]);
  const width = Math.max(0, ...lines.map(([left]) => left.length));
  return [usage(name), about, ...lines.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)].join("\n");
}

const named = (option, { value }) => (value ? `--${option} ${value}` : `--${option}`);

function positive(text) {
  return !(Number(text) > 0) && `takes a number above 0, not ${text}`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) parsed(process.argv[2], process.argv.slice(3));
