// The Worker from Rust to build/: cargo, bindgen, wasm-opt, and the hand-written scripts beside them.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

import { environment, fingerprint, inRoot, run } from "./ground.mjs";
import { bindgen } from "./setup.mjs";

const target = "wasm32-unknown-unknown";
// What rustc emits for this target; wasm-opt refuses instructions it was not told of.
const features = ["bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];

const compiled = join(process.env.CARGO_TARGET_DIR || inRoot("target"), target, "release", "mcp_edge_gateway.wasm");
const optimiser = (wasm) => ["-Os", ...features.map((name) => `--enable-${name}`), wasm, "-o", wasm];

/** Builds build/entry.js and what it imports. Cheap when nothing changed; an optimised build serves where a plain one would do. */
export function build({ optimise = true } = {}) {
  run("cargo", ["build", "--release", "--lib", "--target", target]);
  const [wasm, glue, stamp] = ["index_bg.wasm", "index.js", ".built"].map((name) => inRoot("build", name));
  const source = `${fingerprint(compiled, fileURLToPath(import.meta.url))} ${bindgen().directory}`;
  const [plain, optimised] = [`${source} plain`, `${source} optimised`];

  mkdirSync(inRoot("build"), { recursive: true });
  copyScripts(inRoot("build"));
  const built = [wasm, glue, stamp].every((file) => existsSync(file)) && readFileSync(stamp, "utf8");
  if (built === optimised || (built === plain && !optimise)) return;

  rmSync(stamp, { force: true });
  rmSync(inRoot("build/snippets"), { recursive: true, force: true });
  run(join(bindgen().directory, "bindgen"), [compiled, inRoot("build")]);
  if (optimise) run("wasm-opt", optimiser(wasm));
  writeFileSync(stamp, optimise ? optimised : plain);

  if (!optimise) return;
  const bytes = readFileSync(wasm);
  const kilobytes = (length) => `${Math.round(length / 1024)} KB`;
  console.log(`build: ${kilobytes(bytes.length)} of wasm, ${kilobytes(gzipSync(bytes).length)} compressed`);
}

function copyScripts(folder) {
  for (const name of ["entry.js", "call.js", "rewritten.js", "instance.js"]) copyFileSync(inRoot("src/edge", name), join(folder, name));
}

/** The same build once more in `folder`, with the names of the functions in the wasm, which a profile shows. After `build`. */
export function buildNamed(folder, { optimise = true } = {}) {
  mkdirSync(folder, { recursive: true });
  copyScripts(folder);
  run(join(bindgen().directory, "bindgen"), [compiled, folder], { env: { ...environment, KEEP_NAMES: "1" } });
  if (optimise) run("wasm-opt", ["-g", ...optimiser(join(folder, "index_bg.wasm"))]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { dev: { type: "boolean" }, release: { type: "boolean" } } });
  build({ optimise: !values.dev });
}
