// Which end-to-end tests prove which promised feature: rows from tests/features.json, proofs from the names of tests.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

import { inRoot, root } from "./ground.mjs";
import { parsed } from "./usage.mjs";

const options = parsed("features");
const rows = JSON.parse(readFileSync(inRoot("tests/features.json"), "utf8"));
const known = new Set(rows.map(({ id }) => id));
const proofs = endToEndTests();

for (const { id, must } of rows) {
  const proving = proofs.filter(({ ids }) => ids.includes(id));
  if (options.missing && proving.length > 0) continue;
  console.log(`${id.padEnd(4)} ${must}`);
  for (const { name, file } of proving) console.log(`       ✓ ${name} (${file})`);
  if (proving.length === 0) console.log("       – no test");
}

const proven = rows.filter(({ id }) => proofs.some(({ ids }) => ids.includes(id)));
console.log(`\n${proven.length} of ${rows.length} rows have a test.`);
const strangers = proofs.flatMap(({ ids, name }) => ids.filter((id) => !known.has(id)).map((id) => `${id} in “${name}”`));
if (strangers.length > 0) {
  console.error(`No such row: ${strangers.join(", ")}`);
  process.exitCode = 1;
}

/** Tests whose names carry ids, as in `test('[Z5] [X3] upstream 401 is refreshed', …)`. */
function endToEndTests() {
  const folder = inRoot("tests/e2e");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".test.mjs"))
    .sort();
  return files.flatMap((file) => {
    const source = readFileSync(join(folder, file), "utf8");
    return [...source.matchAll(/\b(?:test|it|describe)(?:\.\w+)?\(\s*(['"`])((?:(?!\1).)*)\1/g)].map(([, , name]) => ({
      name,
      file: relative(root, join(folder, file)),
      ids: [...name.matchAll(/\[([A-Z]\d+)\]/g)].map(([, id]) => id),
    }));
  });
}
