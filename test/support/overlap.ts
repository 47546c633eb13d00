import type { Database, Db } from '../../src/persistence/db.ts';
import { eventually } from './eventually.ts';

/** Begins `second` while what `first` has written is not committed, and commits it once `second` waits for it. */
export async function overlapping<T>(
  { db, pool }: Database,
  first: (tx: Db) => Promise<unknown>,
  second: () => Promise<T>,
): Promise<T> {
  let waiting: Promise<T> | undefined;
  await db.transaction(async (tx) => {
    await first(tx);
    waiting = second();
    await eventually(async () => {
      const { rowCount } = await pool.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      return rowCount! > 0;
    });
  });
  return waiting!;
}
