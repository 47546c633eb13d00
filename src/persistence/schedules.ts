import type { Db } from './db.ts';
import type { schedule, ScheduleError } from './schema/triggers.ts';
import { run, runOne, statement } from './statement.ts';

export type { ScheduleError } from './schema/triggers.ts';
export type ScheduleRow = typeof schedule.$inferSelect;

/** A schedule with the position of the live tag it comes from; null once there is no live tag. */
export type ListedSchedule = ScheduleRow & { tag: string | null; version_hash: string | null };

/** A run that a schedule began. */
export interface FiredRun {
  schedule_id: string;
  run_id: string;
  scheduled_at: Date;
}

const CLAIM = statement<ScheduleRow>(
  'schedule_claim',
  `UPDATE schedule SET attempts = attempts + 1,
     next_attempt_at = clock_timestamp() + make_interval(secs => least($2 * 2 ^ least(attempts, 10), $3))
   WHERE id IN (
     SELECT id FROM schedule WHERE revision <> applied_revision AND next_attempt_at <= clock_timestamp()
     ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
   RETURNING *`,
);

const APPLIED = statement<{ id: string }>(
  'schedule_applied',
  `UPDATE schedule SET applied_revision = revision, fingerprint = $3, attempts = 0, apply_error = NULL
   WHERE id = $1 AND revision = $2 RETURNING id`,
);

const REMOVED = statement<{ id: string }>(
  'schedule_removed',
  'DELETE FROM schedule WHERE id = $1 AND revision = $2 RETURNING id',
);

const AGAIN = statement<{ id: string }>(
  'schedule_again',
  `UPDATE schedule SET applied_revision = 0, attempts = 0, next_attempt_at = clock_timestamp() WHERE id = $1 RETURNING id`,
);

const DRIFTED = statement<{ id: string }>(
  'schedule_drifted',
  `UPDATE schedule SET applied_revision = 0, attempts = 0, next_attempt_at = clock_timestamp(), repaired = $3,
     repaired_at = clock_timestamp()
   WHERE id = $1 AND applied_revision = revision AND fingerprint = $2 RETURNING id`,
);

const NOTE_APPLY = statement<never>(
  'schedule_note_apply',
  'UPDATE schedule SET apply_error = $2::json WHERE id = $1',
);

const NOTE_FIRING = statement<never>(
  'schedule_note_firing',
  'UPDATE schedule SET firing_error = $2::json WHERE id = $1 AND (firing_error IS NOT NULL OR $2::json IS NOT NULL)',
);

const KNOWN = statement<{ id: string }>(
  'schedule_known',
  'SELECT id FROM schedule WHERE id = ANY ($1::uuid[])',
);

const IN_PLACE = statement<ScheduleRow>(
  'schedule_in_place',
  'SELECT * FROM schedule WHERE applied_revision = revision AND id > $1 ORDER BY id LIMIT $2',
);

const LIST = statement<ListedSchedule>(
  'schedule_list',
  `SELECT s.*, t.tag, t.version_hash FROM schedule s
   LEFT JOIN trigger_state t ON t.project_id = s.project_id AND t.workflow = s.workflow
   WHERE s.project_id = $1 AND ($2::text IS NULL OR s.workflow = $2) AND (s.workflow, s.id) > ($3, $4::uuid)
   ORDER BY s.workflow, s.id LIMIT $5`,
);

const RECENT = statement<FiredRun>(
  'schedule_recent',
  `SELECT r.schedule_id, r.id AS run_id, r.scheduled_at FROM unnest($1::uuid[]) AS s(id)
   CROSS JOIN LATERAL (
     SELECT * FROM run WHERE schedule_id = s.id ORDER BY created_at DESC, id DESC LIMIT $2
   ) r ORDER BY r.created_at DESC, r.id DESC`,
);

const OPEN_RUNS = statement<{ id: string }>(
  'schedule_open_runs',
  'SELECT id FROM run WHERE schedule_id = $1 AND ended_at IS NULL ORDER BY created_at DESC, id DESC',
);

/** Schedules as they should be in Temporal, and what is known of how they are there. */
export function scheduleRepository(db: Db) {
  const done = async (name: typeof APPLIED, values: unknown[]) => (await run(db, name, values)).length > 0;
  return {
    /**
     * Takes schedules that Temporal does not have as they should be, so that no other process takes them for a while,
     * which is longer after each failure: `first_seconds` at first, `max_seconds` at most.
     */
    claim: (limit: number, first_seconds: number, max_seconds: number): Promise<ScheduleRow[]> =>
      run(db, CLAIM, [limit, first_seconds, max_seconds]),

    /** Temporal has this revision. False when another one is wanted by now. */
    applied: (id: string, revision: number, fingerprint: string) =>
      done(APPLIED, [id, revision, fingerprint]),

    /** Temporal has let go of it. False when it is wanted again. */
    removed: (id: string, revision: number) => done(REMOVED, [id, revision]),

    /** What Temporal has is not certain: somebody looks at it again. */
    again: (id: string) => done(AGAIN, [id]),

    /** Temporal has something else than it was given; false when it was given something else in the meantime. */
    drifted: (id: string, fingerprint: string | null, drift: 'missing' | 'changed') =>
      done(DRIFTED, [id, fingerprint, drift]),

    noteApplyError: (id: string, error: ScheduleError) => run(db, NOTE_APPLY, [id, JSON.stringify(error)]),

    /** Null: the last firing began a run. */
    noteFiring: (id: string, error: ScheduleError | null) =>
      run(db, NOTE_FIRING, [id, error && JSON.stringify(error)]),

    async known(ids: readonly string[]): Promise<Set<string>> {
      return new Set((await run(db, KNOWN, [ids])).map(({ id }) => id));
    },

    /** Schedules that Temporal should have as it was given them, by id. */
    inPlace: (after: string, limit: number): Promise<ScheduleRow[]> => run(db, IN_PLACE, [after, limit]),

    /** By workflow. */
    list: (
      filter: { project_id: string; workflow?: string },
      after: { workflow: string; id: string },
      limit: number,
    ): Promise<ListedSchedule[]> =>
      run(db, LIST, [filter.project_id, filter.workflow ?? null, after.workflow, after.id, limit]),

    /** The newest runs of each schedule, newest first. */
    recent: (ids: readonly string[], of_each: number): Promise<FiredRun[]> => run(db, RECENT, [ids, of_each]),

    /** Runs of a schedule that have not ended, newest first. */
    async openRuns(id: string): Promise<string[]> {
      return (await run(db, OPEN_RUNS, [id])).map((row) => row.id);
    },

    find: (id: string): Promise<ScheduleRow | undefined> => runOne(db, FIND, [id]),
  };
}

const FIND = statement<ScheduleRow>('schedule_find', 'SELECT * FROM schedule WHERE id = $1');

export type ScheduleRepository = ReturnType<typeof scheduleRepository>;
