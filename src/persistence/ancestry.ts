import type { Db } from './db.ts';
import { run, statement } from './statement.ts';

/** A version as its descendants see it. */
export interface AncestryRow {
  id: string;
  kind: 'dag_version' | 'patch_set';
  version_hash: string;
  parents: string[];
  /** The version this one holds in another form. */
  compacted_from_id: string | null;
  /** The patch that this one takes back. */
  reverts_id: string | null;
  /** False once it was collected. */
  live: boolean;
}

const COLUMNS = (table: string) =>
  `${table}.id, ${table}.kind, ${table}.version_hash, ${table}.parents, ${table}.compacted_from_id,
   ${table}.reverts_id, ${table}.live`;

// LIMIT 1 makes each step one look-up by key: left free, the planner hashes the whole table for a short history.
// The outer LIMIT ends the recursion, which is evaluated only as far as it is read.
const ANCESTRY = statement<AncestryRow>(
  'ancestry_read',
  `WITH RECURSIVE walk AS (
     SELECT ${COLUMNS('h')} FROM artifact h WHERE h.project_id = $1 AND h.id = ANY ($2::uuid[]) AND h.version_hash IS NOT NULL
     UNION
     SELECT ${COLUMNS('a')} FROM walk w CROSS JOIN LATERAL unnest(w.parents || w.compacted_from_id) p (id)
     CROSS JOIN LATERAL (SELECT * FROM artifact v WHERE v.project_id = $1 AND v.id = p.id LIMIT 1) a
   )
   SELECT * FROM walk LIMIT $3`,
);

/** The versions `heads` and everything they come from, each once; at most `limit` of them. */
export function readAncestry(
  db: Db,
  project_id: string,
  { heads, limit }: { heads: readonly string[]; limit: number },
): Promise<AncestryRow[]> {
  return run(db, ANCESTRY, [project_id, heads, limit]);
}

/** The operations of a patch set, unverified. */
export interface OperationsRow {
  id: string;
  cas_id: string;
  /** Null for ones too large to be worth it, and for ones that were collected. */
  content: Buffer | null;
}

const FETCHED_BYTES = 65_536;

const OPERATIONS = statement<OperationsRow>(
  'ancestry_operations',
  `SELECT a.id, a.cas_id, CASE WHEN b.size_bytes <= ${FETCHED_BYTES} THEN b.content END AS content
   FROM artifact a JOIN cas_blob b ON b.cas_id = a.cas_id WHERE a.project_id = $1 AND a.id = ANY ($2::uuid[])`,
);

/** The operations of these patch sets, as far as they are small. */
export function readOperations(db: Db, project_id: string, ids: readonly string[]): Promise<OperationsRow[]> {
  return run(db, OPERATIONS, [project_id, ids]);
}

/** Who made a version and why, and the tag that pointed at it first. */
export interface OriginRow {
  id: string;
  kind: 'dag_version' | 'patch_set';
  version_hash: string;
  message: string | null;
  created_by: string;
  created_at: Date;
  tag: string | null;
  tag_version: number | null;
}

const ORIGINS = statement<OriginRow>(
  'ancestry_origins',
  `SELECT a.id, a.kind, a.version_hash, a.message, a.created_by, a.created_at, m.tag_name AS tag, m.version AS tag_version
   FROM artifact a LEFT JOIN LATERAL (
     SELECT tag_name, version FROM tag_move WHERE project_id = $1 AND to_id = a.id AND type IN ('create', 'move')
     ORDER BY moved_at, tag_name, seq LIMIT 1
   ) m ON true
   WHERE a.project_id = $1 AND a.id = ANY ($2::uuid[])`,
);

export function readOrigins(db: Db, project_id: string, ids: readonly string[]): Promise<OriginRow[]> {
  return run(db, ORIGINS, [project_id, ids]);
}
