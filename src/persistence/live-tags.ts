import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

/** The position of a workflow's live tag. Where a project is archived there is none. */
export interface LiveTag {
  tag: string;
  target_id: string;
  version_hash: string;
}

export interface WorkflowKey {
  project_id: string;
  workflow: string;
}

const LIVE = statement<LiveTag>(
  'live_tag',
  `SELECT t.name AS tag, t.target_id, a.version_hash
   FROM unnest($2::text[]) WITH ORDINALITY AS n(name, rank)
   JOIN project p ON p.id = $1 AND p.status = 'active'
   JOIN tag t ON t.project_id = p.id AND t.name = n.name
   JOIN artifact a ON a.id = t.target_id
   ORDER BY n.rank LIMIT 1`,
);

/** `candidates` are the two names a live tag may have, the stronger one first; `$1` and `$2` are what they end in. */
const behind = (workflows: string) => `
  SELECT w.project_id, w.workflow FROM (${workflows}) w
  LEFT JOIN LATERAL (
    SELECT t.name, t.target_id FROM unnest(ARRAY[w.workflow || $1, w.workflow || $2]) WITH ORDINALITY AS n(name, rank)
    JOIN project p ON p.id = w.project_id AND p.status = 'active'
    JOIN tag t ON t.project_id = p.id AND t.name = n.name
    ORDER BY n.rank LIMIT 1
  ) live ON true
  LEFT JOIN trigger_state s ON s.project_id = w.project_id AND s.workflow = w.workflow
  WHERE (s.tag, s.target_id) IS DISTINCT FROM (live.name, live.target_id)`;

// Work is in proportion to the moves of the last moments, whatever the store holds; one row tells about both questions.
const LOOK = statement<{ project_id: string | null; workflow: string | null }>(
  'trigger_look',
  `WITH behind AS (${behind(`SELECT DISTINCT project_id, split_part(tag_name, '/', 1) AS workflow FROM tag_move
     WHERE moved_at > clock_timestamp() - make_interval(secs => $3)`)} LIMIT $4)
   SELECT project_id, workflow FROM behind
   UNION ALL
   SELECT NULL, NULL WHERE EXISTS (
     SELECT FROM schedule WHERE revision <> applied_revision AND next_attempt_at <= clock_timestamp())`,
);

const LOOK_EVERYWHERE = statement<WorkflowKey>(
  'trigger_look_everywhere',
  `${behind(`SELECT project_id, name AS workflow FROM workflow UNION SELECT project_id, workflow FROM trigger_state`)}
   LIMIT $3`,
);

/** The first of these tags that is there, and where it points; undefined when there is none. */
export function findLiveTag(
  db: Db,
  project_id: string,
  names: readonly string[],
): Promise<LiveTag | undefined> {
  return runOne(db, LIVE, [project_id, names]);
}

/** Workflows whose tags moved in the last `seconds` and whose triggers are not those of their live tag; and whether schedules are due. */
export async function lookForMoves(
  db: Db,
  { suffixes, seconds, limit }: { suffixes: readonly string[]; seconds: number; limit: number },
): Promise<{ behind: WorkflowKey[]; is_due: boolean }> {
  const rows = await run(db, LOOK, [...suffixes, seconds, limit]);
  const behind = rows.filter((row): row is WorkflowKey => row.workflow !== null);
  return { behind, is_due: behind.length < rows.length };
}

/** The same over all workflows, however long ago their tags moved. */
export function lookEverywhere(
  db: Db,
  { suffixes, limit }: { suffixes: readonly string[]; limit: number },
): Promise<WorkflowKey[]> {
  return run(db, LOOK_EVERYWHERE, [...suffixes, limit]);
}
