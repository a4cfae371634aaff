// The tables of docs/doctor.md, made of the doctor's own; run by itself it writes them anew.
//
// Not here: the words around the tables (docs/doctor.md).
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { inRoot } from "../ground.mjs";
import { findings } from "./findings.mjs";
import { titleOf } from "./profiles.mjs";
import { symptoms } from "./symptoms.mjs";

const cell = (text) => text.replaceAll("|", "\\|");
const code = (id) => `\`${id}\``;

const tables = {
  findings: () =>
    Object.entries(findings).flatMap(([step, rows]) => [
      `### ${step[0].toUpperCase()}${step.slice(1)}`,
      "",
      "| finding | what is wrong | rule | to act | breaks | fix |",
      "|---|---|---|---|---|---|",
      ...Object.entries(rows).map(([id, row]) => {
        const says = row.weight === "warning" ? `${row.says} (warning)` : row.says;
        return `| ${[`<a id="${id}"></a>${code(id)}`, says, `${row.rule} (${row.source})`, row.who, row.breaks.map(titleOf).join(", ") || "–", row.fix].map(cell).join(" | ")} |`;
      }),
      "",
    ]),
  symptoms: () => [
    "| symptom | finding |",
    "|---|---|",
    ...[...new Set(symptoms.map(({ from }) => from))].flatMap((from) => [
      `| **${from}** | |`,
      ...symptoms
        .filter((one) => one.from === from)
        .map(
          ({ symptom, findings: ids, instead }) =>
            `| ${cell(symptom)} | ${ids ? ids.map((id) => `[${code(id)}](#${id})`).join(", ") : cell(instead)} |`,
        ),
    ]),
    "",
  ],
};

/** The document with its tables renewed, each between its two marks. */
export function documented(text) {
  return Object.entries(tables).reduce((rest, [name, rows]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    return rest.replace(new RegExp(`${begin}[\\s\\S]*?${end}`), () => [begin, "", ...rows(), end].join("\n"));
  }, text);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = inRoot("docs/doctor.md");
  writeFileSync(file, documented(readFileSync(file, "utf8")));
}
