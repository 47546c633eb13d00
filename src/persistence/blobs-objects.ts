import { GRANTED, type Granted } from './blobs.ts';
import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';

/** A blob whose bytes are an object. */
export interface ObjectBlob {
  cas_id: string;
  media_type: string;
  size_bytes: number;
  storage_url: string;
  slice_hashes: Buffer;
}

// The update waits for a collection under way and then finds nothing, so that no grant is given for bytes that are gone.
const ADOPT = statement<Granted>(
  'blob_adopt',
  `WITH kept AS (
     UPDATE cas_blob SET unreachable_since = NULL WHERE cas_id = $2 AND collected_at IS NULL RETURNING cas_id
   ), granted AS (
     INSERT INTO blob_grant (project_id, cas_id, media_type) SELECT $1, cas_id, $3 FROM kept
     ON CONFLICT DO NOTHING RETURNING media_type
   ), noted AS (
     INSERT INTO object_garbage (storage_url) SELECT $4 WHERE NOT EXISTS (SELECT FROM kept)
   )
   ${GRANTED}`,
);

// Takes the object off the garbage and names it in one step; not when it is being deleted, or another one was faster.
const ATTACH = statement<Granted>(
  'blob_attach',
  `WITH claimed AS (
     SELECT storage_url FROM object_garbage WHERE storage_url = $4 AND NOT deleting FOR UPDATE
   ), stored AS (
     INSERT INTO cas_blob (cas_id, size_bytes, storage_url, slice_hashes)
     SELECT $2, $5, storage_url, $6::bytea FROM claimed ON CONFLICT DO NOTHING RETURNING cas_id
   ), revived AS (
     UPDATE cas_blob b SET storage_url = c.storage_url, slice_hashes = $6, collected_at = NULL, unreachable_since = NULL
     FROM claimed c WHERE b.cas_id = $2 AND b.collected_at IS NOT NULL RETURNING b.cas_id
   ), kept AS (
     SELECT cas_id FROM stored UNION ALL SELECT cas_id FROM revived
   ), cleared AS (
     DELETE FROM object_garbage WHERE storage_url = $4 AND EXISTS (SELECT FROM kept)
   ), granted AS (
     INSERT INTO blob_grant (project_id, cas_id, media_type) SELECT $1, cas_id, $3 FROM kept
     ON CONFLICT DO NOTHING RETURNING media_type
   )
   ${GRANTED}`,
);

const IS_AT = statement<{ cas_id: string }>(
  'blob_is_at',
  'SELECT cas_id FROM cas_blob WHERE cas_id = $1 AND storage_url = $2',
);

/**
 * Lets the project read a blob that is there, wherever, and keeps it from being collected. Otherwise undefined, and the
 * object that is about to be written is noted as garbage: a crash then leaves nothing that nobody knows of.
 */
export function adoptBlob(
  db: Db,
  project_id: string,
  blob: Pick<ObjectBlob, 'cas_id' | 'media_type' | 'storage_url'>,
): Promise<Granted | undefined> {
  return runOne(db, ADOPT, [project_id, blob.cas_id, blob.media_type, blob.storage_url]);
}

/**
 * Makes a stored object the place of a blob, and lets the project read it; undefined when the blob has a place already
 * or the object is being deleted as garbage. Either way the object is the caller's to remove.
 */
export function attachObject(db: Db, project_id: string, blob: ObjectBlob): Promise<Granted | undefined> {
  const { cas_id, media_type, storage_url, size_bytes, slice_hashes } = blob;
  return runOne(db, ATTACH, [project_id, cas_id, media_type, storage_url, size_bytes, slice_hashes]);
}

/** Whether the object is still the place of the blob. */
export async function isObjectOf(
  db: Db,
  { cas_id, storage_url }: Pick<ObjectBlob, 'cas_id' | 'storage_url'>,
): Promise<boolean> {
  return (await runOne(db, IS_AT, [cas_id, storage_url])) !== undefined;
}
