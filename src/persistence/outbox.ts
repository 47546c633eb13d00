import { eq } from 'drizzle-orm';
import type { Db } from './db.ts';
import { outbox } from './schema/runs.ts';
import { run, runOne, statement } from './statement.ts';

export interface OutboxItem {
  id: string;
  run_id: string;
  kind: 'start' | 'command';
  command_id: string | null;
  attempts: number;
}

/** What must still reach Temporal. */
export function outboxRepository(db: Db) {
  return {
    /**
     * Takes items that are due, oldest first, so that no other process takes them for `lease_seconds`; none of a run of
     * which another process has an earlier one.
     */
    async claim(limit: number, lease_seconds: number): Promise<OutboxItem[]> {
      return run(db, CLAIM, [limit, lease_seconds]);
    },

    /** Whether no command of the same run was accepted before this one and is still here. */
    async isFirst(id: string): Promise<boolean> {
      return (await runOne(db, EARLIER, [id])) === undefined;
    },

    /** Temporal has it. */
    async done(id: string): Promise<void> {
      await db.delete(outbox).where(eq(outbox.id, id));
    },
  };
}

// By the database's clock: of two commands, whoever waits for the first answer before sending the second has them in order.
const IN_ORDER = '(p.created_at, p.id) < (o.created_at, o.id)';

// Oldest first, and nothing behind an item that is not due: what is taken of a run is the beginning of what it has.
const CLAIM = statement<OutboxItem>(
  'outbox_claim',
  `WITH due AS MATERIALIZED (
    SELECT o.id FROM outbox o
    WHERE o.next_attempt_at <= clock_timestamp() AND NOT EXISTS (
      SELECT FROM outbox p WHERE p.run_id = o.run_id AND ${IN_ORDER} AND p.next_attempt_at > clock_timestamp())
    ORDER BY o.created_at, o.id LIMIT $1 FOR UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE outbox SET attempts = attempts + 1,
      next_attempt_at = clock_timestamp() + make_interval(secs => $2 * least(attempts + 1, 6))
    WHERE id IN (SELECT id FROM due)
    RETURNING id, run_id, kind, command_id, attempts, created_at
  )
  SELECT id, run_id, kind, command_id, attempts FROM taken ORDER BY created_at, id`,
);

const EARLIER = statement(
  'outbox_earlier',
  `SELECT FROM outbox o JOIN outbox p ON p.run_id = o.run_id AND p.kind = 'command' AND ${IN_ORDER} WHERE o.id = $1 LIMIT 1`,
);

export type OutboxRepository = ReturnType<typeof outboxRepository>;
