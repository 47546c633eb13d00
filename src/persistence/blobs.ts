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

// Storing a blob again revives it when it was collected, and takes it off the list of what may be.
const REVIVE = (input: string) => `UPDATE cas_blob b SET unreachable_since = NULL, collected_at = NULL,
       content = CASE WHEN b.collected_at IS NULL THEN b.content ELSE i.content END
     FROM ${input} WHERE b.cas_id = i.cas_id AND (b.unreachable_since IS NOT NULL OR b.collected_at IS NOT NULL)`;

// One statement: the grant's foreign key is checked at its end, when the blob is there.
const PUT = statement<{ cas_id: string }>(
  'blob_put',
  `WITH stored AS (
     INSERT INTO cas_blob (cas_id, size_bytes, content) VALUES ($2, $4, $5) ON CONFLICT DO NOTHING
   ), revived AS (
     ${REVIVE('(SELECT $2 AS cas_id, $5 AS content) i')}
   )
   INSERT INTO blob_grant (project_id, cas_id, media_type) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING cas_id`,
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

const INLINE_BYTES = 65_536;

// A larger blob comes by COPY.
const GET = statement<{ media_type: string; size_bytes: string; content: Buffer | null }>(
  'blob_get',
  `SELECT g.media_type, b.size_bytes, CASE WHEN b.size_bytes <= ${INLINE_BYTES} THEN b.content END AS content FROM blob_grant g JOIN cas_blob b ON b.cas_id = g.cas_id
   WHERE g.project_id = $1 AND g.cas_id = $2`,
);

const HEAD = statement<{ media_type: string; size_bytes: string }>(
  'blob_head',
  `SELECT g.media_type, b.size_bytes FROM blob_grant g JOIN cas_blob b ON b.cas_id = g.cas_id
   WHERE g.project_id = $1 AND g.cas_id = $2`,
);

/** Stores a blob unless it is there, and lets the project read it. True when the project could not read it before. */
export async function putBlob(db: Db, project_id: string, blob: BlobContent): Promise<boolean> {
  const rows = await run(db, PUT, [project_id, blob.cas_id, blob.media_type, blob.bytes.length, blob.bytes]);
  return rows.length > 0;
}

/** The same for several small blobs in one statement. */
export async function putBlobs(db: Db, project_id: string, blobs: readonly BlobContent[]): Promise<void> {
  const column = <K extends keyof BlobContent>(key: K) => blobs.map((blob) => blob[key]);
  await run(db, PUT_MANY, [project_id, column('cas_id'), column('media_type'), column('bytes')]);
}

/** A blob the project may read, unverified; undefined when it is unknown or foreign. */
export async function getBlob(db: Db, project_id: string, cas_id: string): Promise<BlobContent | undefined> {
  const row = await runOne(db, GET, [project_id, cas_id]);
  if (!row) return undefined;
  const bytes = row.content ?? (await copyBlob(db, { cas_id, size_bytes: Number(row.size_bytes) }));
  return { cas_id, media_type: row.media_type, bytes };
}

/** Size in bytes and media type, without the content. */
export async function headBlob(db: Db, project_id: string, cas_id: string): Promise<BlobInfo | undefined> {
  const row = await runOne(db, HEAD, [project_id, cas_id]);
  return row && { cas_id, media_type: row.media_type, size_bytes: Number(row.size_bytes) };
}
