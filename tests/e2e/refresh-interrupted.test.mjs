// The gateway's process ends in the middle of a refresh, as by a loss of power, and starts again over the same storage: the connection is
// there, or asks for renewal because the upstream really ended it.
//
// Not here: answers that are lost while the gateway lives (refresh.test.mjs).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { REFRESH, startAuthorizationServer } from "./support/authorization-server.mjs";
import { hold } from "./support/bending-proxy.mjs";
import { clientOf, connect } from "./support/connect-driver.mjs";
import { startConnectedUpstream } from "./support/connected-upstream.mjs";
import { eventually } from "./support/expect.mjs";
import { configuration, keyRing, startGateway } from "./support/gateway.mjs";
import { freePort } from "./support/listen.mjs";

/** Longer than a lease whose holder is gone. */
const RECOVERY = 45_000;

/** How far the refresh had come when the process ended. */
const MOMENTS = {
  "before the upstream saw the request": { held: { before: true }, strict: "kept" },
  "after the upstream answered, before the answer arrived": { held: {}, strict: "gone" },
  "the moment the answer arrived": { held: {}, releases: 0 },
  "a little after the answer arrived": { held: {}, releases: 5 },
  "when the answer had been stored": { held: {}, releases: 400, strict: "kept" },
};

for (const rotation of ["none", "strict"]) {
  describe(`killed while refreshing, rotation: ${rotation}`, { concurrency: 3 }, () => {
    for (const [moment, { held, releases, strict }] of Object.entries(MOMENTS)) {
      test(`[X3] ${moment}`, { timeout: 180_000 }, async (t) => {
        const storage = mkdtempSync(path.join(tmpdir(), "interrupted-"));
        const server = await startAuthorizationServer({ rotation });
        const upstream = await startConnectedUpstream({ servers: [server] });
        const again = { storage, port: await freePort(), secrets: { KEY_RING: keyRing() } };
        let gateway = await startGateway({ ...again, config: configuration({ notes: { name: "Notes", url: upstream.url, auth: { kind: "oauth" } } }) });
        t.after(async () => {
          await Promise.all([gateway.stop(), upstream.stop(), server.stop()]);
          rmSync(storage, { recursive: true, force: true });
        });
        const alice = await clientOf(gateway, "notes", [server]);
        assert.equal((await alice.call()).said, "alice");

        server.expireAccessTokens();
        const held1 = hold(held);
        server.bend(REFRESH, held1.act, { times: 1 });
        const calling = alice.call().catch(() => "the connection broke");
        await held1.arrived;
        if (releases !== undefined) {
          held1.release();
          await pause(releases);
        }
        await gateway.kill();
        held1.release();
        await calling;

        gateway = await startGateway(again);
        const session = await alice.session();
        const answer = await eventually(
          async () => {
            const last = await session.call();
            assert.ok(last.said || last.signal, `neither served nor asked: ${last.status} ${last.text}`);
            return last;
          },
          { within: RECOVERY, every: 500 },
        );
        if (rotation === "none" || strict === "kept") assert.equal(answer.said, "alice", answer.text);
        if (answer.said) return;
        assert.equal(answer.signal.state, "reconsent_required", answer.text);
        assert.equal(server.liveRefreshTokens("alice"), 0, "the upstream still held it good");
        await connect(alice.browser, answer.signal.url);
        assert.equal((await session.call()).said, "alice");
      });
    }
  });
}
