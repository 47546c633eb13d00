import { and, asc, eq, gt } from 'drizzle-orm';
import type { Db } from './db.ts';
import { runEvent } from './schema/runs.ts';

export type RunEventRow = typeof runEvent.$inferSelect;

/** The public log of a run: `seq` starts at 1 and has no gaps. */
export function runEventRepository(db: Db) {
  return {
    async after(run_id: string, seq: number, limit: number): Promise<RunEventRow[]> {
      return db
        .select()
        .from(runEvent)
        .where(and(eq(runEvent.run_id, run_id), gt(runEvent.seq, seq)))
        .orderBy(asc(runEvent.seq))
        .limit(limit);
    },
  };
}

export type RunEventRepository = ReturnType<typeof runEventRepository>;
