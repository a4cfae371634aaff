// What people and operators do with connections and clients that exist: see them, end them, connect again, use several accounts.
//
// Not here: making the first one (connect.test.mjs).

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { startAuthorizationServer } from "./support/authorization-server.mjs";
import { clientOf, connect, people, startIsolates } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { eventually } from "./support/expect.mjs";
import { ADMIN_TOKEN, configuration, startGateway } from "./support/gateway.mjs";
import { callTool } from "./support/mcp.mjs";

describe("connections", () => {
  let gateway, server, upstream, second, mail, as;
  const names = Array.from({ length: 20 }, (_, index) => `person-${index}`);
  let next = 0;
  before(async () => {
    [server, second] = await Promise.all([startAuthorizationServer({ rotation: "strict" }), startAuthorizationServer()]);
    upstream = await startConnectedUpstream({ servers: [server], scopes: ["read"] });
    mail = await startConnectedUpstream({ servers: [second] });
    const server_ = (name, { url }) => ({ name, url, auth: { kind: "oauth" } });
    gateway = await startGateway({ config: configuration({ notes: server_("Notes", upstream), mail: server_("Mail", mail) }, people(...names)) });
  });
  after(() => Promise.all([gateway, upstream, mail, server, second].map((one) => one?.stop())));
  beforeEach(() => {
    as = names[(next += 1)];
    server.settings.account = `${as}@notes`;
    second.settings.account = `${as}@mail`;
  });

  const person = (slug = "notes", options = {}) => clientOf(gateway, slug, [server, second], { as, ...options });
  const open = (browser) => browser.walk(`${gateway.url}/connections`, { as });
  /** Presses a button of the connections page, in the form whose hidden fields fit. */
  function pressIn(browser, page, action, fits) {
    const form = page.forms.find(({ fields, buttons }) => buttons.some(({ value }) => value === action) && Object.entries(fits).every(([name, value]) => fields[name] === value));
    assert.ok(form, `no button ${action} for ${JSON.stringify(fits)} on: ${page.text}`);
    return browser.press(page, form.buttons.find(({ value }) => value === action));
  }
  const disconnects = (slug) => ({ fields, buttons }) => fields.slug === slug && buttons.some(({ value }) => value === "disconnect");
  const follow = (browser, page, label, options) => {
    const link = page.link(label);
    assert.ok(link, `no link ${label} on: ${page.text}`);
    return browser.walk(link, { as, ...options });
  };

  test("[X10] a person sees their accounts and clients, and nobody else's", async () => {
    const alice = await person();
    assert.equal((await alice.call()).said, server.settings.account);
    const page = await open(alice.browser);
    assert.equal(page.status, 200, page.text);
    for (const shown of ["Notes", "Mail", "Test client", "read"]) assert.ok(page.text.includes(shown), `${shown} is not on: ${page.text}`);
    assert.match(page.text, /Not connected/, "Mail is not");
    as = names[(next += 1)];
    const bob = await person("notes", { connect: "skip" });
    const his = await open(bob.browser);
    assert.equal(his.forms.some(({ fields }) => fields.slug), false, his.text);
  });

  test("[X10] [P9] disconnecting ends the connection here and upstream, and the next call asks for it", async () => {
    const alice = await person();
    assert.ok((await alice.call()).said);
    const token = [...upstream.tokensSeen()].at(-1);
    const revocations = server.revocations().length;
    const page = await pressIn(alice.browser, await open(alice.browser), "disconnect", { slug: "notes" });
    assert.equal(page.status, 200, page.text);
    assert.match(page.text, /disconnected/i);
    assert.ok(server.revocations().length > revocations, "the upstream was told (RFC 7009)");
    assert.equal(await server.introspect(token), undefined, "and its token is dead there");
    const asked = await eventually(async () => {
      const answer = await (await alice.session()).call();
      assert.ok(answer.signal, answer.text);
      return answer;
    }, { within: 35_000, every: 500 });
    assert.equal(asked.signal.state, "authenticating", asked.text);
  });

  test("[P9] after disconnecting, another account can be connected", async () => {
    server.settings.account = `${as}@wrong-organisation`;
    const alice = await person();
    assert.equal((await alice.call()).said, `${as}@wrong-organisation`);
    await pressIn(alice.browser, await open(alice.browser), "disconnect", { slug: "notes" });
    server.settings.account = `${as}@right-organisation`;
    const back = await follow(alice.browser, await open(alice.browser), /^Connect Notes$/);
    assert.equal(back.status, 200, back.text);
    await eventually(async () => assert.equal((await alice.call()).said, `${as}@right-organisation`), { within: 35_000, every: 500 });
  });

  test("[P9] reconnecting replaces the account that calls use", async () => {
    const alice = await person();
    assert.equal((await alice.call()).said, `${as}@notes`);
    server.revokeGrants(`${as}@notes`);
    assert.ok((await alice.call()).signal);
    server.settings.account = `${as}@renewed`;
    const page = await open(alice.browser);
    assert.match(page.text, /renew/i);
    const renewed = await follow(alice.browser, page, /^Reconnect Notes/);
    assert.equal(renewed.status, 200, renewed.text);
    const answer = await alice.call();
    assert.equal(answer.said, `${as}@renewed`, `${renewed.url} ${renewed.text} ${answer.text}`);
  });

  test("[X11] several accounts at one upstream: each client uses the one that was chosen for it", async () => {
    const work = await person();
    assert.equal((await work.call()).said, `${as}@notes`);
    server.settings.account = `${as}@home`;
    const added = await follow(work.browser, await open(work.browser), /Add another account/, { typed: { label: "Home" } });
    assert.equal(added.status, 200, added.text);
    const page = await open(work.browser);
    assert.ok(page.text.includes("Home"), page.text);
    const accounts = page.forms.filter(disconnects("notes")).map(({ fields }) => fields.account);
    assert.deepEqual(accounts.sort(), ["1", "2"]);

    
    const home = await clientOf(gateway, "notes", [server], { as, browser: work.browser, use: "Home" });
    assert.equal((await home.call()).said, `${as}@home`);
    assert.equal((await work.call()).said, `${as}@notes`, "the first client keeps its account");
    await pressIn(work.browser, await open(work.browser), "disconnect", { slug: "notes", account: "2" });
    assert.equal((await work.call()).said, `${as}@notes`, "and its connection");
  });

  test("[X10] [N8] a client can be revoked: its tokens end, the connection stays for others", async () => {
    const [one, other] = [await person(), await person()];
    const page = await open(one.browser);
    const form = page.forms.find(({ fields }) => fields.grant);
    assert.ok(form, page.text);
    const after = await pressIn(one.browser, page, "revoke", { grant: form.fields.grant });
    assert.equal(after.status, 200, after.text);
    const states = await Promise.all([one, other].map(async ({ url, token }) => (await callTool(url, token, "who_am_i")).status));
    assert.ok(states.includes(401), "whom it was taken from");
    const grants = (answer) => answer.forms.filter(({ fields }) => fields.grant).length;
    assert.equal(grants(after), grants(page) - 1);
  });

  test("the forms of the page count only for whom they were made", async () => {
    const alice = await person();
    const page = await open(alice.browser);
    as = names[(next += 1)];
    const mallory = await person("notes", { connect: "skip" });
    const form = page.forms.find(disconnects("notes"));
    const button = form.buttons.find(({ value }) => value === "disconnect");
    for (const [browser, fields] of [[mallory.browser, {}], [alice.browser, { form: "" }], [alice.browser, { form: "forged" }]]) {
      const answer = await browser.press(page, button, fields);
      assert.ok(answer.status >= 400, `${answer.status} ${answer.text}`);
    }
    assert.ok((await alice.call()).said);
  });

  test("[X10] [N8] the operator revokes everything of one subject in one call", async () => {
    const alice = await person();
    const mailing = await person("mail", { browser: alice.browser });
    assert.ok((await alice.call()).said && (await mailing.call()).said);
    const mine = as;
    as = names[(next += 1)];
    const bob = await person();
    const revocations = [server, second].map((one) => one.revocations().length);
    const admin = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const page = await open(alice.browser);
    const subject = /(dev:[\w-]+)/.exec(page.html)?.[1] ?? `dev:${mine}`;
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      assert.equal((await gateway.fetch(`/admin/subjects/${encodeURIComponent(subject)}`, { method: "DELETE", headers })).status, 401);
    }
    const answer = await gateway.fetch(`/admin/subjects/${encodeURIComponent(subject)}`, { method: "DELETE", headers: admin });
    assert.equal(answer.status, 200, answer.text);
    for (const { url, token, oauth, tokens } of [alice, mailing]) {
      assert.equal((await callTool(url, token, "who_am_i")).status, 401);
      assert.equal((await oauth.refresh(tokens.refresh_token)).json.error, "invalid_grant");
    }
    [server, second].forEach((one, index) => assert.ok(one.revocations().length > revocations[index], "each upstream was told"));
    const signedOut = await alice.browser.open(`${gateway.url}/connections`);
    assert.ok(signedOut.button("account"), `her browser session is over: ${signedOut.text}`);
    assert.ok((await bob.call()).said, "and nobody else's is");

    as = mine;
    await pause(1100); // what began in the very second of the revocation is revoked too
    const again = await person("notes", { connect: "skip" });
    assert.ok((await again.call()).signal, "she may come back, and starts with nothing");
    await connect(again.browser, (await again.call()).signal.url, { as });
    assert.ok((await again.call()).said);
  });
});

test("[X10] what one isolate disconnected is over in another one that remembers it", { timeout: 120_000 }, async (t) => {
  const server = await startAuthorizationServer();
  const upstream = await startConnectedUpstream({ servers: [server] });
  const gateway = await startIsolates({ config: configuration({ notes: { name: "Notes", url: upstream.url, auth: { kind: "oauth" } } }) });
  t.after(() => Promise.all([gateway, upstream, server].map((one) => one.stop())));
  gateway.choose(0);
  const alice = await clientOf(gateway, "notes", [server]);
  const bob = await clientOf(gateway, "notes", [server], { as: "bob" });
  gateway.choose(1);
  for (const person of [alice, bob]) assert.ok((await person.call()).said);
  gateway.choose(0);
  const page = await alice.browser.open(`${gateway.url}/connections`);
  await alice.browser.press(page, page.button("action", (value) => value === "disconnect"));
  assert.ok((await alice.call()).signal, "at once where it was disconnected");
  gateway.choose(1);
  const asked = await alice.call();
  assert.ok(asked.signal, `the upstream was told, so that not even a remembered token is of use: ${asked.text}`);
  assert.ok((await bob.call()).said);
});
