import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

// Who uses a row right now is skipped, never waited for: the next pass sees it. So a mark can't be part of a deadlock.
const mark = (table: 'artifact' | 'cas_blob', { key, there, needed }: Place) =>
  statement<{ size_bytes: string }>(
    `gc_mark_${table}`,
    `WITH todo AS (
       SELECT t.${key} FROM ${table} t
       WHERE t.${there} AND t.unreachable_since IS NULL AND NOT EXISTS (SELECT FROM ${needed} n WHERE n.${key} = t.${key})
       LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE ${table} t SET unreachable_since = now() FROM todo WHERE t.${key} = todo.${key} RETURNING 1`,
  );

const clear = (table: 'artifact' | 'cas_blob', { key, there, needed }: Place) =>
  statement<{ size_bytes: string }>(
    `gc_clear_${table}`,
    `WITH todo AS (
       SELECT t.${key} FROM ${table} t JOIN ${needed} n ON n.${key} = t.${key}
       WHERE t.${there} AND t.unreachable_since IS NOT NULL
       LIMIT $1 FOR NO KEY UPDATE OF t SKIP LOCKED
     )
     UPDATE ${table} t SET unreachable_since = NULL FROM todo WHERE t.${key} = todo.${key} RETURNING 1`,
  );

interface Place {
  key: 'id' | 'cas_id';
  /** True while it was not collected. */
  there: 'live' | 'stored';
  needed: 'gc_artifact' | 'gc_blob';
}

const ARTIFACTS: Place = { key: 'id', there: 'live', needed: 'gc_artifact' };
const BLOBS: Place = { key: 'cas_id', there: 'stored', needed: 'gc_blob' };

const MARK = { artifacts: mark('artifact', ARTIFACTS), blobs: mark('cas_blob', BLOBS) };
const CLEAR = { artifacts: clear('artifact', ARTIFACTS), blobs: clear('cas_blob', BLOBS) };

export type Things = 'artifacts' | 'blobs';

/** Notes the time on at most `limit` things that are not needed and have none; answers how many. */
export async function markUnreachable(db: Db, things: Things, limit: number): Promise<number> {
  return (await run(db, MARK[things], [limit])).length;
}

/** Takes the note from at most `limit` things that are needed again; answers how many. */
export async function clearReachable(db: Db, things: Things, limit: number): Promise<number> {
  return (await run(db, CLEAR[things], [limit])).length;
}
