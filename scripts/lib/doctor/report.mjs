// What a visit came to, for people and for programs.
//
// Not here: what support gets (support.mjs).

import { titleOf } from "./profiles.mjs";

const MARKS = { fault: "fault", warning: "warning", note: "note" };
const WHO = {
  client: "whoever sets the client up",
  operator: "whoever runs the address and what is in front",
  server: "whoever runs the server",
  network: "whoever runs the network between",
};

/** Lines for a terminal. `paint` adds colour where there is some. */
export function human(visit, { paint = (text) => text } = {}) {
  const { findings, who = WHO } = visit;
  const counted = findings.filter(({ weight }) => weight !== "note");
  const title = visit.title ?? `${visit.url}${visit.profile ? `, as ${visit.profile.title}` : ""}`;
  const lines = [title, ""];
  for (const alike of together(visit.steps)) lines.push(alike.length > 1 ? several(alike, paint) : row(alike[0], findings, paint));
  for (const finding of findings) lines.push("", ...block(finding, who, paint));
  if (visit.left.length > 0) lines.push("", ...visit.left.map((one) => `left there: ${shorten(one)}`));
  lines.push("", counted.length === 0 ? paint("Nothing is wrong as far as this went.", "ok") : paint(countOf(counted), "fault"));
  return visit.steps.length > 0 ? lines.join("\n") : "";
}

/** Steps that follow each other and were skipped for one reason are one line. */
function together(steps) {
  const groups = [];
  for (const step of steps) {
    const [last] = groups.at(-1) ?? [];
    if (last && step.skipped && last.skipped && last.said === step.said) groups.at(-1).push(step);
    else groups.push([step]);
  }
  return groups;
}

function several(steps, paint) {
  return `  ${paint("–".padEnd(7), "skipped")}  ${steps.map(({ name }) => name).join(", ")}: ${steps[0].said}`;
}

function row({ name, said, skipped }, findings, paint) {
  const own = findings.filter(({ step, weight }) => step === name && weight !== "note");
  const [worst] = own.sort((one, other) => order(one) - order(other));
  const mark = worst ? MARKS[worst.weight] : skipped ? "–" : "ok";
  const words = own.length > 0 ? own.map(({ says }) => says).join("; ") : (said ?? "");
  return `  ${paint(mark.padEnd(7), worst?.weight ?? (skipped ? "skipped" : "ok"))}  ${name.padEnd(13)}  ${words}`.trimEnd();
}

const order = ({ weight }) => Object.keys(MARKS).indexOf(weight);

function block(finding, who, paint) {
  const broken = finding.breaks && (finding.breaks.map(titleOf).join(", ") || "no client that is known");
  const facts = [
    ["at", finding.at],
    ["expected", finding.expected],
    ["seen", finding.seen],
    ["rule", `${finding.rule} (${finding.source})`],
    ["breaks", broken],
    ["to act", who[finding.who]],
    ["fix", finding.fix],
  ];
  return [
    `${paint(MARKS[finding.weight], finding.weight)} ${finding.id}: ${finding.says}`,
    ...facts.filter(([, value]) => value).map(([name, value]) => `  ${name.padEnd(9)} ${value}`),
  ];
}

function countOf(counted) {
  const faults = counted.filter(({ weight }) => weight === "fault").length;
  const warnings = counted.length - faults;
  const some = (count, word) => (count > 0 ? [`${count} ${word}${count === 1 ? "" : "s"}`] : []);
  return [...some(faults, "fault"), ...some(warnings, "warning")].join(", ");
}

const shorten = (text) => text.replace(/\S{40,}?(?=[,\s]|$)/g, (word) => (word.length > 60 ? `${word.slice(0, 40)}…` : word));

/** One object for programs; its members are kept. */
export function json(visit) {
  return {
    v: 1,
    url: String(visit.url),
    ...(visit.profileName && { profile: visit.profileName }),
    steps: visit.steps.map(({ name, said, skipped }) => ({ name, skipped, ...(said && { said }) })),
    findings: visit.findings.map(({ id, step, weight, says, at, expected, seen, rule, source, who, fix, breaks }) => ({
      id,
      step,
      weight,
      says,
      at,
      expected,
      seen,
      rule,
      source,
      who,
      fix,
      breaks,
    })),
    left: visit.left,
  };
}
