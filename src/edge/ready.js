// Answers that Rust has given and that are the same for others: given again here, as long as Rust would not look at its configuration.
//
// Not here: which answers those are, and what they are made by. Rust says so with each (`gateway/ready.rs`).

const MOST = 64; // answers: a few for each server and kind of client
const LONGEST = 1024; // characters of what one is found by
const LARGEST = 8 * 1024; // characters of a request's head: whether a larger one is too large is for Rust to say
const MINUTE = 60_000; // what counts are attributed to

let heeded = new Map(); // by the name of a header: whether its value is part of what is asked; else it excludes
const answers = new Map(); // by what is asked
const counts = new Map(); // what was answered and not counted yet

/** A new instance of Rust: what an old one said is worth nothing. */
export function begins(deciding, excluding) {
  heeded = new Map([...deciding.map((name) => [name, true]), ...excluding.map((name) => [name, false])]);
  counts.clear();
  forget();
}

export const forget = () => answers.clear();

/** A request as Rust reads it, and what an answer to it may be found by. */
export function read({ method, url, headers }) {
  let head = `${method}\n${url}\n`;
  let asked = head;
  // Not with `for`: that makes a list of each header, and takes half as long again.
  headers.forEach((value, name) => {
    const line = `${name}\n${value}\n`;
    head += line;
    const decides = heeded.get(name);
    if (decides === undefined || asked === undefined) return;
    asked = decides ? asked + line : undefined;
  });
  if (asked?.length > LONGEST || head.length > LARGEST) asked = undefined;
  return { head, asked };
}

/** The answer to what is asked, where it is ready. */
export function answered(asked, now) {
  const answer = answers.get(asked);
  if (answer === undefined || asked === undefined) return undefined;
  if (now >= answer.until) {
    answers.delete(asked);
    return undefined;
  }
  const { counted, status, headers, body, line } = answer;
  const count = counts.get(counted);
  if (count === undefined) counts.set(counted, { times: 1, at: now });
  else if (count.times >= 1000 || Math.floor(count.at / MINUTE) !== Math.floor(now / MINUTE)) return undefined; // Rust is told of them, some at a time
  else {
    count.times += 1;
    count.at = now;
  }
  const uuid = crypto.randomUUID();
  const id = uuid.replaceAll("-", "");
  if (line) console.log(filled(line, { i: id, s: uuid.slice(0, 8) + uuid.slice(28), t: now }));
  headers.set("x-request-id", id);
  return new Response(body?.join(id), { status, headers });
}

/** What was answered without Rust, once: how many of each count, and when the last was. */
export function uncounted() {
  if (counts.size === 0) return [];
  const all = [...counts];
  counts.clear();
  return all;
}

/** Keeps an answer for others, where Rust says that it is theirs too. Answers what it comes to for this one. */
export function learned(asked, outcome, unpacked) {
  if (!outcome.startsWith("ready\n")) return outcome;
  const [, until, counted, id, span, began, line] = outcome.split("\n", 7);
  const reply = outcome.slice(7 + [until, counted, id, span, began, line].join("\n").length);
  const [kind, status, source] = reply.split("\n", 3);
  if (asked === undefined || kind !== "usual" || !["none", "text"].includes(source)) return reply;
  const from = `usual\n${status}\n${source}\n${id}\n`.length;
  const end = reply.indexOf("\0");
  if (answers.size >= MOST) answers.clear();
  answers.set(asked, {
    until: Number(until),
    counted: Number(counted),
    status: Number(status),
    headers: unpacked(reply.slice(from, end).split("\n")),
    body: source === "text" ? reply.slice(end + 1).split(id) : null,
    line: line && template(line, { id, span, began }),
  });
  return reply;
}

/** A line with holes: what stands before the first, and the name of each with what stands behind it. No text in it has `"` or \0 unescaped. */
function template(line, { id, span, began }) {
  const marked = line.replaceAll(id, "\0i").replaceAll(span, "\0s").replace(`"started_ms":${began},`, `"started_ms":\0t,`);
  const [first, ...holes] = marked.split("\0");
  return { first, holes: holes.map((hole) => ({ name: hole[0], rest: hole.slice(1) })) };
}

function filled({ first, holes }, values) {
  let line = first;
  for (const { name, rest } of holes) line += values[name] + rest;
  return line;
}
