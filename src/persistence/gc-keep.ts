import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** Part of a statement that takes the mark from the blobs of the array `names`; in one order, so that no two wait in a circle. */
export const KEEP_NAMED = (names: string) => `UPDATE cas_blob b SET unreachable_since = NULL
     FROM (
       SELECT cas_id FROM cas_blob WHERE cas_id = ANY (${names}::text[]) AND stored AND unreachable_since IS NOT NULL
       ORDER BY cas_id FOR NO KEY UPDATE
     ) k WHERE b.cas_id = k.cas_id`;

const KEEP = statement<never>('gc_keep', KEEP_NAMED('$1'));

const COLLECTED = statement<{ cas_id: string }>(
  'gc_collected_names',
  `SELECT g.cas_id FROM blob_grant g JOIN cas_blob b ON b.cas_id = g.cas_id
   WHERE g.project_id = $1 AND g.cas_id = ANY ($2::text[]) AND NOT b.stored ORDER BY g.cas_id`,
);

const KEEP_ARTIFACTS = statement<never>(
  'gc_keep_artifacts',
  `UPDATE artifact a SET unreachable_since = NULL FROM (
     SELECT id FROM artifact WHERE project_id = $1 AND id = ANY ($2::uuid[]) AND live AND unreachable_since IS NOT NULL
     ORDER BY id FOR NO KEY UPDATE
   ) k WHERE a.id = k.id`,
);

const GONE = statement<{ id: string }>(
  'gc_collected_artifacts',
  `SELECT id FROM artifact WHERE project_id = $1 AND id = ANY ($2::uuid[]) AND NOT live`,
);

/** Keeps artifacts from being collected before the transaction ends; answers those that were, meanwhile. */
export async function keepArtifacts(db: Db, project_id: string, ids: readonly string[]): Promise<string[]> {
  await run(db, KEEP_ARTIFACTS, [project_id, ids]);
  // A statement of its own: a collection that the first one waited for is seen only by the second.
  return (await run(db, GONE, [project_id, ids])).map((row) => row.id);
}

/**
 * Keeps blobs that are about to be named, as far as they are there, from being collected before the transaction ends.
 * Answers those the project had and that are gone.
 */
export async function keepNamed(db: Db, project_id: string, names: readonly string[]): Promise<string[]> {
  await run(db, KEEP, [names]);
  return (await run(db, COLLECTED, [project_id, names])).map((row) => row.cas_id);
}
