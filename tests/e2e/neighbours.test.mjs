// Strange neighbours: each recorded habit of an authorization server or an MCP server passes unmodified, or is refused with its true reason.
//
// Not here: servers on the authorization servers of the SDKs (python-upstreams.test.mjs, sdk-upstreams.test.mjs), and what an operator
// can set (connect-settings.test.mjs).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Browser } from "./support/browser.mjs";
import { clientOf, people } from "./support/connect-driver.mjs";
import { configuration, startGateway } from "./support/gateway.mjs";
import { HABITS } from "./support/neighbours/habits.mjs";
import { SECRETS, startStranger } from "./support/neighbours/stranger.mjs";

const refreshes = ({ form }) => form.grant_type === "refresh_token";

describe("strange neighbours", { timeout: 300_000, concurrency: 4 }, () => {
  const strangers = {};
  const cookies = new Map();
  let gateway;
  before(async () => {
    for (const [slug, habits] of Object.entries(HABITS)) strangers[slug] = await startStranger(habits);
    const servers = Object.entries(strangers).map(([slug, { origin, url }]) => [
      slug,
      { url, auth: { kind: "oauth", connect: "first_call", ...HABITS[slug].auth?.(origin) } },
    ]);
    gateway = await startGateway({ config: configuration(Object.fromEntries(servers), people("alice")), secrets: SECRETS });
    await walker().walk(`${gateway.url}/connections`);
  });
  after(() => Promise.all([gateway, ...Object.values(strangers)].map((one) => one?.stop())));

  /** Alice's browser: she signs in once. */
  const walker = (...origins) => Object.assign(new Browser(gateway.url, ...origins), { cookies });

  for (const [slug, habits] of Object.entries(HABITS)) {
    const end = habits.refused ? `is refused: ${habits.refused}` : "passes";
    test(`[X34] ${slug} ${end}${habits.seen ? ` (${habits.seen})` : ""}`, async () => {
      const stranger = strangers[slug];
      const alice = await clientOf(gateway, slug, [], { browser: walker(stranger.origin) });
      const connect = async () => alice.browser.walk((await alice.call()).signal.url);

      const page = await connect();
      if (habits.refused) {
        assert.equal(page.landed, undefined, `sent to ${page.landed}`);
        assert.ok(page.text.includes(habits.refused), `${page.status} ${page.text}`);
        assert.ok(page.text.includes(page.headers["x-request-id"]), page.text);
        if (habits.fix) assert.match(page.text, habits.fix);
        if (habits.absent) assert.equal(page.html.includes(habits.absent), false, page.html);
        assert.ok((await alice.call()).signal, "and nothing is connected");
        return;
      }
      assert.match(page.text, /is connected/, `${page.status} ${page.text}`);
      assert.equal((await alice.call()).said, "a stranger");

      stranger.forgetAccessTokens();
      const again = await alice.call();
      if (habits.callRefused) return assert.ok(again.text.includes(habits.callRefused), again.text);
      if (habits.reconnect) {
        assert.ok(again.signal, again.text);
        assert.match((await alice.browser.walk(again.signal.url)).text, /is connected/);
      } else {
        assert.equal(again.said, "a stranger", again.text);
        assert.equal(stranger.asked("/token", refreshes).length, 1);
        // Once more, with what the first refresh gave.
        if (habits.rotation || habits.renewed) stranger.forgetAccessTokens();
      }
      assert.equal((await alice.call()).said, "a stranger");

      const connections = await alice.browser.walk(`${gateway.url}/connections`);
      const buttons = connections.forms.filter(({ fields }) => fields.slug === slug).flatMap((form) => form.buttons);
      await alice.browser.press(connections, buttons.find(({ value }) => value === "disconnect"));
      assert.ok((await alice.call()).signal, "disconnected");
    });
  }
});
