import type pg from 'pg';

/**
 * Puts the log right after a dump of it was restored into another PostgreSQL, which counts its transactions anew: events from the
 * future would hide all new ones for a long time. What was in the log then comes before everything new, run by run, and
 * readers go on with the oldest run that has something they do not have; they may see what they have again. Says
 * whether it was needed.
 */
export async function settleRestoredLog(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ is_foreign: boolean }>(IS_FOREIGN);
  if (!rows[0]!.is_foreign) return false;
  await client.query('BEGIN');
  // Writers are few this early, and wait.
  await client.query('LOCK TABLE run_event, event_sink IN SHARE ROW EXCLUSIVE MODE');
  for (const statement of [MOVE_SINKS, ...RENUMBER]) await client.query(statement);
  await client.query('COMMIT');
  return true;
}

const NOT_YET = 'tx >= pg_snapshot_xmax(pg_current_snapshot())';

const IS_FOREIGN = `SELECT EXISTS (SELECT FROM run_event WHERE ${NOT_YET})
  OR EXISTS (SELECT FROM event_sink WHERE tx > pg_snapshot_xmax(pg_current_snapshot())) AS is_foreign`;

const MOVE_SINKS = `UPDATE event_sink s SET tx = '0', leased_until = '-infinity',
    run_id = coalesce(next.run_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), seq = coalesce(next.seq - 1, 0)
  FROM event_sink k LEFT JOIN LATERAL (
    SELECT e.run_id, e.seq FROM run_event e WHERE (e.tx, e.run_id, e.seq) > (k.tx, k.run_id, k.seq)
    ORDER BY e.run_id, e.seq LIMIT 1
  ) next ON true
  WHERE k.name = s.name`;

const RENUMBER = [
  `UPDATE run_event SET tx = '0'`,
  `UPDATE webhook_delivery SET tx = '0'`,
  `UPDATE webhook SET since_tx = '0'`,
];
