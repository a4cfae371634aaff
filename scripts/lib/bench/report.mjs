// What a reader judges by: tables, and the goals beside what was reached.

const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (value) => `${number(value * 100, 1)} %`;
const ratio = (value) => (Number.isFinite(value) ? `${value.toFixed(2)} ×` : "");

/** Columns are right-aligned, but for the first. */
export function table(head, lines) {
  const all = [head, ...lines].map((line) => line.map((cell) => String(cell ?? "")));
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column].length)));
  const written = all.map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  "));
  return `${written[0]}\n${"-".repeat(written[0].length)}\n${written.slice(1).join("\n")}`;
}

export function rowTable(row, figures) {
  const measured = ["CPU µs/request", "spread", "requests/s", "p50 ms", "p99 ms", "failed"];
  const head = [`${row.title} (${row.id})`, ...measured, "of parse", "of peer", "of const", "of pass"];
  const against = (cpu, name) => (figures[name] ? ratio(cpu / figures[name].cpu) : "");
  const lines = Object.entries(figures).map(([name, { cpu, spread, perSecond, p50, p99, failed, wrong, disturbed }]) => [
    `${name}${disturbed > 0 ? ` (${disturbed} disturbed)` : ""}`,
    number(cpu, cpu < 1000 ? 1 : 0),
    percent(spread),
    number(perSecond),
    number(p50, 2),
    number(p99, 2),
    failed > 0 ? `${failed} ${JSON.stringify(wrong)}` : 0,
    ...["parse", "peer", "const", "pass"].map((other) => against(cpu, other)),
  ]);
  return table(head, lines);
}

export function coldTable(row, figures) {
  const total = ({ started, first }) => started + first;
  const lines = Object.entries(figures).map(([name, cold]) => [
    name,
    number(cold.started, 1),
    number(cold.first, 1),
    number(total(cold), 1),
    number(total(cold) - total(figures.hello), 1),
    number(cold.cpu, 1),
  ]);
  return table([`first request of a cold isolate: ${row.title}`, "start ms", "first answer ms", "together", "more than hello", "CPU ms"], lines);
}

export function memoryTable(figures) {
  const counts = Object.values(figures)[0].after.map(({ count }) => count);
  const { streams } = Object.values(figures)[0];
  const head = ["memory, MB", ...counts.map((count) => `after ${number(count)}`), `KB per open stream (${streams})`, "failed"];
  const lines = Object.entries(figures).map(([name, { after, perStream, failed }]) => [
    name,
    ...after.map(({ kilobytes }) => number(kilobytes / 1024, 1)),
    number(perStream, 1),
    failed,
  ]);
  return table(head, lines);
}

/** Of `explainMemory`. */
export function explanationTable(figures) {
  const shown = { resident: "all", own: "without mapped files", heap: "JavaScript heap", used: "of it in use", stores: "buffers" };
  const lines = Object.entries(shown).map(([name, title]) => [title, ...Object.values(figures).map((moment) => number(moment[name] / 1024, 1))]);
  return table(["memory of the gateway, MB", "at first", "after the requests"], lines);
}

export function sizeTable(figures) {
  const lines = Object.entries(figures).map(([name, { raw, gzip }]) => [name, number(raw / 1024, 1), number(gzip / 1024, 1)]);
  return table(["size, KB", "raw", "gzip"], lines);
}

/** The goals of the project, and what this run says of them. Left out where the run has no figure. */
export function goals({ rows, cold, memory }) {
  const lines = [];
  const goal = (what, value, limit, unit = "") => {
    if (Number.isFinite(value) && Number.isFinite(limit)) {
      lines.push([what, `${number(value, 2)}${unit}`, `≤ ${number(limit, 2)}${unit}`, value <= limit ? "reached" : "MISSED"]);
    }
  };
  const of = (row, figure, target, other, from = row) => rows[row]?.[target]?.[figure] / rows[from]?.[other]?.[figure];
  for (const row of ["json-1kb", "sse-1kb"]) {
    goal(`${row}: of pass`, of(row, "cpu", "gateway", "pass"), 1.45, " ×");
    goal(`${row}: of peer`, of(row, "cpu", "gateway", "peer"), 0.6, " ×");
    goal(`${row}: p99, of pass`, of(row, "p99", "gateway", "pass"), 1.5, " ×");
  }
  for (const row of ["key", "connected", "million"]) goal(`${row}: of pass at json-1kb`, of(row, "cpu", "gateway", "pass", "json-1kb"), 1.45, " ×");
  for (const row of ["challenge", "metadata", "preflight"]) goal(`${row}: of const`, of(row, "cpu", "gateway", "const"), 1.2, " ×");
  goal("refresh: of peer", of("refresh", "cpu", "gateway", "peer"), 1, " ×");
  for (const row of ["list-2mb-json", "list-2mb-sse"]) goal(`${row}: of filter`, of(row, "cpu", "gateway", "filter"), 1, " ×");
  for (const [row, figures] of Object.entries(cold ?? {})) {
    const total = (name) => figures[name] && figures[name].started + figures[name].first;
    goal(`cold isolate, ${row}: more than hello`, total("gateway") - total("hello"), 20, " ms");
  }
  const last = memory?.gateway?.after.at(-1);
  if (last?.count >= 100_000) goal(`memory after ${number(last.count)} requests`, last.kilobytes / 1024, 200, " MB");
  return lines.length > 0 ? table(["goal", "measured", "limit", ""], lines) : "";
}
