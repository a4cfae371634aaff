// Does what a plan asks: names, requests, and a browser that comes back. The only part of the doctor that has effects.
//
// Not here: what to ask and what answers mean (plan.mjs, steps/).

import { spawn } from "node:child_process";
import dns from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";

import { proxyFor, through } from "./proxy.mjs";

const PATIENCE = 20_000; // the token endpoint of a slow provider is worth waiting for
const LONGEST = 1 << 20;
const PERSON_HAS = 300_000;

/** A world that keeps every exchange in `exchanges`. `person(url)` is how somebody gets to sign in, if anybody does. Proxies are those of `environment`. */
export function world({ person, environment = process.env } = {}) {
  const exchanges = [];
  return {
    exchanges,
    async resolve({ host, url }) {
      const proxy = url && proxyFor(url, environment);
      if (proxy) return { proxy: proxy.host };
      if (isIP(host)) return { addresses: [{ address: host, family: isIP(host) }] };
      try {
        return { addresses: await dns.lookup(host, { all: true }) };
      } catch ({ code, message }) {
        return { error: { code, message } };
      }
    },
    async http(asked) {
      const answer = await exchange(asked, environment).catch(({ code = "ERR_INVALID_URL", message }) => ({
        error: { code, message },
        ms: 0,
        at: Date.now(),
      }));
      exchanges.push({ asked, answer });
      return answer;
    },
    person: ({ url }) => person(url),
  };
}

/** One request, no redirect followed, whatever came of it. */
async function exchange({ method, url, headers, body, until, wait = PATIENCE }, environment) {
  const target = new URL(url);
  const proxy = proxyFor(target, environment);
  const begun = performance.now();
  return new Promise((resolve) => {
    let timer;
    let certificate;
    const end = (answer) => {
      clearTimeout(timer);
      outgoing.destroy();
      resolve({ ms: Math.round(performance.now() - begun), at: Date.now(), certificate, ...answer });
    };
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const direct = { module: target.protocol === "https:" ? https : http, options: { headers: { ...headers, ...length }, agent: false } };
    const { module, options } = proxy ? through(proxy, target, { ...headers, ...length }) : direct;
    const outgoing = module.request(target, { method, autoSelectFamily: true, ...options }, (response) => {
      certificate = response.socket.getPeerCertificate?.();
      const { statusCode: status, headers: answered } = response;
      let text = "";
      const done = () => end({ status, headers: answered, text, json: parse(text) });
      if (until === "head") return done();
      response.setEncoding("utf8").on("data", (part) => {
        text += part;
        if (text.length > LONGEST || (until === "event" && /^data:[\s\S]*?\n\r?\n/m.test(text))) done();
      });
      response.on("end", done);
      response.on("error", (error) => end({ error: { code: error.code ?? "ECONNRESET", message: error.message } }));
    });
    outgoing.on("error", (error) => {
      // Of several addresses that were tried, the first says what is wrong.
      const { code, message } = error.errors?.[0] ?? error;
      end({ error: { code: code ?? "ECONNRESET", message: message || String(code) } });
    });
    timer = setTimeout(() => end({ error: { code: "ETIMEDOUT", message: `no answer in ${wait / 1000} seconds` } }), wait);
    outgoing.end(body);
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Waits on loopback for the browser to come back: {redirectUri, person, stop}. `show` is told what to open. */
export async function listener(show) {
  let arrived;
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    if (url.pathname !== "/callback") return void response.writeHead(404).end();
    response
      .writeHead(200, { "content-type": "text/plain; charset=utf-8", connection: "close" })
      .end("That is all. The doctor goes on where it was started; this window can be closed.\n");
    arrived?.({ parameters: Object.fromEntries(url.searchParams) });
  });
  await new Promise((resolve, reject) => server.on("error", reject).listen(0, "127.0.0.1", resolve));
  const stop = () => (server.close(), server.closeAllConnections());
  return {
    redirectUri: `http://127.0.0.1:${server.address().port}/callback`,
    stop,
    person(url) {
      show(url);
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve({ error: `nobody in ${PERSON_HAS / 60_000} minutes` }), PERSON_HAS);
        arrived = (back) => (clearTimeout(timer), resolve(back));
      });
    },
  };
}

/** Opens an address in the person's browser, if there is one; it is printed as well. */
export function open(url) {
  const command = process.env.BROWSER || { darwin: "open", win32: "explorer" }[process.platform] || "xdg-open";
  spawn(command, [url], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
