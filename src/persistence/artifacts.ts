import type { ArtifactRow } from './artifacts-columns.ts';
import { ARTIFACT_COLUMNS } from './artifacts-columns.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** A dag_version or any other artifact without a chain, ready to insert. */
export interface NewArtifact {
  id: string;
  project_id: string;
  kind: ArtifactRow['kind'];
  cas_id: string;
  version_hash?: string | null;
  plan_hash?: string | null;
  nodes_count?: number | null;
  edges_count?: number | null;
  parents?: readonly string[];
  message?: string | null;
  created_by: string;
}

/** A member of a patch chain: the patch set and its place, 1 being the one next to the base. */
export interface ChainRow extends ArtifactRow {
  seq: number;
}

const INSERT = statement<{ created_at: Date }>(
  'artifact_insert',
  `INSERT INTO artifact (id, project_id, kind, cas_id, version_hash, plan_hash, nodes_count, edges_count, parents, message, created_by)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::uuid[], $10, $11)
   RETURNING created_at`,
);

const BY_ID = statement<ArtifactRow>(
  'artifact_by_id',
  `SELECT ${ARTIFACT_COLUMNS} FROM artifact a WHERE a.project_id = $1 AND a.id = $2`,
);

// Several artifacts may hold the same definition; a hash means the oldest of them that was not collected.
const BY_HASH = statement<ArtifactRow>(
  'artifact_by_hash',
  `SELECT ${ARTIFACT_COLUMNS} FROM artifact a WHERE a.project_id = $1 AND a.version_hash = $2
   ORDER BY a.live DESC, a.created_at, a.id LIMIT 1`,
);

const CHAIN = statement<ChainRow>(
  'artifact_chain',
  `SELECT m.seq, ${ARTIFACT_COLUMNS}
   FROM (SELECT * FROM patch_chain_member WHERE head_id = $2 AND seq > $3 ORDER BY seq LIMIT $4) m
   JOIN artifact a ON a.id = m.member_id WHERE a.project_id = $1 ORDER BY m.seq`,
);

/** Inserts an artifact; answers its creation time. */
export async function insertArtifact(db: Db, a: NewArtifact): Promise<Date> {
  const counts = [a.nodes_count ?? null, a.edges_count ?? null];
  const identity = [a.id, a.project_id, a.kind, a.cas_id, a.version_hash ?? null, a.plan_hash ?? null];
  const [row] = await run(db, INSERT, [
    ...identity,
    ...counts,
    a.parents ?? [],
    a.message ?? null,
    a.created_by,
  ]);
  return row!.created_at;
}

export function findArtifact(db: Db, project_id: string, id: string): Promise<ArtifactRow | undefined> {
  return runOne(db, BY_ID, [project_id, id]);
}

export function findArtifactByHash(
  db: Db,
  project_id: string,
  version_hash: string,
): Promise<ArtifactRow | undefined> {
  return runOne(db, BY_HASH, [project_id, version_hash]);
}

/** Members of a patch set's chain after place `after`, in order; the last one is the patch set itself. */
export function listChain(
  db: Db,
  of: { project_id: string; head_id: string },
  page: { after: number; limit: number },
): Promise<ChainRow[]> {
  return run(db, CHAIN, [of.project_id, of.head_id, page.after, page.limit]);
}
