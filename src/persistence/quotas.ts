import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';

interface Limits {
  open_runs: number | null;
  runs_per_day: number | null;
}

interface Counted {
  project_id: string;
  principal: string;
  of_project: Limits;
  of_principal: Limits;
}

interface UsedUpRow {
  project_open: boolean;
  principal_open: boolean;
  project_day_seconds: number | null;
  principal_day_seconds: number | null;
}

/** Which of these are used up; exact while nobody else can start a run against them. Counts no further than they say. */
export async function usedUp(tx: Db, quotas: Counted): Promise<UsedUpRow> {
  const { project_id, principal, of_project, of_principal } = quotas;
  const limits = [of_project, of_principal].flatMap(({ open_runs, runs_per_day }) => [
    open_runs,
    runs_per_day,
  ]);
  return (await runOne(tx, USED_UP, [project_id, principal, ...limits]))!;
}

const open = (whose: string, limit: string): string => `
  (${limit}::integer IS NOT NULL AND EXISTS (
    SELECT FROM run r WHERE ${whose} AND r.ended_at IS NULL AND r.parent_run_id IS NULL OFFSET ${limit}::integer - 1))`;

// The run that has to be a day old before there is room again.
const day = (whose: string, limit: string): string => `
  CASE WHEN ${limit}::integer IS NOT NULL THEN (
    SELECT extract(epoch FROM r.created_at + interval '24 hours' - statement_timestamp())::float8
    FROM run r WHERE ${whose} AND r.parent_run_id IS NULL AND r.created_at > statement_timestamp() - interval '24 hours'
    ORDER BY r.created_at DESC OFFSET ${limit}::integer - 1 LIMIT 1) END`;

const USED_UP = statement<UsedUpRow>(
  'quota_used_up',
  `SELECT ${open('r.project_id = $1', '$3')} AS project_open, ${day('r.project_id = $1', '$4')} AS project_day_seconds,
     ${open('r.created_by = $2', '$5')} AS principal_open, ${day('r.created_by = $2', '$6')} AS principal_day_seconds`,
);
