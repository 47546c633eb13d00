import type { StepState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { runOne, statement } from './statement.ts';

export interface SlowStep {
  node: string;
  /** Place in the list of a map; null outside of one. */
  item: number | null;
  attempt: number;
  state: StepState;
  duration_ms: number;
}

/** How a run has spent its time so far, by the database's clock. */
export interface RunFigures {
  /** From its start by the caller to its first task. */
  queued_ms: number;
  /** Since its first task; null before it. */
  duration_ms: number | null;
  /** What its steps took, one added to the other; those it took over from another run left out. */
  busy_ms: number;
  /** Steps, items of maps among them, by how their newest attempt stands. */
  steps: Partial<Record<StepState, number>>;
  attempts: number;
  /** Attempts beyond the first of their step. */
  retries: number;
  /** Steps taken over from the run it was forked from. */
  reused: number;
  events: number;
  slowest: SlowStep[];
}

const SLOWEST = 5;

/** Undefined for a run that does not exist. */
export async function figuresOf(db: Db, run_id: string): Promise<RunFigures | undefined> {
  return runOne(db, FIGURES, [run_id, SLOWEST]);
}

const millis = (from: string, to: string) => `round(extract(epoch FROM ${to} - ${from}) * 1000)::float8`;

const FIGURES = statement<RunFigures>(
  'run_figures',
  `WITH r AS MATERIALIZED (
    SELECT *, coalesce(ended_at, statement_timestamp()) AS until FROM run WHERE id = $1
  ), attempts AS MATERIALIZED (
    SELECT s.node, s.item, s.attempt, s.state, s.reused_from IS NULL AS is_own,
      ${millis('s.started_at', 'coalesce(s.ended_at, r.until)')} AS ms,
      row_number() OVER (PARTITION BY s.node, s.item ORDER BY s.epoch DESC, s.attempt DESC) = 1 AS is_newest
    FROM step s JOIN r ON s.run_id = r.id
  )
  SELECT ${millis('r.created_at', 'coalesce(r.started_at, r.until)')} AS queued_ms,
    ${millis('r.started_at', 'r.until')} AS duration_ms,
    coalesce((SELECT sum(ms) FROM attempts WHERE is_own), 0) AS busy_ms,
    (SELECT coalesce(json_object_agg(state, n), '{}') FROM
      (SELECT state, count(*) AS n FROM attempts WHERE is_newest GROUP BY state) AS each) AS steps,
    (SELECT count(*)::int FROM attempts WHERE is_own) AS attempts,
    (SELECT (count(*) - count(*) FILTER (WHERE is_newest))::int FROM attempts WHERE is_own) AS retries,
    (SELECT count(*)::int FROM attempts WHERE is_newest AND NOT is_own) AS reused,
    r.last_event_seq AS events,
    (SELECT coalesce(json_agg(slow), '[]') FROM
      (SELECT node, nullif(item, -1) AS item, attempt, state, ms AS duration_ms FROM attempts
       WHERE is_own AND ms IS NOT NULL ORDER BY ms DESC, node, item, attempt LIMIT $2) AS slow) AS slowest
  FROM r`,
);
