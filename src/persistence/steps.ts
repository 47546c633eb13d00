import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm';
import type { Json, JsonObject } from '../contract/json.ts';
import type { StepError, StepKey, StepState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { step } from './schema/runs.ts';

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
  logs_ref?: string | null;
}

export interface StepPosition extends StepKey {
  started_at: string;
}

export type EndedStep = Pick<StepRow, 'state' | 'output' | 'output_ref' | 'error' | 'cause'>;

/** Steps that an activity records itself: one statement at its start and one at its end. */
export function stepRepository(db: Db) {
  return {
    /**
     * Marks an attempt as running and says so in the event log, once. Answers the row that was there before,
     * so that an activity that comes again after its end was committed does not work twice; `undefined` for a run
     * that has ended.
     */
    async begin(at: StepAddress, agent_id: string): Promise<EndedStep | undefined> {
      const data = JSON.stringify({ node: at.node, attempt: at.attempt, agent_id });
      const result = await db.execute<EndedStep & Record<string, unknown>>(sql`
        WITH locked AS MATERIALIZED (
          SELECT id FROM run WHERE id = ${at.run_id}::uuid AND ended_at IS NULL FOR UPDATE
        ), began AS (
          INSERT INTO step (run_id, epoch, node, item, attempt, state, agent_id, started_at)
          SELECT id, ${at.epoch}, ${at.node}, ${at.item}, ${at.attempt}, 'running', ${agent_id}, clock_timestamp() FROM locked
          ON CONFLICT DO NOTHING
          RETURNING run_id, state, output, output_ref, error, cause
        ), ${noteEvent('began', 'step.started', data, at.node)}
        SELECT state, output, output_ref, error, cause, ${announced()} FROM began
        UNION ALL
        SELECT state, output, output_ref, error, cause, NULL FROM step WHERE ${isAt(at)}`);
      return result.rows[0];
    },

    /** Writes how an attempt ended and its event, once. False when it had ended before, or the run has. */
    async end(at: StepAddress, end: StepEnd): Promise<boolean> {
      const data: JsonObject = { node: at.node, attempt: at.attempt };
      if (end.error) data.error = { ...end.error };
      const output = end.output === undefined ? null : JSON.stringify(end.output);
      const error = end.error ? JSON.stringify(end.error) : null;
      const result = await db.execute(sql`
        WITH locked AS MATERIALIZED (
          SELECT id FROM run WHERE id = ${at.run_id}::uuid AND ended_at IS NULL FOR UPDATE
        ), ended AS (
          UPDATE step SET state = ${end.state}, output = ${output}::json, output_ref = ${end.output_ref ?? null},
            output_hash = ${end.output_hash}, error = ${error}::json, cause = ${end.cause}, logs_ref = ${end.logs_ref ?? null},
            ended_at = clock_timestamp()
          FROM locked WHERE run_id = locked.id AND ${isAt(at)} AND state IN ('pending', 'running', 'waiting')
          RETURNING run_id
        ), ${noteEvent('ended', `step.${end.state}`, JSON.stringify(data), null)}
        SELECT ${announced()} FROM ended`);
      return result.rowCount === 1;
    },

    /** Adds an event of a step that goes on (its output); nothing for a run that has ended. */
    async note(run_id: string, type: string, data: JsonObject): Promise<void> {
      await db.execute(sql`
        WITH going AS (SELECT id AS run_id FROM run WHERE id = ${run_id}::uuid AND ended_at IS NULL FOR UPDATE),
        ${noteEvent('going', type, JSON.stringify(data), null)}
        SELECT ${announced()} FROM going`);
    },

    /** The newest attempt of each of the named nodes. */
    async latest(run_id: string, epoch: number, nodes: string[] | 'all'): Promise<StepRow[]> {
      const named = nodes === 'all' ? undefined : inArray(step.node, nodes);
      return db
        .selectDistinctOn([step.node, step.item])
        .from(step)
        .where(and(eq(step.run_id, run_id), eq(step.epoch, epoch), named))
        .orderBy(step.node, step.item, desc(step.attempt));
    },

    /** In the order they began; `after` is the last row of the page before. */
    async list(run_id: string, limit: number, after: StepPosition | undefined): Promise<StepRow[]> {
      // Dates lose what is below a millisecond: the order must not know more than a cursor can carry.
      const began = sql`date_trunc('milliseconds', ${step.started_at})`;
      const beyond = after && sql`(${began}, ${step.node}, ${step.item}, ${step.attempt})
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

function isAt(at: StepAddress) {
  return sql`run_id = ${at.run_id}::uuid AND epoch = ${at.epoch} AND node = ${at.node} AND item = ${at.item} AND attempt = ${at.attempt}`;
}

/** The next event of the run, if the part named `cause` changed something. */
function noteEvent(cause: 'began' | 'ended' | 'going', type: string, data: string, current_step: string | null) {
  return sql`counted AS (
      UPDATE run SET last_event_seq = last_event_seq + 1, current_step = coalesce(${current_step}, current_step)
      WHERE id = (SELECT run_id FROM ${sql.raw(cause)}) RETURNING id, last_event_seq
    ), noted AS (
      INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, ${type}, ${data}::json FROM counted
    )`;
}

function announced() {
  return sql`(SELECT pg_notify(${RUN_CHANNEL}, id || ':' || last_event_seq) FROM counted)`;
}
