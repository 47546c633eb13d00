import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

const DOOM = statement<never>(
  'garbage_doom',
  `INSERT INTO object_garbage (storage_url, deleting) VALUES ($1, true)
   ON CONFLICT (storage_url) DO UPDATE SET deleting = true`,
);

// What a blob names is never garbage, whatever this table says.
const CLAIM = statement<{ storage_url: string }>(
  'garbage_claim',
  `UPDATE object_garbage SET deleting = true WHERE storage_url IN (
     SELECT storage_url FROM object_garbage g
     WHERE queued_at <= now() - make_interval(secs => $1) AND storage_url > $2
       AND NOT EXISTS (SELECT FROM cas_blob b WHERE b.storage_url = g.storage_url)
     ORDER BY storage_url LIMIT $3 FOR UPDATE SKIP LOCKED
   ) RETURNING storage_url`,
);

const FORGET = statement<never>('garbage_forget', 'DELETE FROM object_garbage WHERE storage_url = $1');

/** Notes that an object is about to be deleted: from now on no blob can come to name it. */
export async function doomObject(db: Db, storage_url: string): Promise<void> {
  await run(db, DOOM, [storage_url]);
}

/** The same for at most `limit` objects that were noted that long ago, in the order of their URLs, after one of them. */
export async function claimGarbage(
  db: Db,
  { older_than_seconds, after, limit }: { older_than_seconds: number; after: string; limit: number },
): Promise<string[]> {
  const rows = await run(db, CLAIM, [older_than_seconds, after, limit]);
  return rows.map((row) => row.storage_url).sort();
}

/** Forgets an object that has been deleted. */
export async function forgetGarbage(db: Db, storage_url: string): Promise<void> {
  await run(db, FORGET, [storage_url]);
}
