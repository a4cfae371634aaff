// Whether the gateway would take a configuration: the Worker is asked, on this machine, and applies nothing.
import { resolve } from "node:path";

import { build } from "./build.mjs";
import { objections, readConfiguration } from "./configuration.mjs";
import { fail } from "./ground.mjs";
import { readSecrets } from "./secrets.mjs";
import { parsed } from "./usage.mjs";

const { operand: file, "env-file": envFile } = parsed("check");
const text = readConfiguration(resolve(file)) ?? fail(`check: ${file} does not exist`);
const secrets = envFile ? readSecrets(resolve(envFile)) : {};

build({ optimise: false });
const problem = await objections(text, secrets);
if (problem) fail(`${file} would not be taken:\n${problem}`);
console.log(`${file} is valid, and every secret that it names is there`);
