// A gateway with one server, Notes, that asks for an account on the first call, and the applications of people who have not been there.
//
// Not here: what those applications then do.

import { startAuthorizationServer } from "./authorization-server.mjs";
import { connect, people, personAt } from "./connect-driver.mjs";
import { startConnectedUpstream } from "./connected-upstream.mjs";
import { configuration, startGateway } from "./gateway.mjs";
import { SdkHost, connectSdk1, connectSdk2 } from "./sdk-host.mjs";

export async function startUnconnected() {
  const names = Array.from({ length: 20 }, (_, index) => `person-${index}`);
  const server = await startAuthorizationServer();
  const upstream = await startConnectedUpstream({ servers: [server], scopes: ["read"] });
  const notes = { name: "Notes", url: upstream.url, auth: { kind: "oauth", connect: "first_call" } };
  const gateway = await startGateway({ config: configuration({ notes }, people("known", ...names)) });
  const url = gateway.mcpUrl("notes");
  const closed = (t, { client }) => {
    t.after(() => client.close());
    return client;
  };
  return {
    gateway,
    server,
    upstream,
    url,
    /** The application of somebody who has not been here before; `follow` goes where a connect link leads. */
    somebody() {
      const as = names.pop();
      server.settings.account = `${as}@notes`;
      const host = new SdkHost(gateway.url, { as });
      host.browser = personAt(gateway, server);
      return { as, host, follow: (link) => connect(host.browser, link, { as }) };
    },
    /** A client of SDK 1.x in an application, until the test ends. */
    sdk1: async (t, host, capabilities = {}) => closed(t, await connectSdk1(url, { host, options: { capabilities } })),
    /** The same of SDK 2.x. */
    sdk2: async (t, mode, host, capabilities = {}) => closed(t, await connectSdk2(url, mode, { host, options: { capabilities } })),
    stop: () => Promise.all([gateway, upstream, server].map((one) => one.stop())),
  };
}
