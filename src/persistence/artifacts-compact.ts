import { ARTIFACT_COLUMNS, type ArtifactRow } from './artifacts-columns.ts';
import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';

/** The compaction of a patch set, ready to insert. */
export interface NewCompaction {
  id: string;
  project_id: string;
  /** The patch set. */
  source_id: string;
  message?: string | null;
  created_by: string;
}

const FIND = statement<ArtifactRow>(
  'compaction_find',
  `SELECT ${ARTIFACT_COLUMNS} FROM artifact a WHERE a.project_id = $1 AND a.compacted_from_id = $2 AND a.live`,
);

// Everything but its name comes from the patch set, so that it cannot say anything else.
const INSERT = statement<{ id: string }>(
  'compaction_insert',
  `INSERT INTO artifact (id, project_id, kind, cas_id, version_hash, nodes_count, edges_count, parents, compacted_from_id,
     message, created_by)
   SELECT $1, a.project_id, 'dag_version', a.version_hash, a.version_hash, a.nodes_count, a.edges_count, ARRAY[a.id], a.id, $4, $5
   FROM artifact a WHERE a.project_id = $2 AND a.id = $3
   ON CONFLICT (compacted_from_id) WHERE compacted_from_id IS NOT NULL AND live DO NOTHING RETURNING id`,
);

/** The version that a patch set was compacted to, unless it never was or the version was collected. */
export function findCompaction(
  db: Db,
  project_id: string,
  source_id: string,
): Promise<ArtifactRow | undefined> {
  return runOne(db, FIND, [project_id, source_id]);
}

/** Inserts the compaction, whose blob must be there. False: the patch set has one already. */
export async function insertCompaction(db: Db, c: NewCompaction): Promise<boolean> {
  const values = [c.id, c.project_id, c.source_id, c.message ?? null, c.created_by];
  return (await runOne(db, INSERT, values)) !== undefined;
}
