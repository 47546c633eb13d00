import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';

const OUTCOMES = statement<{ completed: number; failed: number }>(
  'run_outcomes',
  `SELECT count(*) FILTER (WHERE state = 'completed')::integer AS completed,
     count(*) FILTER (WHERE state IN ('failed', 'errored'))::integer AS failed
   FROM run WHERE project_id = $1 AND workflow = $2 AND version_hash = $3 AND created_at >= $4`,
);

/** How the runs of one version ended that began since then; those that were stopped by somebody say nothing. */
export async function runOutcomes(
  db: Db,
  of: { project_id: string; workflow: string; digest: string; since: Date },
): Promise<{ completed: number; failed: number }> {
  const { project_id, workflow, digest, since } = of;
  return (await runOne(db, OUTCOMES, [project_id, workflow, digest, since]))!;
}
