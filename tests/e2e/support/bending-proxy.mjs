// A proxy in front of an authorization server or an upstream: it remembers every exchange, and a test can bend the next ones.
//
// Not here: what stands behind it (authorization-server.mjs, worker-upstream.mjs, upstream.mjs).

import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

import { listen } from "./listen.mjs";

/**
 * Starts one; `passTo(port)` says what is behind it, once that is known, and `passTo(port, path)` what is behind a part of it.
 * `exchanges` holds {method, path, query, headers, form, json, status, answer} of everything that arrived, oldest first; `status` and
 * `answer` are what the server behind said, whether or not anybody got to hear it.
 */
export async function startBendingProxy({ port: wanted = 0, rewrite = (headers) => headers } = {}) {
  const exchanges = [];
  const routes = [];
  let bent = [];

  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, "http://proxy");
    const body = await readAll(request);
    const text = body.toString();
    const form = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ? Object.fromEntries(new URLSearchParams(text)) : {};
    const exchange = { method: request.method, path: url.pathname, query: url.searchParams, headers: request.headers, form, json: parse(text) };
    exchanges.push(exchange);

    const forward = async () => {
      const { inner } = routes.findLast(({ under }) => url.pathname.startsWith(under));
      const answer = await send({ port: inner, method: request.method, path: request.url, headers: rewrite({ ...request.headers }, exchange), body });
      exchange.status = answer.status;
      exchange.answer = parse(await answer.read?.() ?? "");
      return answer;
    };
    const rule = bent.find(({ fits }) => fits(exchange));
    if (rule && --rule.left <= 0) bent = bent.filter((other) => other !== rule);
    try {
      await (rule?.act ?? relay)({ exchange, request, response, forward });
    } catch {
      response.destroy();
    }
  });

  const { origin, port, stop } = await listen(server, { port: wanted });
  return {
    origin,
    port,
    exchanges,
    passTo: (inner, under = "/") => void routes.push({ inner, under }),
    /** The next `times` exchanges that fit are acted on so. `fits` is a path, its beginning with `*`, or a predicate. */
    bend(fits, act, { times = Infinity } = {}) {
      const rule = { fits: matcher(fits), act, left: times };
      bent.push(rule);
      return () => (bent = bent.filter((other) => other !== rule));
    },
    /** As it was before anything was bent. */
    straighten: () => (bent = []),
    stop,
  };
}

/** Handed on as it is; streams stay streams. */
export async function relay({ response, forward }) {
  const answer = await forward();
  answer.deliver(response);
}

/** The server does its work and nobody hears of it. */
export async function dropAnswer({ response, forward }) {
  await forward();
  response.destroy();
}

/** The request never arrives. */
export async function dropRequest({ response }) {
  response.destroy();
}

/** The server does its work at once; the answer arrives that much later. */
export const delayAnswer = (milliseconds) => async ({ response, forward }) => {
  const answer = await forward();
  await pause(milliseconds);
  answer.deliver(response);
};

/** The request arrives twice, as from a network that repeats itself; the client gets the first answer. */
export async function twice({ response, forward }) {
  const answer = await forward();
  await forward();
  answer.deliver(response);
}

/** The answer's body arrives twice over, so it is no JSON any more. */
export async function doubled({ response, forward }) {
  const { status, headers, body } = await forward();
  response.writeHead(status, { "content-type": headers["content-type"] }).end(Buffer.concat([body, body]));
}

/** Something else is answered, and the server behind hears nothing. */
export const answerWith = (status, value, headers = {}) => async ({ response }) => {
  const text = typeof value === "string" || Buffer.isBuffer(value) ? value : JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
};

/** The JSON that the server answers, changed. */
export const change = (edit) => async ({ response, forward }) => {
  const { status, headers, body } = await forward();
  const { "content-length": _length, "transfer-encoding": _encoding, ...rest } = headers;
  response.writeHead(status, rest).end(JSON.stringify(edit(JSON.parse(body))));
};

/** An endless answer, one byte a second. */
export async function slow({ request, response }) {
  response.writeHead(200, { "content-type": "application/json" });
  response.write("{");
  const drip = setInterval(() => response.write(" "), 1000);
  request.socket.on("close", () => clearInterval(drip));
}

/**
 * Holds exchanges until released: `act` is what to bend with, `arrived` resolves when one is held, `release()` lets them on.
 * `before: true` holds the request, so that the server behind has not seen it; otherwise its answer is held.
 */
export function hold({ before = false } = {}) {
  let release, arrive;
  const released = new Promise((resolve) => (release = resolve));
  const arrived = new Promise((resolve) => (arrive = resolve));
  return {
    arrived,
    release,
    act: async ({ request, response, forward }) => {
      const early = before ? undefined : await forward();
      arrive();
      await released;
      if (request.socket.destroyed) return; // whoever sent it is gone, and a request that was held with them
      (early ?? (await forward())).deliver(response);
    },
  };
}

function matcher(fits) {
  if (typeof fits === "function") return fits;
  if (fits.endsWith("*")) return ({ path }) => path.startsWith(fits.slice(0, -1));
  return ({ path }) => path === fits;
}

/** One request to what is behind. An event stream is handed on as it comes; everything else is read first. */
async function send({ port, method, path, headers, body }) {
  const incoming = await new Promise((resolve, reject) => {
    const outgoing = http.request({ host: "127.0.0.1", port, method, path, headers, agent: false }, resolve);
    outgoing.on("error", reject);
    outgoing.end(body);
  });
  const { statusCode: status, headers: answered } = incoming;
  if (answered["content-type"]?.startsWith("text/event-stream")) {
    return {
      status,
      deliver(response) {
        response.writeHead(status, answered);
        response.flushHeaders();
        response.on("close", () => incoming.destroy());
        incoming.on("error", () => response.destroy()).pipe(response);
      },
    };
  }
  const whole = await readAll(incoming);
  return { status, headers: answered, body: whole, read: () => whole.toString(), deliver: (response) => response.writeHead(status, answered).end(whole) };
}

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
