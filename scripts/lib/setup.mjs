// Set-up: each step looks first and works only when something is missing. Runs on any Node from 20.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { environment, fail, fingerprint, inRoot, output, root, run } from "./ground.mjs";

/** The tool that writes the JavaScript side of the wasm file, built once per version and kept outside the checkout. */
export function bindgen() {
  const files = ["Cargo.toml", "Cargo.lock", "src/main.rs"].map((file) => inRoot("scripts/bindgen", file));
  const version = /cli-support = "=([^"]+)"/.exec(readFileSync(files[0], "utf8"))[1];
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "mcp-edge-gateway");
  return { version, directory: join(cache, `${version}-${fingerprint(...files)}`) };
}

function checkTools() {
  const needed = [
    ["git", "install git: https://git-scm.com/downloads"],
    ["rustup", "install Rust: https://rustup.rs"],
    ["cc", "install a C linker, which Rust needs (Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install)"],
  ];
  const missing = needed.filter(([tool]) => output("sh", ["-c", `command -v ${tool}`]) === undefined);
  if (missing.length > 0) fail(missing.map(([tool, remedy]) => `setup: ${tool} is missing: ${remedy}`).join("\n"));
}

function addTarget() {
  const target = "wasm32-unknown-unknown";
  if (output("rustup", ["target", "list", "--installed"])?.split("\n").includes(target)) return;
  step(`adding the Rust target ${target}`, () => run("rustup", ["target", "add", target]));
}

function installPackages() {
  const stamp = inRoot("node_modules/.installed");
  const wanted = fingerprint(inRoot("package.json"), inRoot("package-lock.json"));
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  step("installing npm packages (half a minute)", () => {
    // Some packages want Node 22, which is one of the packages: only errors are worth showing.
    const npm = { env: { ...process.env, npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" } };
    run("npm", ["ci", "--loglevel=error"], npm);
    const isNode22 = () => output(inRoot("node_modules/.bin/node"), ["--version"])?.startsWith("v22.");
    if (!isNode22()) run("npm", ["rebuild", "node", "--loglevel=error"], npm);
    if (!isNode22())
      fail(
        "setup: the npm package node@22 installed no Node: its install script must be allowed to run (is ignore-scripts set in an .npmrc?)",
      );
    writeFileSync(stamp, wanted);
  });
}

function buildBindgen() {
  const { version, directory } = bindgen();
  if (existsSync(join(directory, "bindgen"))) return;
  step(`building wasm-bindgen ${version} (once, about a minute)`, () => {
    const work = `${directory}.${process.pid}`;
    process.once("exit", () => rmSync(work, { recursive: true, force: true }));
    mkdirSync(work, { recursive: true });
    run("cargo", ["build", "--release", "--locked", "--manifest-path", inRoot("scripts/bindgen/Cargo.toml")], {
      env: { ...environment, CARGO_TARGET_DIR: join(work, "target") },
    });
    mkdirSync(directory, { recursive: true });
    renameSync(join(work, "target/release/bindgen"), join(directory, "bindgen"));
  });
}

function step(what, work) {
  const start = Date.now();
  console.log(`setup: ${what} …`);
  work();
  console.log(`setup: done in ${Math.round((Date.now() - start) / 1000)} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(root);
  checkTools();
  addTarget();
  installPackages();
  buildBindgen();
}
