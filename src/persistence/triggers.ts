import { sql } from 'drizzle-orm';
import type { Db } from './db.ts';
import { findLiveTag, type LiveTag, type WorkflowKey } from './live-tags.ts';
import { run, statement } from './statement.ts';

/** A schedule as the rows should have it. */
export interface WantedSchedule {
  id: string;
  cron: string;
  time_zone: string;
  overlap: string;
  catch_up_seconds: number;
}

// A schedule that is wanted as before keeps its revision, and with it what Temporal has.
const FOLLOW = statement<never>(
  'trigger_follow',
  `WITH wanted AS (
     SELECT * FROM json_to_recordset($3::json) AS x(id uuid, cron text, time_zone text, overlap text, catch_up_seconds integer)
   ), put AS (
     INSERT INTO schedule AS s (id, project_id, workflow, cron, time_zone, overlap, catch_up_seconds, wanted)
     SELECT id, $1, $2, cron, time_zone, overlap, catch_up_seconds, true FROM wanted
     ON CONFLICT (id) DO UPDATE SET overlap = excluded.overlap, catch_up_seconds = excluded.catch_up_seconds,
       wanted = true, revision = s.revision + 1, attempts = 0, next_attempt_at = clock_timestamp()
     WHERE (s.wanted, s.overlap, s.catch_up_seconds) IS DISTINCT FROM (true, excluded.overlap, excluded.catch_up_seconds)
   ), dropped AS (
     UPDATE schedule SET wanted = false, revision = revision + 1, attempts = 0, next_attempt_at = clock_timestamp()
     WHERE project_id = $1 AND workflow = $2 AND wanted AND id NOT IN (SELECT id FROM wanted)
   ), forgotten AS (
     DELETE FROM trigger_state WHERE project_id = $1 AND workflow = $2 AND $4::text IS NULL
   )
   INSERT INTO trigger_state (project_id, workflow, tag, target_id, version_hash)
   SELECT $1, $2, $4, $5::uuid, $6 WHERE $4 IS NOT NULL
   ON CONFLICT (project_id, workflow) DO UPDATE SET tag = excluded.tag, target_id = excluded.target_id,
     version_hash = excluded.version_hash, applied_at = clock_timestamp()`,
);

/**
 * Makes the rows those of the live tag, if it still is where `live` says (undefined: nowhere). Whoever comes last saw
 * the tag last, because looking and writing happen under one lock. False, with nothing written, when the tag has gone on.
 */
export function followLiveTag(
  db: Db,
  { project_id, workflow }: WorkflowKey,
  live: LiveTag | undefined,
  { names, wanted }: { names: readonly string[]; wanted: readonly WantedSchedule[] },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.execute(
      sql`SELECT pg_advisory_xact_lock(hashtextextended(${`trigger ${project_id} ${workflow}`}, 0))`,
    );
    const now = await findLiveTag(tx, project_id, names);
    if (now?.tag !== live?.tag || now?.target_id !== live?.target_id) return false;
    const { tag = null, target_id = null, version_hash = null } = live ?? {};
    await run(tx, FOLLOW, [project_id, workflow, JSON.stringify(wanted), tag, target_id, version_hash]);
    return true;
  });
}
