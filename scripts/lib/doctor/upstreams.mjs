// What a gateway finds behind it: it goes its own way to each of its servers, and an operator's token asks it to.
//
// Not here: the way of clients to the gateway (plan.mjs), the checks themselves (the Worker's).

import { world } from "./world.mjs";

const WHO = {
  operator: "this gateway's operator",
  server: "whoever runs the server",
  issuer: "whoever runs its authorization server",
  person: "whoever connected the account",
};
const PATIENCE = 120_000; // a check asks a dozen questions of two strangers

/** The gateway at an address, for its operator: `servers()` with slug and URL for clients, and `check(slug)`. */
export async function gatewayAt(address, token) {
  const { origin, protocol, hostname } = new URL(address);
  if (!token) throw new Error("--upstreams asks the gateway, with the operator's token in the variable ADMIN_TOKEN");
  if (protocol !== "https:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) {
    throw new Error(`${origin} is not https, so the operator's token is not sent there`);
  }
  const ask = async (path, { method = "GET", headers = {} } = {}) => {
    const { status, json, error } = await world().http({ method, url: `${origin}${path}`, headers: { accept: "application/json", ...headers }, wait: PATIENCE });
    if (error) throw new Error(`${origin} cannot be reached: ${error.message}`);
    if (status !== 200) throw new Error(`${origin}${path} answered ${status}${json?.reason ? `: ${json.error_description} (${json.reason})` : ""}`);
    return json;
  };
  // The token is for a gateway, and for nobody else whose address was given by mistake.
  const { json: status } = await world().http({ method: "GET", url: `${origin}/status`, headers: { accept: "application/json" } });
  if (!status?.gateway_version) throw new Error(`${origin} is no gateway's own address: --upstreams is for what is behind one`);
  const headers = { authorization: `Bearer ${token}` };
  return {
    servers: async () => (await ask("/admin/servers", { headers })).servers.map(({ slug, url }) => ({ slug, url })),
    check: (slug) => ask(`/admin/servers/${slug}/check`, { method: "POST", headers }),
  };
}

/** A check as the report shows a visit. */
export function asVisit({ server, url, steps, findings }) {
  return { title: `${server}, behind it: ${url}`, url, steps, findings, left: [], who: WHO };
}
