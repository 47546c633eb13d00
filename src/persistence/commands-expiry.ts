import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { runOne, statement } from './statement.ts';

/** Commands that nobody has delivered in time are expired, with an event each; answers how many. */
export async function expireCommands(db: Db, limit: number): Promise<number> {
  return (await runOne(db, EXPIRE, [limit]))!.count;
}

// The rows of runs are locked first, as everywhere; a command that is delivered meanwhile is so no longer.
const EXPIRE = statement<{ count: number }>(
  'command_expire',
  `WITH due AS MATERIALIZED (
    SELECT id FROM run WHERE id IN (
      SELECT run_id FROM run_command WHERE state = 'queued' AND expires_at <= clock_timestamp() ORDER BY expires_at LIMIT $1
    ) ORDER BY id FOR UPDATE SKIP LOCKED
  ), expired AS (
    UPDATE run_command c SET state = 'expired', acknowledged_at = clock_timestamp(), reason = coalesce(reason, 'It was not delivered in time.')
    FROM due WHERE c.run_id = due.id AND c.state = 'queued' AND c.expires_at <= clock_timestamp()
    RETURNING c.run_id, c.id, c.type, c.seq
  ), numbered AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY seq) AS ord, count(*) OVER (PARTITION BY run_id) AS total FROM expired
  ), counted AS (
    UPDATE run SET last_event_seq = last_event_seq + n.total
    FROM (SELECT DISTINCT run_id, total FROM numbered) n WHERE run.id = n.run_id
    RETURNING run.id, last_event_seq, last_event_seq - n.total AS base
  ), noted AS (
    INSERT INTO run_event (run_id, seq, type, data)
    SELECT n.run_id, c.base + n.ord, 'command.expired', json_build_object('id', n.id, 'type', n.type)
    FROM numbered n JOIN counted c ON c.id = n.run_id
  ), undelivered AS (
    DELETE FROM outbox o USING expired e WHERE o.run_id = e.run_id AND o.command_id = e.id
  ), announced AS MATERIALIZED (
    SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_event_seq) FROM counted
  )
  SELECT (SELECT count(*) FROM expired)::integer AS count, (SELECT count(*) FROM announced) AS announced`,
);
