import { eq, sql } from 'drizzle-orm';
import type { Db } from './db.ts';
import { outbox } from './schema/runs.ts';

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
     * Takes items that are due, so that no other process takes them for `lease_seconds`. A run's items go in
     * order: a later one is not handed out while an earlier one is there.
     */
    async claim(limit: number, lease_seconds: number): Promise<OutboxItem[]> {
      const result = await db.execute<OutboxItem & Record<string, unknown>>(sql`
        UPDATE outbox SET attempts = attempts + 1,
          next_attempt_at = clock_timestamp() + make_interval(secs => ${lease_seconds} * least(attempts + 1, 6))
        WHERE id IN (
          SELECT o.id FROM outbox o
          WHERE o.next_attempt_at <= clock_timestamp()
            AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.run_id = o.run_id AND p.id < o.id)
          ORDER BY o.next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
        )
        RETURNING id, run_id, kind, command_id, attempts`);
      return result.rows.sort((a, b) => (a.id < b.id ? -1 : 1));
    },

    /** Temporal has it. */
    async done(id: string): Promise<void> {
      await db.delete(outbox).where(eq(outbox.id, id));
    },
  };
}

export type OutboxRepository = ReturnType<typeof outboxRepository>;
