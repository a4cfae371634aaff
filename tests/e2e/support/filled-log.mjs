// A log with as many entries as are asked for, put into its objects where they lie: by way of requests it would take a day.
//
// Not here: the way to the objects (object-entry.js).

const SHARDS = ["0", "1", "2", "3"];

/** What an object of the log answers to a statement. */
export async function rows(gateway, shard, sql, ...bound) {
  const { status, json, text } = await gateway.fetch(`/__object/LOG/${shard}/rows`, { method: "POST", json: { sql, bound } });
  if (status !== 200) throw new Error(`${status} ${text}`);
  return json;
}

/** Refused calls of a thousand people with fifty clients at twenty servers, a tenth of a second apart up to `until`, milliseconds. */
export async function fill(gateway, { each, until = Date.now(), apart = 100 }) {
  await gateway.asOperator("/admin/log"); // makes the tables
  for (const [number, shard] of SHARDS.entries()) {
    for (let done = 0; done < each; done += 50_000) {
      const count = Math.min(50_000, each - done);
      await rows(
        gateway,
        shard,
        // Numbers are bound as reals, and would be written so.
        `INSERT INTO entries (at, request_id, kind, operation, subject, client, server, reason, entry)
         WITH RECURSIVE n(i) AS (SELECT CAST(? AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?),
         r AS (SELECT i, CAST(? AS INTEGER) - i * CAST(? AS INTEGER) AS at, printf('${number}%031x', i) AS id, 'filled-${number}-' || (i % 250) AS subject,
               'client-' || (i % 50) AS client, 'server-' || (i % 20) AS server, 'reason_' || (i % 30) AS reason FROM n)
         SELECT at, id, 'call', NULL, subject, client, server, reason,
           json_object('v', 1, 'at', at, 'request_id', id, 'kind', 'call', 'subject', subject, 'client', client, 'server', server,
             'mcp.method.name', 'tools/call', 'gen_ai.tool.name', 'tool', 'status', 403, 'reason', reason, 'blame', 'client') FROM r`,
        done,
        done + count,
        until - number,
        apart,
      );
    }
  }
}

/** How many entries fit; none where the object forgot everything, its tables too. */
export const count = async (gateway, shard, where = "1") => (await rows(gateway, shard, "SELECT name FROM sqlite_master WHERE name = 'entries'")).length && (await rows(gateway, shard, `SELECT count(*) AS n FROM entries WHERE ${where}`))[0].n;
