import type { RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { IS_HELD } from './flow-gates.ts';
import { run, runOne, statement } from './statement.ts';

/** An open run that Temporal is to carry out. */
export interface OpenRun {
  id: string;
  /** The run above it has ended. */
  orphaned: boolean;
}

/** An execution whose run is not as the execution would have it. */
export interface Disagreement {
  run_id: string;
  temporal_run_id: string;
  /** There is such a run. */
  known: boolean;
}

export interface Unstarted {
  /** Null when it was begun, so that it cannot be started again. */
  state: RunState | null;
  /** The outbox has its start, its turn has not come, or the run above it starts it. */
  somebody_starts_it: boolean;
}

export interface UnansweredCommand {
  run_id: string;
  id: string;
}

/** What the reconciler reads and mends in the database; all of it by indexes on what is open. */
export function reconcileRepository(db: Db) {
  return {
    /** In the order of ids, from `after` on: those that were accepted at least so long ago. */
    async openRuns(after: string, older_than_seconds: number, limit: number): Promise<OpenRun[]> {
      return run(db, OPEN_RUNS, [after, older_than_seconds, limit]);
    },

    /** Of these open executions those whose run has ended, was written last by another execution, or is not there. */
    async disagreeing(executions: readonly { run_id: string; temporal_run_id: string }[]) {
      const ids = [executions.map(({ run_id }) => run_id), executions.map((one) => one.temporal_run_id)];
      return run(db, DISAGREEING, ids);
    },

    async unstarted(run_id: string): Promise<Unstarted | undefined> {
      return runOne(db, UNSTARTED, [run_id]);
    },

    /** Puts the start of a run that nobody starts back into the outbox. */
    async requeueStart(run_id: string, outbox_id: string): Promise<boolean> {
      return (await runOne(db, REQUEUE_START, [run_id, outbox_id])) !== undefined;
    },

    /** Items of runs that have ended; deletes them when told to. */
    async leftovers(remove: boolean): Promise<string[]> {
      return (await run(db, remove ? REMOVE_LEFTOVERS : LEFTOVERS, [])).map(({ run_id }) => run_id);
    },

    /**
     * Commands of open runs that nobody is delivering, unanswered for so long. A pause is left out that waits for
     * steps in flight or for runs below.
     */
    async unanswered(older_than_seconds: number, limit: number): Promise<UnansweredCommand[]> {
      return run(db, UNANSWERED, [older_than_seconds, limit]);
    },

    /** Puts a command that is still unanswered back into the outbox. */
    async requeueCommand({ run_id, id }: UnansweredCommand, outbox_id: string): Promise<boolean> {
      return (await runOne(db, REQUEUE_COMMAND, [run_id, id, outbox_id])) !== undefined;
    },
  };
}

export type ReconcileRepository = ReturnType<typeof reconcileRepository>;

const OPEN_RUNS = statement<OpenRun>(
  'reconcile_open_runs',
  `SELECT id, parent_run_id IS NOT NULL AND EXISTS (
     SELECT FROM run p WHERE p.id = r.parent_run_id AND p.ended_at <= clock_timestamp() - make_interval(secs => $2)
   ) AS orphaned
   FROM run r WHERE ended_at IS NULL AND executor = 'temporal' AND id > $1::uuid
     AND created_at <= clock_timestamp() - make_interval(secs => $2)
   ORDER BY id LIMIT $3`,
);

const DISAGREEING = statement<Disagreement>(
  'reconcile_disagreeing',
  `SELECT x.run_id, x.temporal_run_id, r.id IS NOT NULL AS known
   FROM unnest($1::uuid[], $2::uuid[]) AS x(run_id, temporal_run_id) LEFT JOIN run r ON r.id = x.run_id
   WHERE r.id IS NULL OR (r.temporal_run_id IS NOT NULL AND r.temporal_run_id <> x.temporal_run_id)`,
);

/** Not before its turn, and not past the run above it (flow control, children). */
const IS_TO_BE_STARTED = `r.parent_run_id IS NULL AND NOT ${IS_HELD}
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.run_id = r.id AND o.kind = 'start')`;
const HAS_NOT_BEGUN = `r.state = 'queued' AND r.started_at IS NULL AND r.journal_seq = 0 AND r.ended_at IS NULL`;

const UNSTARTED = statement<Unstarted>(
  'reconcile_unstarted',
  `SELECT CASE WHEN ${HAS_NOT_BEGUN} THEN r.state END AS state, NOT (${IS_TO_BE_STARTED}) AS somebody_starts_it
   FROM run r WHERE r.id = $1 AND r.ended_at IS NULL`,
);

const REQUEUE_START = statement<{ id: string }>(
  'reconcile_requeue_start',
  `INSERT INTO outbox (id, run_id, kind, next_attempt_at)
   SELECT $2::uuid, r.id, 'start', clock_timestamp() FROM run r WHERE r.id = $1 AND ${HAS_NOT_BEGUN} AND ${IS_TO_BE_STARTED}
   ON CONFLICT DO NOTHING RETURNING id`,
);

const LEFTOVERS = statement<{ run_id: string }>(
  'reconcile_leftovers',
  'SELECT o.run_id FROM outbox o JOIN run r ON r.id = o.run_id WHERE r.ended_at IS NOT NULL',
);

const REMOVE_LEFTOVERS = statement<{ run_id: string }>(
  'reconcile_remove_leftovers',
  'DELETE FROM outbox o USING run r WHERE r.id = o.run_id AND r.ended_at IS NOT NULL RETURNING o.run_id',
);

const IS_UNDELIVERED = `c.state IN ('queued', 'delivered')
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.run_id = c.run_id AND o.command_id = c.id)`;

const UNANSWERED = statement<UnansweredCommand>(
  'reconcile_unanswered',
  `SELECT c.run_id, c.id FROM run_command c JOIN run r ON r.id = c.run_id
   WHERE r.ended_at IS NULL AND r.executor = 'temporal' AND ${IS_UNDELIVERED}
     AND coalesce(c.delivered_at, c.issued_at) <= clock_timestamp() - make_interval(secs => $1)
     AND NOT (c.type = 'pause' AND (r.in_flight > 0
       OR EXISTS (SELECT FROM run k WHERE k.parent_run_id = r.id AND k.ended_at IS NULL)))
   ORDER BY c.run_id, c.seq LIMIT $2`,
);

// The time of delivery moves on, so that the command is not put back again before it had the time to be answered.
const REQUEUE_COMMAND = statement<{ id: string }>(
  'reconcile_requeue_command',
  `WITH r AS MATERIALIZED (
     SELECT id FROM run WHERE id = $1 AND ended_at IS NULL FOR UPDATE
   ), c AS (
     UPDATE run_command c SET delivered_at = clock_timestamp() FROM r WHERE c.run_id = r.id AND c.id = $2 AND ${IS_UNDELIVERED}
     RETURNING c.run_id, c.id
   )
   INSERT INTO outbox (id, run_id, kind, command_id, next_attempt_at)
   SELECT $3::uuid, run_id, 'command', id, clock_timestamp() FROM c RETURNING id`,
);
