import type { Db } from './db.ts';
import { run, runOne, statement } from './statement.ts';

// One statement takes a run with all that belongs to it: nobody ever reads a part of one. The keys are checked at its end.
const EXPIRE_RUNS = statement<{ count: number }>(
  'retention_runs',
  `WITH old AS MATERIALIZED (
     SELECT id FROM run WHERE project_id = $3 AND ended_at <= now() - make_interval(secs => $1)
     ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED
   ), steps AS (
     DELETE FROM step s USING old WHERE s.run_id = old.id
   ), events AS (
     DELETE FROM run_event e USING old WHERE e.run_id = old.id
   ), transitions AS (
     DELETE FROM run_state_transition t USING old WHERE t.run_id = old.id
   ), commands AS (
     DELETE FROM run_command c USING old WHERE c.run_id = old.id
   ), unsent AS (
     DELETE FROM outbox o USING old WHERE o.run_id = old.id
   ), undelivered AS (
     DELETE FROM webhook_delivery d USING old WHERE d.run_id = old.id
   ), gone AS (
     DELETE FROM run r USING old WHERE r.id = old.id RETURNING r.id
   )
   SELECT count(*)::integer AS count FROM gone`,
);

// An approval is good for one version of its tag; one for a version long gone tells nothing that the history does not.
const EXPIRE_APPROVALS = statement<{ count: number }>(
  'retention_approvals',
  `WITH gone AS (
     DELETE FROM tag_approval p WHERE p.approved_at <= now() - make_interval(secs => $1)
       AND p.tag_version < (SELECT max(m.version) FROM tag_move m WHERE m.project_id = p.project_id AND m.tag_name = p.tag_name)
     RETURNING 1
   )
   SELECT count(*)::integer AS count FROM gone`,
);

const EXPIRE_FINDINGS = statement<{ count: number }>(
  'retention_findings',
  `WITH gone AS (DELETE FROM fsck_finding WHERE found_at <= now() - make_interval(secs => $1) RETURNING 1)
   SELECT count(*)::integer AS count FROM gone`,
);

// All of a proposal's or none: whoever reads them finds no gap.
const EXPIRE_FRAMES = statement<{ proposals: number; frames: number }>(
  'retention_frames',
  `WITH old AS MATERIALIZED (
     SELECT p.id FROM proposal p
     WHERE coalesce(p.resolved_at, p.completed_at) <= now() - make_interval(secs => $1) AND p.status NOT IN ('processing', 'completed')
       AND EXISTS (SELECT FROM proposal_frame f WHERE f.proposal_id = p.id)
     ORDER BY coalesce(p.resolved_at, p.completed_at) LIMIT $2 FOR UPDATE SKIP LOCKED
   ), gone AS (
     DELETE FROM proposal_frame f USING old WHERE f.proposal_id = old.id RETURNING 1
   )
   SELECT (SELECT count(*) FROM old)::integer AS proposals, (SELECT count(*) FROM gone)::integer AS frames`,
);

const KEPT_FOR = statement<{ id: string; days: number | null }>(
  'retention_kept_for',
  `SELECT id, (settings ->> 'run_retention_days')::integer AS days FROM project ORDER BY id`,
);

/** Every project, deleted ones too, and how long it keeps its runs; null: it says nothing. */
export async function keptFor(db: Db): Promise<{ id: string; days: number | null }[]> {
  return run(db, KEPT_FOR, []);
}

/** Deletes at most `limit` runs of a project that ended that long ago, the first ones first; says how many. */
export async function deleteRuns(
  db: Db,
  project_id: string,
  { older_than_seconds, limit }: { older_than_seconds: number; limit: number },
): Promise<number> {
  return (await runOne(db, EXPIRE_RUNS, [older_than_seconds, limit, project_id]))!.count;
}

/** Deletes approvals of that age whose tag has gone on; says how many. */
export async function deleteApprovals(db: Db, older_than_seconds: number): Promise<number> {
  return (await runOne(db, EXPIRE_APPROVALS, [older_than_seconds]))!.count;
}

/** Deletes what checks of that age found; says how many. */
export async function deleteFindings(db: Db, older_than_seconds: number): Promise<number> {
  return (await runOne(db, EXPIRE_FINDINGS, [older_than_seconds]))!.count;
}

/** Deletes what was heard of at most `limit` proposals that were over that long ago; says of how many, and how much. */
export async function deleteFrames(
  db: Db,
  older_than_seconds: number,
  limit: number,
): Promise<{ proposals: number; frames: number }> {
  return (await runOne(db, EXPIRE_FRAMES, [older_than_seconds, limit]))!;
}
