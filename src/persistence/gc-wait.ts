import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

// Each open transaction holds a lock on its own virtual id. One that began long after the marks can't matter; the hour is
// for marks whose own transaction took long.
const OPEN = statement<{ id: string }>(
  'gc_open_transactions',
  `SELECT DISTINCT l.virtualtransaction AS id FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
   WHERE l.locktype = 'virtualxid' AND l.granted AND a.datname = current_database() AND a.backend_type = 'client backend'
     AND a.pid <> pg_backend_pid() AND a.xact_start <= $1::timestamptz + interval '1 hour'`,
);

const STILL_OPEN = statement<{ id: string }>(
  'gc_still_open',
  `SELECT virtualtransaction AS id FROM pg_locks WHERE locktype = 'virtualxid' AND virtualtransaction = ANY ($1::text[])`,
);

/** Transactions of other connections to this database that may have begun before a mark of `cutoff` was there. */
export async function openTransactions(db: Db, cutoff: string): Promise<string[]> {
  return (await run(db, OPEN, [cutoff])).map((row) => row.id);
}

/** Those of them that have not ended. */
export async function stillOpen(db: Db, ids: readonly string[]): Promise<string[]> {
  return (await run(db, STILL_OPEN, [ids])).map((row) => row.id);
}
