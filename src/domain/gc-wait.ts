import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../contract/errors.ts';
import type { Db } from '../persistence/db.ts';
import { openTransactions, stillOpen } from '../persistence/gc-wait.ts';

const POLL_MS = 20;
const PATIENCE_MS = 60_000;

/**
 * Waits for the transactions that may have begun before a mark of `cutoff` was there: they can't have seen it, so they may
 * be about to need what is marked. What begins later sees the mark and takes it away. Throws `overloaded` when one stays
 * open for longer than a minute.
 */
export async function waitForOlderTransactions(db: Db, cutoff: string, signal?: AbortSignal): Promise<void> {
  const until_ms = Date.now() + PATIENCE_MS;
  for (let open = await openTransactions(db, cutoff); open.length > 0; open = await stillOpen(db, open)) {
    signal?.throwIfAborted();
    if (Date.now() > until_ms) throw new AppError('overloaded', { cause: new Error(tooLong(open)) });
    await pause(POLL_MS);
  }
}

const tooLong = (open: readonly string[]) => `transactions ${open.join(', ')} do not end`;
