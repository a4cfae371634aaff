// Faults of what stands in front of a server, and of its address.
//
// Not here: what the fields mean (../doctor-faults.mjs), how things are bent (bends.mjs).

import { answerWith, dropRequest } from "../bending-proxy.mjs";
import { SERVER, WELL_KNOWN, anything, first, headers, html, page } from "./bends.mjs";

export const faults = [
  { finding: "connection_lost", fault: "a firewall resets connections", bend: (proxy) => proxy.bend(anything, dropRequest) },
  {
    finding: "bot_protection",
    fault: "Cloudflare challenges every program",
    bend: (proxy) => proxy.bend(anything, answerWith(403, page("Just a moment..."), { ...html, "cf-mitigated": "challenge" })),
  },
  {
    finding: "bot_protection",
    fault: "AWS WAF challenges with 202",
    bend: (proxy) => proxy.bend(anything, answerWith(202, page("Human verification"), { ...html, "x-amzn-waf-action": "challenge" })),
  },
  {
    finding: "bot_protection",
    fault: "a firewall guards the metadata only",
    bend: (proxy) => proxy.bend(WELL_KNOWN, answerWith(403, page("Attention Required! | Cloudflare"), html)),
  },
  {
    finding: "bot_protection",
    fault: "a firewall guards the registration only",
    bend: (proxy) => proxy.bend("/oauth/register", answerWith(403, page("Just a moment..."), { ...html, "cf-mitigated": "challenge" })),
  },
  {
    finding: "agents_blocked",
    fault: "AI agents are blocked by name",
    bend: (proxy) => proxy.bend(({ headers: sent }) => /Claude/.test(sent["user-agent"]), answerWith(403, page("Access denied"), html)),
  },
  {
    finding: "agents_blocked",
    fault: "only browsers are let through",
    bend: (proxy) => proxy.bend(({ headers: sent }) => !/Mozilla/.test(sent["user-agent"]), answerWith(403, page("Access denied"), html)),
  },
  {
    finding: "sign_in_wall",
    fault: "Cloudflare Access stands in front",
    bend: (proxy) => proxy.bend(anything, answerWith(302, "", { location: "https://acme.cloudflareaccess.com/cdn-cgi/access/login/mcp" })),
  },
  {
    finding: "blocked",
    fault: "a company's proxy answers with its page",
    bend: (proxy) => proxy.bend(anything, answerWith(403, page("Blocked by your organisation"), html)),
  },
  {
    finding: "redirected_to_https",
    fault: "http leads to https",
    bend: (proxy) => proxy.bend(anything, answerWith(301, "", { location: `https://localhost:${proxy.port}${SERVER}` })),
  },
  {
    finding: "redirected_slash",
    fault: "a framework adds a slash",
    bend: (proxy) => proxy.bend(SERVER, answerWith(307, "", { location: `${SERVER}/` })),
  },
  {
    finding: "redirected_host",
    fault: "the address moved to www",
    bend: (proxy) => proxy.bend(anything, answerWith(308, "", { location: `https://www.example.com${SERVER}` })),
  },
  {
    finding: "redirected_path",
    fault: "the address moved to another path",
    bend: (proxy) => proxy.bend(SERVER, answerWith(308, "", { location: "/mcp/v2" })),
  },
  { finding: "host_refused", fault: "the proxy sends its own name as Host", rewrite: () => ({ host: "gateway.internal.example" }) },
  {
    finding: "address_rewritten",
    fault: "the proxy sends the server's own address as Host",
    rewrite: (gateway) => ({ host: new URL(gateway.url).host }),
  },
  {
    finding: "rate_limited",
    fault: "a rate limit counts all clients as one",
    bend: (proxy) => proxy.bend(SERVER, answerWith(429, { error: "too many" }, { "retry-after": "60" })),
  },
  {
    finding: "server_failing",
    fault: "what is behind the proxy is down",
    bend: (proxy) => proxy.bend(anything, answerWith(502, page("502 Bad Gateway"), html)),
  },
  { finding: "nothing_there", fault: "the slug is wrong", path: "/v1/mcp/alfa" },
  {
    finding: "post_refused",
    fault: "the proxy passes GET only",
    bend: (proxy) => proxy.bend(({ method }) => method === "POST", answerWith(405, "", { allow: "GET" })),
  },
  {
    finding: "not_mcp",
    fault: "an app's fallback page is at the address",
    bend: (proxy) => proxy.bend(SERVER, answerWith(200, page("Welcome"), html)),
  },
  {
    finding: "refused_without_401",
    fault: "400 in place of 401",
    bend: (proxy) => proxy.bend(first, answerWith(400, { error: "no token" })),
  },
  {
    finding: "accept_refused",
    fault: "Accept is checked before the token",
    bend: (proxy) =>
      proxy.bend((exchange) => first(exchange) && exchange.headers.accept === "*/*", answerWith(406, { error: "Not Acceptable" })),
  },
  {
    finding: "clock_skew",
    fault: "the clock is ten minutes behind",
    bend: (proxy) =>
      proxy.bend(
        first,
        headers((sent) => (sent.date = new Date(Date.now() - 600_000).toUTCString())),
      ),
  },
];
