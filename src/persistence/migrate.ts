import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { settleRestoredLog } from './event-log-restore.ts';

/** Beside `src/`, and one level further up from a build in `dist/`. */
const MIGRATIONS = ['../../migrations', '../../../migrations']
  .map((up) => fileURLToPath(new URL(up, import.meta.url)))
  .find((folder) => existsSync(folder));
/** Any constant will do, as long as every process of ours uses the same one. */
const LOCK_KEY = 7_304_211;

/**
 * Applies what is missing of `migrations/`, in order, and puts right what a restored dump left. Safe to call from any number of processes
 * at once: they queue on an advisory lock, and the later ones find nothing to do.
 */
export async function migrate(database_url: string): Promise<void> {
  const client = new pg.Client({ connectionString: database_url });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    if (MIGRATIONS === undefined) throw new Error('The folder migrations/ is missing beside the code.');
    await applyMigrations(drizzle(client), { migrationsFolder: MIGRATIONS });
    await settleRestoredLog(client);
  } finally {
    await client.end();
  }
}
