import type { ArtifactRow } from './artifacts-columns.ts';
import { ARTIFACT_COLUMNS } from './artifacts-columns.ts';
import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';
import { REF_COLUMNS, type RefRow } from './workflows-resolve.ts';

export interface NewWorkflow {
  id: string;
  project_id: string;
  name: string;
  description: string;
  created_by: string;
}

/** A version of a tag: what its history came to for the n-th time as something new. */
export interface VersionRow extends ArtifactRow {
  number: number;
  /** The history entry it came with. */
  seq: number;
}

const LIST = statement<RefRow>(
  'workflow_list',
  `SELECT ${REF_COLUMNS} FROM workflow w
   LEFT JOIN (tag t JOIN artifact a ON a.id = t.target_id) ON t.project_id = w.project_id AND t.name = w.name
   WHERE w.project_id = $1 AND w.name > $2 AND starts_with(w.name, $3) ORDER BY w.name LIMIT $4`,
);

const INSERT = statement<{ id: string }>(
  'workflow_insert',
  `INSERT INTO workflow (id, project_id, name, description, created_by) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (project_id, name) DO NOTHING RETURNING id`,
);

const DELETE_EMPTY = statement<{ id: string }>(
  'workflow_delete_empty',
  `DELETE FROM workflow w WHERE w.project_id = $1 AND w.id = $2
     AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.project_id = $1 AND t.workflow_name = w.name) RETURNING id`,
);

// A version keeps its number for ever: the history only grows, and coming back to an artifact counts no second time.
const VERSIONS = statement<VersionRow>(
  'workflow_versions',
  `WITH firsts AS (
     SELECT to_id, min(seq) AS seq FROM tag_move
     WHERE project_id = $1 AND tag_name = $2 AND type IN ('create', 'move') GROUP BY to_id
   ), numbered AS (
     SELECT to_id, seq, row_number() OVER (ORDER BY seq)::integer AS number FROM firsts
   )
   SELECT n.number, n.seq, ${ARTIFACT_COLUMNS} FROM numbered n JOIN artifact a ON a.id = n.to_id
   WHERE n.number < $3 ORDER BY n.number DESC LIMIT $4`,
);

/** Workflows by name with what their head tags point at, after the name `after`. */
export function listWorkflows(
  db: Db,
  filter: { project_id: string; prefix?: string },
  page: { after: string; limit: number },
): Promise<RefRow[]> {
  return run(db, LIST, [filter.project_id, page.after, filter.prefix ?? '', page.limit]);
}

/** Inserts a workflow; false when the project has one of that name. */
export async function insertWorkflow(db: Db, w: NewWorkflow): Promise<boolean> {
  return (await run(db, INSERT, [w.id, w.project_id, w.name, w.description, w.created_by])).length > 0;
}

/** Deletes a workflow without tags; false when it has some, or is not there. */
export async function deleteEmptyWorkflow(db: Db, project_id: string, id: string): Promise<boolean> {
  return (await runOne(db, DELETE_EMPTY, [project_id, id])) !== undefined;
}

/** Versions of a tag below number `before`, newest first. */
export function listVersions(
  db: Db,
  tag: { project_id: string; name: string },
  page: { before: number; limit: number },
): Promise<VersionRow[]> {
  return run(db, VERSIONS, [tag.project_id, tag.name, page.before, page.limit]);
}
