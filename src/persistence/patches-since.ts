import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** A patch on the way back from a head, with its operations where they are small enough to be in their row. */
export interface LinkBack {
  id: string;
  parent_id: string;
  parent_hash: string;
  /** The patch it takes back. */
  reverts_id: string | null;
  cas_id: string;
  /** Unverified. */
  content: Buffer | null;
}

// From a patch to the one before it, and from a compaction to the patch it was made of. LIMIT 1 as in `ancestry_read`.
const SINCE = statement<LinkBack>(
  'patches_since',
  `WITH RECURSIVE back AS (
     SELECT id, kind, cas_id, parents, compacted_from_id, reverts_id, 1 AS step FROM artifact WHERE project_id = $1 AND id = $2
     UNION ALL
     SELECT a.id, a.kind, a.cas_id, a.parents, a.compacted_from_id, a.reverts_id, b.step + 1
     FROM back b CROSS JOIN LATERAL (
       SELECT * FROM artifact v
       WHERE v.id = coalesce(b.compacted_from_id, CASE WHEN b.kind = 'patch_set' THEN b.parents[1] END) LIMIT 1
     ) a
     WHERE b.id <> $3 AND b.step < $4
   )
   SELECT b.id, p.id AS parent_id, p.version_hash AS parent_hash, b.reverts_id, b.cas_id, c.content
   FROM back b JOIN artifact p ON p.id = b.parents[1] JOIN cas_blob c ON c.cas_id = b.cas_id
   WHERE b.kind = 'patch_set' ORDER BY b.step DESC`,
);

/**
 * The patches from `patch_id` to `head_id`, first to last, over compactions too. They begin with another patch when
 * `patch_id` is not within `limit` steps of the head.
 */
export function readPatchesSince(
  db: Db,
  project_id: string,
  { head_id, patch_id, limit }: { head_id: string; patch_id: string; limit: number },
): Promise<LinkBack[]> {
  return run(db, SINCE, [project_id, head_id, patch_id, limit]);
}
