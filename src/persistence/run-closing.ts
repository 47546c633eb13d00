import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';

/**
 * Parts of a statement that has the run as `r`: what is open of it ends. A statement may change a row once only, so two
 * lists (steps as `node#item#attempt`, ids of commands) keep out of this what it writes besides.
 */
export const closing = (written_steps: string, written_commands: string) => `unfinished AS (
    UPDATE step s SET state = 'cancelled', ended_at = clock_timestamp()
    FROM r WHERE s.run_id = r.id AND s.state IN ('pending', 'running', 'waiting')
      AND (s.node || '#' || s.item || '#' || s.attempt) <> ALL (${written_steps}::text[])
  ), unanswered AS (
    UPDATE run_command c SET state = 'rejected', reason = 'The run has ended.', acknowledged_at = clock_timestamp()
    FROM r WHERE c.run_id = r.id AND c.state IN ('queued', 'delivered') AND c.id <> ALL (${written_commands}::text[])
  ), undelivered AS (
    DELETE FROM outbox o USING r WHERE o.run_id = r.id AND o.kind = 'command'
  )`;

/** Ends what is still open of a run that has ended. One statement. */
export async function closeEnded(db: Db, run_id: string): Promise<void> {
  await runOne(db, CLOSE, [run_id]);
}

const CLOSE = statement(
  'run_journal_close',
  `WITH r AS MATERIALIZED (SELECT id FROM run WHERE id = $1 AND ended_at IS NOT NULL FOR UPDATE), ${closing("'{}'", "'{}'")} SELECT FROM r`,
);
