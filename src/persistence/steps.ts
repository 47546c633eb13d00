import { and, asc, eq, sql, type SQL } from 'drizzle-orm';
import type { Json, JsonObject } from '../contract/json.ts';
import type { StepError, StepKey, StepState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { step } from './schema/runs.ts';
import { run, runOne, statement } from './statement.ts';

export type StepRow = typeof step.$inferSelect;

/** A step's place in the epoch its run is in. */
export interface StepAddress extends StepKey {
  run_id: string;
  /** The execution that carries it out; nothing is written for one that has been replaced. */
  temporal_run_id?: string;
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
  /** Null: not begun. */
  started_at: Date | null;
}

export type StepMark = Pick<StepRow, 'node' | 'item' | 'attempt' | 'state' | 'output_hash'>;
export type StepValue = Pick<StepRow, 'node' | 'state' | 'output' | 'output_ref' | 'error'>;
export type EndedStep = Pick<StepRow, 'state' | 'output' | 'output_ref' | 'error' | 'cause'>;

/** Steps that an activity records itself: one statement at its start and one at its end. */
export function stepRepository(db: Db) {
  return {
    /**
     * Marks an attempt as running and says so in the event log, once. Answers the row as it stands then: one that has
     * ended was carried out before, and must not be again; `undefined` for a run that has ended or has another execution.
     */
    async begin(
      at: StepAddress,
      agent_id: string | null,
      about: JsonObject = {},
    ): Promise<EndedStep | undefined> {
      const data = JSON.stringify({ ...placeOf(at), ...(agent_id ? { agent_id } : {}), ...about });
      return runOne(db, BEGIN, [...keyOf(at), agent_id, data]);
    },

    /** Writes how an attempt ended and its event, once. False when it had ended before, or the run has, or it is another's. */
    async end(at: StepAddress, end: StepEnd): Promise<boolean> {
      const { state, output, output_ref = null, output_hash, error, cause } = end;
      const data: JsonObject = { ...placeOf(at), ...(error ? { error: { ...error } } : {}) };
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
    async marks(run_id: string): Promise<StepMark[]> {
      return run(db, MARKS, [run_id]);
    },

    /** What the newest attempt of each of the named nodes gave. */
    async values(run_id: string, nodes: string[] | 'all'): Promise<StepValue[]> {
      return run(db, VALUES, [run_id, nodes === 'all' ? null : nodes]);
    },

    /** The blob a step keeps its input in. */
    async input(run_id: string, node: string): Promise<string | null> {
      return (await runOne(db, INPUT, [run_id, node]))?.input_ref ?? null;
    },

    /** The list a map works on, kept with its step. */
    async keepInput(run_id: string, node: string, input_ref: string): Promise<void> {
      await run(db, KEEP_INPUT, [run_id, node, input_ref]);
    },

    /** What the newest attempt of each item of a map gave. */
    async items(run_id: string, node: string): Promise<(StepValue & { item: number })[]> {
      return run(db, ITEMS, [run_id, node]);
    },

    /** In the order they began; `after` is the last row of the page before. */
    async list(run_id: string, limit: number, after: StepPosition | undefined): Promise<StepRow[]> {
      // Dates lose what is below a millisecond: the order must not know more than a cursor can carry.
      const began = inOrder(sql`date_trunc('milliseconds', ${step.started_at})`);
      const beyond =
        after &&
        sql`(${began}, ${step.node}, ${step.item}, ${step.attempt})
        > (${inOrder(sql`${after.started_at}::timestamptz`)}, ${after.node}, ${after.item}, ${after.attempt})`;
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

const inOrder = (began: SQL) => sql`coalesce(${began}, 'infinity')`;

const keyOf = (at: StepAddress): unknown[] => [
  at.run_id,
  at.temporal_run_id ?? null,
  at.node,
  at.item,
  at.attempt,
];

/** What a step's events say about where it belongs. */
const placeOf = ({ node, item, attempt }: StepAddress): JsonObject =>
  item < 0 ? { node, attempt } : { node, item, attempt };

function jsonText(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

const AT_KEY = 's.node = $3 AND s.item = $4 AND s.attempt = $5';
/** The execution that writes is the run's, as far as both are known. */
const IS_ITS_OWN = 'coalesce(temporal_run_id = $2::uuid, true)';

// The run's row is locked first everywhere, so that a step and the journal never wait for each other.
const LOCKED = `locked AS MATERIALIZED (
    SELECT id, epoch FROM run WHERE id = $1 AND ended_at IS NULL AND ${IS_ITS_OWN} FOR UPDATE
  )`;

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
    SELECT id, epoch, $3, $4, $5, 'running', $6, clock_timestamp() FROM locked
    ON CONFLICT DO NOTHING
    RETURNING run_id, ${ENDED_COLUMNS}
  ), ${noted('began', `'step.started'`, '$7', ', current_step = $3')}
  SELECT ${ENDED_COLUMNS}, ${ANNOUNCED} FROM began
  UNION ALL
  SELECT ${ENDED_COLUMNS}, NULL FROM step s
  WHERE s.run_id = $1 AND s.epoch = (SELECT epoch FROM run WHERE id = $1 AND ${IS_ITS_OWN}) AND ${AT_KEY}`,
);

const FINISH = statement(
  'step_end',
  `WITH ${LOCKED}, ended AS (
    UPDATE step s SET state = $6, output = $7::json, output_ref = $8, output_hash = $9, error = $10::json, cause = $11,
      ended_at = clock_timestamp()
    FROM locked WHERE s.run_id = locked.id AND s.epoch = locked.epoch AND ${AT_KEY}
      AND s.state IN ('pending', 'running', 'waiting')
    RETURNING s.run_id
  ), ${noted('ended', '$12', '$13')}
  SELECT ${ANNOUNCED} FROM ended`,
);

// What was done before a reset still holds where the run has not gone another way since.
const newest = (columns: string, filter = '') => `SELECT DISTINCT ON (node, item) ${columns} FROM step
  WHERE run_id = $1${filter} ORDER BY node, item, epoch DESC, attempt DESC`;

const MARKS = statement<StepMark>('step_marks', newest('node, item, attempt, state, output_hash'));

const VALUES = statement<StepValue>(
  'step_values',
  newest(
    'node, state, output, output_ref, error',
    ' AND item < 0 AND ($2::text[] IS NULL OR node = ANY ($2))',
  ),
);

const ITEMS = statement<StepValue & { item: number }>(
  'step_items',
  newest('node, item, state, output, output_ref, error', ' AND item >= 0 AND node = $2'),
);

const INPUT = statement<{ input_ref: string | null }>(
  'step_input',
  'SELECT input_ref FROM step WHERE run_id = $1 AND node = $2 AND item < 0 ORDER BY epoch DESC LIMIT 1',
);

const KEEP_INPUT = statement(
  'step_keep_input',
  `UPDATE step s SET input_ref = $3 FROM run r
   WHERE r.id = $1 AND s.run_id = r.id AND s.epoch = r.epoch AND s.node = $2 AND s.item < 0`,
);

const NOTE = statement(
  'step_note',
  `WITH going AS MATERIALIZED (SELECT id AS run_id FROM run WHERE id = $1 AND ended_at IS NULL FOR UPDATE),
  ${noted('going', '$2', '$3')}
  SELECT ${ANNOUNCED} FROM going`,
);
