import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** A patch set on top of a version, ready to insert. */
export interface NewPatch {
  id: string;
  project_id: string;
  /** Blob of the operations. */
  cas_id: string;
  /** Hash, and at once blob, of the materialised definition. */
  version_hash: string;
  plan_hash: string;
  base_version: string;
  parent_id: string;
  depth: number;
  op_count: number;
  nodes_count: number;
  edges_count: number;
  /** The patch it takes back. */
  reverts_id?: string | null;
  message?: string | null;
  created_by: string;
}

// The link to the parent is the chain; the foreign key on it keeps the chain without gaps.
const INSERT = statement<{ created_at: Date }>(
  'patch_insert',
  `WITH patch AS (
     INSERT INTO artifact (id, project_id, kind, cas_id, version_hash, plan_hash, base_version, parents, depth, op_count,
       nodes_count, edges_count, message, created_by, reverts_id)
     VALUES ($1, $2, 'patch_set', $3, $4, $5, $6, ARRAY[$7::uuid], $8, $9, $10, $11, $12, $13, $14)
     RETURNING created_at
   ), snapshot AS (
     INSERT INTO materialisation (plan_hash, cas_id) VALUES ($5, $4) ON CONFLICT DO NOTHING
   )
   SELECT created_at FROM patch`,
);

const FIRST_MOVE = statement<{ tag_name: string; version: number }>(
  'patch_first_move',
  `SELECT tag_name, version FROM tag_move WHERE project_id = $1 AND to_id = $2 AND type IN ('create', 'move')
   ORDER BY moved_at, tag_name, seq LIMIT 1`,
);

/** Inserts a patch set, linked to its parent, and the note of its snapshot; the blobs must be there. */
export async function insertPatch(db: Db, p: NewPatch): Promise<void> {
  const place = [p.base_version, p.parent_id, p.depth, p.op_count, p.nodes_count, p.edges_count];
  await run(db, INSERT, [
    p.id,
    p.project_id,
    p.cas_id,
    p.version_hash,
    p.plan_hash,
    ...place,
    p.message ?? null,
    p.created_by,
    p.reverts_id ?? null,
  ]);
}

/** The tag a patch was made on, and the version it got by it. */
export function findFirstMove(
  db: Db,
  project_id: string,
  artifact_id: string,
): Promise<{ tag_name: string; version: number } | undefined> {
  return runOne(db, FIRST_MOVE, [project_id, artifact_id]);
}
