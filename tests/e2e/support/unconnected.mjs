// A gateway with one server, Notes, that asks for an account on the first call, and the applications of people who have not been there.
//
// Not here: what those applications then do.

import assert from "node:assert/strict";

import { startAuthorizationServer } from "./authorization-server.mjs";
import { connect, people, personAt } from "./connect-driver.mjs";
import { startConnectedUpstream } from "./connected-upstream.mjs";
import { configuration, startGateway } from "./gateway.mjs";
import { SdkHost, connectSdk1, connectSdk2 } from "./sdk-host.mjs";

/** `modernOnly` makes the server refuse the older revisions. */
export async function startUnconnected({ modernOnly } = {}) {
  const names = Array.from({ length: 20 }, (_, index) => `person-${index}`);
  const server = await startAuthorizationServer();
  const upstream = await startConnectedUpstream({ servers: [server], scopes: ["read"], modernOnly });
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
    /**
     * An application that met the connected server, found it modern, and has lost the account since: `follow` renews it.
     * It is the one that is asked in the way of the modern era.
     */
    async modern(t, capabilities = {}) {
      const person = this.somebody();
      const first = await this.sdk1(t, person.host);
      const { content } = await first.callTool({ name: "connect_notes" });
      await person.follow(/http\S+\/connect\/\S+/.exec(content[0].text)[0]);
      const client = await this.sdk2(t, "auto", person.host, capabilities);
      assert.equal(client.getProtocolEra(), "modern");
      server.revokeGrants(`${person.as}@notes`);
      return { ...person, client };
    },
    stop: () => Promise.all([gateway, upstream, server].map((one) => one.stop())),
  };
}
