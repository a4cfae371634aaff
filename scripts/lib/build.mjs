// The Worker from Rust to build/: cargo, bindgen, wasm-opt, and the hand-written scripts beside them.
//
// Each build is a folder of its own under .builds/, and build/ is a link to the newest that changes in one step: whoever reads a build
// while another is made has all of one.
import { copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { environment, fingerprint, inRoot, run } from "./ground.mjs";
import { bindgen } from "./setup.mjs";
import { parsed } from "./usage.mjs";

const target = "wasm32-unknown-unknown";
// What rustc emits for this target; wasm-opt refuses instructions it was not told of.
const features = ["bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext", "simd"];

const compiled = join(process.env.CARGO_TARGET_DIR || inRoot("target"), target, "release", "mcp_edge_gateway.wasm");
// A function that is called once is not put into its caller: V8 compiles each function whole when it is first called, and what a cold isolate's
// first request does not come to then stays out (docs/decisions/one-module.md).
const optimiser = (wasm) => ["-Oz", "--one-caller-inline-max-function-size", "100", ...features.map((name) => `--enable-${name}`), wasm, "-o", wasm];
const scripts = ["entry.js", "call.js", "rewritten.js", "ready.js", "objects.js", "instance.js"].map((name) => inRoot("src/edge", name));
const [link, folders] = [inRoot("build"), inRoot(".builds")];
const KEPT = 4; // folders: whoever reads one has that many builds of time
const AN_HOUR = 3_600_000; // longer than any build takes

/** Builds build/entry.js and what it imports. Cheap when nothing changed; an optimised build serves where a plain one would do. */
export function build({ optimise = true } = {}) {
  run("cargo", ["build", "--release", "--lib", "--target", target]);
  const source = sources();
  const [plain, optimised] = [`${source} plain`, `${source} optimised`];
  const [rust, beside] = existsSync(join(link, ".built")) ? readFileSync(join(link, ".built"), "utf8").split("\n") : [];
  const fits = rust === optimised || (rust === plain && !optimise);
  if (fits && beside === fingerprint(...scripts)) return;

  const folder = join(folders, `${Date.now()}-${process.pid}`);
  let done = false;
  process.once("exit", () => done || rmSync(folder, { recursive: true, force: true }));
  if (fits) cpSync(realpathSync(link), folder, { recursive: true });
  else compile(folder, { optimise });
  // Somebody else has built something else meanwhile, and nobody knows which of the two was read.
  if (sources() !== source) return build({ optimise });
  copyScripts(folder);
  writeFileSync(join(folder, ".built"), [fits ? rust : optimise ? optimised : plain, fingerprint(...scripts)].join("\n"));
  lead(folder);
  done = true;
  if (optimise && !fits) report(join(link, "index_bg.wasm"));
}

const sources = () => `${fingerprint(compiled, fileURLToPath(import.meta.url))} ${bindgen().directory}`;

/** The same build once more in `folder`, with the names of the functions in the wasm, which a profile shows. After `build`. */
export function buildNamed(folder, { optimise = true } = {}) {
  compile(folder, { optimise, names: true });
  copyScripts(folder);
}

function compile(folder, { optimise, names = false }) {
  mkdirSync(folder, { recursive: true });
  run(join(bindgen().directory, "bindgen"), [compiled, folder], { env: { ...environment, ...(names && { KEEP_NAMES: "1" }) } });
  if (optimise) run("wasm-opt", [...(names ? ["-g"] : []), ...optimiser(join(folder, "index_bg.wasm"))]);
}

function copyScripts(folder) {
  for (const file of scripts) copyFileSync(file, join(folder, basename(file)));
}

/** Lets build/ lead to a folder that is complete, and forgets old ones. */
function lead(folder) {
  // It was a folder itself once.
  if (lstatSync(link, { throwIfNoEntry: false })?.isDirectory()) rmSync(link, { recursive: true });
  const next = `${folder}.link`;
  symlinkSync(join(".builds", basename(folder)), next);
  renameSync(next, link);
  const all = readdirSync(folders).sort((a, b) => parseInt(b) - parseInt(a));
  const whole = all.filter((name) => existsSync(join(folders, name, ".built")));
  // One that is not whole is being made, or was given up.
  const abandoned = all.filter((name) => !whole.includes(name) && parseInt(name) < Date.now() - AN_HOUR);
  for (const old of [...whole.slice(KEPT), ...abandoned]) rmSync(join(folders, old), { recursive: true, force: true });
}

function report(wasm) {
  const bytes = readFileSync(wasm);
  const kilobytes = (length) => `${Math.round(length / 1024)} KB`;
  console.log(`build: ${kilobytes(bytes.length)} of wasm, ${kilobytes(gzipSync(bytes).length)} compressed`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build({ optimise: !parsed("build").dev });
