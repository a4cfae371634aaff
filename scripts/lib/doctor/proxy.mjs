// The way out through a proxy of the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in small letters as well. This machine's own
// addresses are asked directly.
//
// Not here: the requests that go this way (world.mjs).

import http from "node:http";
import https from "node:https";
import tls from "node:tls";

const PATIENCE = 10_000;

/** The proxy that an address is asked through, if the environment names one. */
export function proxyFor(address, environment) {
  const url = new URL(address);
  const named = (name) => environment[name.toLowerCase()] || environment[name];
  const proxy = named(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") || named("ALL_PROXY");
  if (!proxy || isOwn(url.hostname) || isExcepted(url, named("NO_PROXY") ?? "")) return undefined;
  const written = /^[a-z][\w+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  if (!URL.canParse(written) || !/^https?:$/.test(new URL(written).protocol)) throw new Error("the proxy of the environment is no http address");
  return new URL(written);
}

/** How a request to `target` is sent through a proxy: {module, options}. */
export function through(proxy, target, headers) {
  const module = proxy.protocol === "https:" ? https : http;
  const options = { hostname: bare(proxy.hostname), port: proxy.port || (proxy.protocol === "https:" ? 443 : 80) };
  if (target.protocol === "http:") {
    return { module, options: { ...options, path: target.href, headers: { host: target.host, ...headers, ...authorization(proxy) }, agent: false } };
  }
  return { module: https, options: { agent: new Tunnel(module, options, proxy, target), headers } };
}

/** Connections to one target that begin with CONNECT (RFC 9110 §9.3.6); what is encrypted the proxy only passes on. */
class Tunnel extends https.Agent {
  constructor(module, options, proxy, target) {
    super();
    Object.assign(this, { module, way: options, proxy, authority: `${target.hostname}:${target.port || 443}` });
  }

  createConnection(options, done) {
    const asked = this.module.request({
      ...this.way,
      method: "CONNECT",
      path: this.authority,
      headers: { host: this.authority, ...authorization(this.proxy) },
      agent: false,
    });
    const refused = (code, why) => done(Object.assign(new Error(`the proxy ${this.proxy.host} ${why}`), { code }));
    asked.on("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) return done(null, tls.connect({ ...options, socket }));
      socket.destroy();
      refused("ERR_PROXY_REFUSED", `answers ${statusCode}`);
    });
    // One that does not know CONNECT answers as to any request.
    asked.on("response", (response) => (response.destroy(), refused("ERR_PROXY_REFUSED", `answers ${response.statusCode}`)));
    asked.on("error", ({ code, message }) => refused("ERR_PROXY_REFUSED", `cannot be used: ${code ?? message}`));
    asked.setTimeout(PATIENCE, () => asked.destroy(new Error("no answer")));
    asked.end();
  }
}

const bare = (host) => host.replace(/^\[|\]$/g, "");
const isOwn = (host) => host === "localhost" || host.endsWith(".localhost") || /^127(\.\d+){3}$/.test(host) || host === "[::1]";

/** NO_PROXY: names, each with all below it, perhaps with a port; or everything. */
function isExcepted({ hostname, port, protocol }, list) {
  const at = port || (protocol === "https:" ? "443" : "80");
  return list
    .split(/[\s,]+/)
    .filter(Boolean)
    .some((entry) => {
      const [, name, only] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase().replace(/^\*?\./, ""));
      return entry === "*" || ((hostname === name || hostname.endsWith(`.${name}`)) && (!only || only === at));
    });
}

function authorization({ username, password }) {
  if (!username) return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}
