import type { ArtifactRow } from './artifacts-columns.ts';
import { ARTIFACT_COLUMNS } from './artifacts-columns.ts';
import type { Db } from './db.ts';
import type { TargetRef } from './tags.ts';
import { runOne, statement } from './statement.ts';

/** What a reference means now. Artifact columns are null for a workflow that has no version yet. */
export type RefRow = { [K in keyof ArtifactRow]: ArtifactRow[K] | null } & {
  workflow_id: string | null;
  workflow: string | null;
  description: string | null;
  workflow_created_by: string | null;
  workflow_created_at: Date | null;
  tag: string | null;
  tag_version: number | null;
  cursor_seq: number | null;
  protected: boolean | null;
};

export const REF_COLUMNS = `w.id AS workflow_id, w.name AS workflow, w.description, w.created_by AS workflow_created_by,
  w.created_at AS workflow_created_at, t.name AS tag, t.version AS tag_version, t.cursor_seq,
  t.protected, ${ARTIFACT_COLUMNS}`;

// The name of a workflow without a head tag still names the workflow.
const BY_TAG = statement<RefRow>(
  'ref_by_tag',
  `SELECT ${REF_COLUMNS} FROM workflow w
   LEFT JOIN (tag t JOIN artifact a ON a.id = t.target_id) ON t.project_id = $1 AND t.name = $2
   WHERE w.project_id = $1 AND w.name = split_part($2, '/', 1) AND (t.name IS NOT NULL OR w.name = $2)`,
);

// A workflow's id means its head tag, the one that has its name; an artifact's id means that artifact.
const BY_ID = statement<RefRow>(
  'ref_by_id',
  `SELECT ${REF_COLUMNS} FROM workflow w
   LEFT JOIN (tag t JOIN artifact a ON a.id = t.target_id) ON t.project_id = w.project_id AND t.name = w.name
   WHERE w.project_id = $1 AND w.id = $2::uuid
   UNION ALL
   SELECT ${REF_COLUMNS} FROM artifact a LEFT JOIN tag t ON false LEFT JOIN LATERAL (
     SELECT f.* FROM tag o JOIN workflow f ON f.project_id = o.project_id AND f.name = o.workflow_name
     WHERE o.project_id = $1 AND o.target_id = a.id ORDER BY o.name LIMIT 1
   ) w ON true
   WHERE a.project_id = $1 AND a.id = $2::uuid AND a.version_hash IS NOT NULL`,
);

// A version does not know its workflow; a tag that points at it does.
const BY_HASH = statement<RefRow>(
  'ref_by_hash',
  `SELECT ${REF_COLUMNS} FROM (
     SELECT * FROM artifact v WHERE v.project_id = $1 AND v.version_hash = $2 ORDER BY v.live DESC, v.created_at, v.id LIMIT 1
   ) a LEFT JOIN tag t ON false LEFT JOIN LATERAL (
     SELECT f.* FROM tag o JOIN workflow f ON f.project_id = o.project_id AND f.name = o.workflow_name
     WHERE o.project_id = $1 AND o.target_id = a.id ORDER BY o.name LIMIT 1
   ) w ON true`,
);

const RESOLVE = { tag: BY_TAG, id: BY_ID, hash: BY_HASH };

/** Resolves a tag name, workflow or artifact id, or version hash within the project, in one statement. */
export function resolveRef(db: Db, project_id: string, ref: TargetRef): Promise<RefRow | undefined> {
  return runOne(db, RESOLVE[ref.kind], [project_id, ref.value]);
}
