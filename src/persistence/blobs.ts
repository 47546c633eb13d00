import { copyBlob } from './blobs-copy.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

export interface BlobContent {
  cas_id: string;
  media_type: string;
  bytes: Buffer;
}

export interface BlobInfo {
  cas_id: string;
  media_type: string;
  size_bytes: number;
}

/** A blob the project may read, and where its bytes are: in the row, in the object store, or nowhere any more. */
export interface BlobRow extends BlobInfo {
  /** Null for a larger one, which comes by `readContent`, and for one that is not in the row. */
  content: Buffer | null;
  storage_url: string | null;
  /** The SHA-256 of each slice of an object, one after the other. */
  slice_hashes: Buffer | null;
  collected: boolean;
}

/** What a project is let read. */
export interface Granted {
  /** As the project named it first. */
  media_type: string;
  /** True when the project could not read it before. */
  created: boolean;
}

// Storing a blob again revives it when it was collected, and takes it off the list of what may be.
const REVIVE = (input: string) => `UPDATE cas_blob b SET unreachable_since = NULL, collected_at = NULL,
       content = CASE WHEN b.collected_at IS NULL THEN b.content ELSE i.content END
     FROM ${input} WHERE b.cas_id = i.cas_id AND (b.unreachable_since IS NOT NULL OR b.collected_at IS NOT NULL)`;

/** Ends a statement that has written a grant in `granted` for the blobs in `kept`. */
export const GRANTED = `SELECT media_type, true AS created FROM granted UNION ALL
  SELECT coalesce((SELECT media_type FROM blob_grant g WHERE g.project_id = $1 AND g.cas_id = $2), $3), false
  FROM kept WHERE NOT EXISTS (SELECT FROM granted)`;

// One statement: the grant's foreign key is checked at its end, when the blob is there.
const PUT = statement<Granted>(
  'blob_put',
  `WITH stored AS (
     INSERT INTO cas_blob (cas_id, size_bytes, content) VALUES ($2, $4, $5) ON CONFLICT DO NOTHING
   ), revived AS (
     ${REVIVE('(SELECT $2 AS cas_id, $5 AS content) i')}
   ), granted AS (
     INSERT INTO blob_grant (project_id, cas_id, media_type) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING media_type
   ), kept AS (SELECT)
   ${GRANTED}`,
);

// Sorted, so that two writers of the same blobs wait for each other in one order and never in a circle.
const PUT_MANY = statement<{ cas_id: string }>(
  'blob_put_many',
  `WITH input AS (
     SELECT * FROM unnest($2::text[], $3::text[], $4::bytea[]) AS i (cas_id, media_type, content) ORDER BY cas_id
   ), stored AS (
     INSERT INTO cas_blob (cas_id, size_bytes, content)
     SELECT cas_id, octet_length(content), content FROM input ORDER BY cas_id ON CONFLICT DO NOTHING
   ), revived AS (
     ${REVIVE('input i')}
   )
   INSERT INTO blob_grant (project_id, cas_id, media_type) SELECT $1, cas_id, media_type FROM input ORDER BY cas_id
   ON CONFLICT DO NOTHING RETURNING cas_id`,
);

const FETCHED_BYTES = 65_536;

// Larger content comes by COPY.
const FIND = statement<Omit<BlobRow, 'size_bytes'> & { size_bytes: string }>(
  'blob_find',
  `SELECT g.cas_id, g.media_type, b.size_bytes, b.storage_url, b.slice_hashes, b.collected_at IS NOT NULL AS collected,
     CASE WHEN b.size_bytes <= ${FETCHED_BYTES} THEN b.content END AS content
   FROM blob_grant g JOIN cas_blob b ON b.cas_id = g.cas_id WHERE g.project_id = $1 AND g.cas_id = $2`,
);

const HEAD = statement<{ media_type: string; size_bytes: string; collected: boolean }>(
  'blob_head',
  `SELECT g.media_type, b.size_bytes, b.collected_at IS NOT NULL AS collected
   FROM blob_grant g JOIN cas_blob b ON b.cas_id = g.cas_id WHERE g.project_id = $1 AND g.cas_id = $2`,
);

/** Stores a blob in its row unless it is there, and lets the project read it. */
export async function putBlob(db: Db, project_id: string, blob: BlobContent): Promise<Granted> {
  const { cas_id, media_type, bytes } = blob;
  const granted = await runOne(db, PUT, [project_id, cas_id, media_type, bytes.length, bytes]);
  return granted!;
}

/** The same for several small blobs in one statement. */
export async function putBlobs(db: Db, project_id: string, blobs: readonly BlobContent[]): Promise<void> {
  const column = <K extends keyof BlobContent>(key: K) => blobs.map((blob) => blob[key]);
  await run(db, PUT_MANY, [project_id, column('cas_id'), column('media_type'), column('bytes')]);
}

/** A blob the project may read; undefined when it is unknown or foreign. */
export async function findBlob(db: Db, project_id: string, cas_id: string): Promise<BlobRow | undefined> {
  const row = await runOne(db, FIND, [project_id, cas_id]);
  return row && { ...row, size_bytes: Number(row.size_bytes) };
}

/** The bytes of a blob that is in its row, unverified; undefined when the row holds none any more. */
export async function readContent(db: Db, row: BlobRow): Promise<Buffer | undefined> {
  return row.content ?? copyBlob(db, row);
}

/** Size in bytes and media type, without the content. */
export async function headBlob(
  db: Db,
  project_id: string,
  cas_id: string,
): Promise<(BlobInfo & { collected: boolean }) | undefined> {
  const row = await runOne(db, HEAD, [project_id, cas_id]);
  return row && { ...row, cas_id, size_bytes: Number(row.size_bytes) };
}
