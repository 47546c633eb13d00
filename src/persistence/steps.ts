import { and, asc, eq, sql } from 'drizzle-orm';
import type { Json, JsonObject } from '../contract/json.ts';
import type { StepError, StepKey, StepState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { step } from './schema/runs.ts';
import { run, runOne, statement } from './statement.ts';

export type StepRow = typeof step.$inferSelect;

/** A step's place: run, epoch and key. */
export interface StepAddress extends StepKey {
  run_id: string;
  epoch: number;
}

export interface StepEnd {
  state: Extract<StepState, 'succeeded' | 'failed' | 'cancelled'>;
  output?: Json;
  output_ref?: string | null;
  output_hash: string | null;
  error: StepError | null;
  cause: string | null;
}

export interface StepPosition extends StepKey {
  started_at: string;
}

export type StepMark = Pick<StepRow, 'node' | 'item' | 'attempt' | 'state' | 'output_hash'>;
export type StepValue = Pick<StepRow, 'node' | 'state' | 'output' | 'output_ref' | 'error'>;
export type EndedStep = Pick<StepRow, 'state' | 'output' | 'output_ref' | 'error' | 'cause'>;

/** Steps that an activity records itself: one statement at its start and one at its end. */
export function stepRepository(db: Db) {
  return {
    /**
     * Marks an attempt as running and says so in the event log, once. Answers the row as it stands then: one that has
     * ended was carried out before, and must not be again; `undefined` for a run that has ended.
     */
    async begin(at: StepAddress, agent_id: string): Promise<EndedStep | undefined> {
      const data = JSON.stringify({ node: at.node, attempt: at.attempt, agent_id });
      return runOne(db, BEGIN, [...keyOf(at), agent_id, data]);
    },

    /** Writes how an attempt ended and its event, once. False when it had ended before, or the run has. */
    async end(at: StepAddress, end: StepEnd): Promise<boolean> {
      const { state, output, output_ref = null, output_hash, error, cause } = end;
      const data: JsonObject = {
        node: at.node,
        attempt: at.attempt,
        ...(error ? { error: { ...error } } : {}),
      };
      const values = [state, jsonText(output), output_ref, output_hash, jsonText(error ?? undefined), cause];
      return (
        (await run(db, FINISH, [...keyOf(at), ...values, `step.${state}`, JSON.stringify(data)])).length === 1
      );
    },

    /** Adds an event of a step that goes on (its output); nothing for a run that has ended. */
    async note(run_id: string, type: string, data: JsonObject): Promise<void> {
      await run(db, NOTE, [run_id, type, JSON.stringify(data)]);
    },

    /** How the newest attempt of every node ended, without what it gave. */
    async marks(run_id: string, epoch: number): Promise<StepMark[]> {
      return run(db, MARKS, [run_id, epoch]);
    },

    /** What the newest attempt of each of the named nodes gave. */
    async values(run_id: string, epoch: number, nodes: string[] | 'all'): Promise<StepValue[]> {
      return run(db, VALUES, [run_id, epoch, nodes === 'all' ? null : nodes]);
    },

    /** In the order they began; `after` is the last row of the page before. */
    async list(run_id: string, limit: number, after: StepPosition | undefined): Promise<StepRow[]> {
      // Dates lose what is below a millisecond: the order must not know more than a cursor can carry.
      const began = sql`date_trunc('milliseconds', ${step.started_at})`;
      const beyond =
        after &&
        sql`(${began}, ${step.node}, ${step.item}, ${step.attempt})
        > (${after.started_at}::timestamptz, ${after.node}, ${after.item}, ${after.attempt})`;
      return db
        .select()
        .from(step)
        .where(and(eq(step.run_id, run_id), beyond))
        .orderBy(began, asc(step.node), asc(step.item), asc(step.attempt))
        .limit(limit);
    },
  };
}

export type StepRepository = ReturnType<typeof stepRepository>;

const keyOf = (at: StepAddress): unknown[] => [at.run_id, at.epoch, at.node, at.item, at.attempt];

function jsonText(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

const AT_KEY = 'run_id = $1 AND epoch = $2 AND node = $3 AND item = $4 AND attempt = $5';

// The run's row is locked first everywhere, so that a step and the journal never wait for each other.
const LOCKED = 'locked AS MATERIALIZED (SELECT id FROM run WHERE id = $1 AND ended_at IS NULL FOR UPDATE)';

/** The next event of the run, if the part named `cause` changed something. */
const noted = (cause: string, type: string, data: string, set = '') => `counted AS (
    UPDATE run SET last_event_seq = last_event_seq + 1${set} WHERE id = (SELECT run_id FROM ${cause}) RETURNING id, last_event_seq
  ), noted AS (
    INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, ${type}, ${data}::json FROM counted
  )`;

const ANNOUNCED = `(SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_event_seq)::text FROM counted)`;
const ENDED_COLUMNS = 'state, output, output_ref, error, cause';

const BEGIN = statement<EndedStep>(
  'step_begin',
  `WITH ${LOCKED}, began AS (
    INSERT INTO step (run_id, epoch, node, item, attempt, state, agent_id, started_at)
    SELECT id, $2, $3, $4, $5, 'running', $6, clock_timestamp() FROM locked
    ON CONFLICT DO NOTHING
    RETURNING run_id, ${ENDED_COLUMNS}
  ), ${noted('began', `'step.started'`, '$7', ', current_step = $3')}
  SELECT ${ENDED_COLUMNS}, ${ANNOUNCED} FROM began
  UNION ALL
  SELECT ${ENDED_COLUMNS}, NULL FROM step WHERE ${AT_KEY}`,
);

const FINISH = statement(
  'step_end',
  `WITH ${LOCKED}, ended AS (
    UPDATE step SET state = $6, output = $7::json, output_ref = $8, output_hash = $9, error = $10::json, cause = $11,
      ended_at = clock_timestamp()
    FROM locked WHERE run_id = locked.id AND ${AT_KEY} AND state IN ('pending', 'running', 'waiting')
    RETURNING run_id
  ), ${noted('ended', '$12', '$13')}
  SELECT ${ANNOUNCED} FROM ended`,
);

const newest = (columns: string, filter = '') => `SELECT DISTINCT ON (node, item) ${columns} FROM step
  WHERE run_id = $1 AND epoch = $2${filter} ORDER BY node, item, attempt DESC`;

const MARKS = statement<StepMark>('step_marks', newest('node, item, attempt, state, output_hash'));

const VALUES = statement<StepValue>(
  'step_values',
  newest('node, state, output, output_ref, error', ' AND ($3::text[] IS NULL OR node = ANY ($3))'),
);

const NOTE = statement(
  'step_note',
  `WITH going AS MATERIALIZED (SELECT id AS run_id FROM run WHERE id = $1 AND ended_at IS NULL FOR UPDATE),
  ${noted('going', '$2', '$3')}
  SELECT ${ANNOUNCED} FROM going`,
);
