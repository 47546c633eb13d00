import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** A blob with bytes; those in its row were hashed by the database. */
export interface CheckedBlob {
  cas_id: string;
  size_bytes: number;
  /** Whether the bytes in the row hash to the name; null when they are an object. */
  intact: boolean | null;
  storage_url: string | null;
  slice_hashes: Buffer | null;
}

export interface Finding {
  kind: string;
  about: string;
  detail: string;
}

const BLOBS = statement<CheckedBlob>(
  'fsck_blobs',
  `SELECT cas_id, size_bytes::float8 AS size_bytes, storage_url, slice_hashes,
     'sha256:' || encode(sha256(content), 'hex') = cas_id AS intact
   FROM (SELECT * FROM cas_blob WHERE stored AND cas_id > $1 ORDER BY cas_id LIMIT $2) b ORDER BY cas_id`,
);

const UNKNOWN_OBJECTS = statement<{ storage_url: string }>(
  'fsck_unknown_objects',
  `SELECT u.storage_url FROM unnest($1::text[]) u (storage_url)
   WHERE NOT EXISTS (SELECT FROM cas_blob b WHERE b.storage_url = u.storage_url)
     AND NOT EXISTS (SELECT FROM object_garbage g WHERE g.storage_url = u.storage_url)`,
);

const NOTE = statement<never>(
  'fsck_note',
  `INSERT INTO fsck_finding (job_id, kind, about, detail)
   SELECT $1, f.kind, f.about, f.detail FROM unnest($2::text[], $3::text[], $4::text[]) f (kind, about, detail)
   ON CONFLICT (job_id, kind, about) DO NOTHING`,
);

const COUNT = statement<{ kind: string; count: number }>(
  'fsck_count',
  'SELECT kind, count(*)::integer AS count FROM fsck_finding WHERE job_id = $1 GROUP BY kind ORDER BY kind',
);

const LIST = statement<Finding>(
  'fsck_list',
  `SELECT kind, about, detail FROM fsck_finding WHERE job_id = $1 AND (kind, about) > ($2, $3)
   ORDER BY kind, about LIMIT $4`,
);

/** Blobs with bytes after one of them, by cas_id. */
export function readBlobs(
  db: Db,
  { after, limit }: { after: string; limit: number },
): Promise<CheckedBlob[]> {
  return run(db, BLOBS, [after, limit]);
}

/** Which of these objects no blob names and nobody is about to delete. */
export async function unknownObjects(db: Db, storage_urls: readonly string[]): Promise<string[]> {
  return (await run(db, UNKNOWN_OBJECTS, [storage_urls])).map((row) => row.storage_url);
}

/** Notes what a job found; noting it again changes nothing. */
export async function noteFindings(db: Db, job_id: string, findings: readonly Finding[]): Promise<void> {
  if (findings.length === 0) return;
  const column = (key: keyof Finding) => findings.map((finding) => finding[key]);
  await run(db, NOTE, [job_id, column('kind'), column('about'), column('detail')]);
}

/** What a job found, counted by kind. */
export async function countFindings(db: Db, job_id: string): Promise<Record<string, number>> {
  const rows = await run(db, COUNT, [job_id]);
  return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
}

/** What a job found after (kind, about), in that order. */
export function listFindings(
  db: Db,
  job_id: string,
  { after, limit }: { after: Pick<Finding, 'kind' | 'about'>; limit: number },
): Promise<Finding[]> {
  return run(db, LIST, [job_id, after.kind, after.about, limit]);
}
