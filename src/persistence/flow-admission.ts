import { BEAT, beatAfter, ID_FREE, IN_TURN, isDue, ROOM, roomUnder, WAITS } from './flow-gates.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL, type FlowKeys } from './run-journal.ts';
import type { RunRow } from './runs.ts';
import { run, runOne, statement, type Statement } from './statement.ts';

/** What runs wait at: a slot of a key, the beat of a rate, the end of the run that has a start id. */
export type GateKind = 'flow' | 'rate' | 'start';

export interface Gate {
  kind: GateKind;
  project_id: string;
  key: string;
  /** A start id is the workflow's own; null for the others, which a whole project shares. */
  workflow: string | null;
}

/** The gates a run with these keys passes. */
export function gatesIn({ project_id, workflow, flow_key, rate_key, start_id }: FlowKeys): Gate[] {
  return [
    ...(flow_key === null ? [] : [{ kind: 'flow', project_id, key: flow_key, workflow: null } as const]),
    ...(rate_key === null ? [] : [{ kind: 'rate', project_id, key: rate_key, workflow: null } as const]),
    ...(start_id === null ? [] : [{ kind: 'start', project_id, key: start_id, workflow } as const]),
  ];
}

export const gateName = ({ kind, project_id, key, workflow }: Gate): string =>
  JSON.stringify([project_id, kind, workflow, key]);

/** Waits for these gates and holds them to the end of the transaction. Always in the same order, so that nobody waits in a ring. */
export const lockGates = (tx: Db, gates: readonly Gate[]): Promise<void> =>
  lockNames(tx, gates.map(gateName));

/** The same for whatever has a name; everything in one call, because between two there is no order. */
export async function lockNames(tx: Db, names: readonly string[]): Promise<void> {
  await run(tx, LOCK, [names]);
}

/** Who of the waiting may start. */
export function admissionRepository(db: Db) {
  return {
    /** The first of those waiting at a gate who could go now; undefined when nobody can. */
    async next({ kind, project_id, key, workflow }: Gate): Promise<(FlowKeys & { id: string }) | undefined> {
      return runOne(db, NEXT[kind], kind === 'start' ? [project_id, key, workflow] : [project_id, key]);
    },

    /** Milliseconds until the next beat of a rate that somebody waits for: none when it is due or nobody does. */
    async untilBeat({ project_id, key }: Gate): Promise<number> {
      return Math.max(0, (await runOne(db, UNTIL_BEAT, [project_id, key]))?.ms ?? 0);
    },

    /**
     * Admits a run, if it may still go once its gates are held: the moment, its event, and the outbox item that starts
     * it, in one statement. Undefined when it may not.
     */
    async admit(candidate: FlowKeys & { id: string }, sweep_after: Date): Promise<RunRow | undefined> {
      return db.transaction(async (tx) => {
        // A statement of its own: the next one must see what the wait was for.
        await lockGates(tx, gatesIn(candidate));
        return runOne(tx, ADMIT, [candidate.id, sweep_after]);
      });
    },

    /** Notes what a run waits for, with how many are before it; undefined when it waits no more. */
    async noteWaiting(id: string): Promise<RunRow | undefined> {
      return runOne(db, NOTE_WAITING, [id]);
    },

    /** Gates that somebody waits at though there may be room: what a crash left, and rates. */
    async passable(limit: number): Promise<Gate[]> {
      return run(db, PASSABLE, [limit]);
    },
  };
}

export type AdmissionRepository = ReturnType<typeof admissionRepository>;

// A function of a key may collide with another's: then they wait for each other, and nothing else happens.
const LOCK = statement(
  'flow_lock',
  `SELECT pg_advisory_xact_lock(at) FROM (
    SELECT DISTINCT hashtextextended(name, 0) AS at FROM unnest($1::text[]) name ORDER BY at
  ) gates`,
);

const next = (kind: GateKind, condition: string): Statement<FlowKeys & { id: string }> =>
  statement(
    `flow_next_${kind}`,
    `SELECT r.id, r.project_id, r.workflow, r.flow_key, r.rate_key, r.start_id FROM run r
     WHERE r.project_id = $1 AND ${WAITS} AND ${condition} ORDER BY ${IN_TURN} LIMIT 1`,
  );

// What is the same for all that wait at the gate is asked once, before any of them is looked at.
const LAST_BEAT = '(SELECT max(b.rate_slot) FROM run b WHERE b.project_id = $1 AND b.rate_key = $2)';

const NEXT: Readonly<Record<GateKind, Statement<FlowKeys & { id: string }>>> = {
  flow: next(
    'flow',
    `r.flow_key = $2 AND (SELECT ${roomUnder('$1', '$2')}) AND ${ID_FREE} AND ${isDue(BEAT)}`,
  ),
  rate: next('rate', `r.rate_key = $2 AND ${isDue(beatAfter(LAST_BEAT))} AND ${ID_FREE} AND ${ROOM}`),
  start: next('start', `r.workflow = $3 AND r.start_id = $2 AND ${ID_FREE} AND ${ROOM} AND ${isDue(BEAT)}`),
};

const UNTIL_BEAT = statement<{ ms: number | null }>(
  'flow_until_beat',
  `SELECT 1000 * extract(epoch FROM ${beatAfter(LAST_BEAT)} - clock_timestamp())::float8 AS ms FROM run r
   WHERE r.project_id = $1 AND r.rate_key = $2 AND ${WAITS} ORDER BY ${IN_TURN} LIMIT 1`,
);

// A start that comes late keeps the beat, so that the rate is kept on the whole; after a longer rest the beat begins
// anew, so that no burst is saved up. The item has the run's id: it must go before every command of the run.
const ADMIT = statement<RunRow>(
  'flow_admit',
  `WITH may AS MATERIALIZED (
    SELECT r.id, CASE WHEN r.rate_key IS NULL THEN NULL
      WHEN beat.at >= clock_timestamp() - interval '100 milliseconds' THEN beat.at ELSE clock_timestamp() END AS slot
    FROM run r CROSS JOIN LATERAL (SELECT ${BEAT} AS at) beat
    WHERE r.id = $1 AND ${WAITS} AND ${ROOM} AND ${ID_FREE} AND ${isDue('beat.at')}
    FOR UPDATE OF r
  ), r AS (
    UPDATE run SET admitted_at = clock_timestamp(), rate_slot = may.slot, last_event_seq = last_event_seq + 1
    FROM may WHERE run.id = may.id RETURNING run.*
  ), event AS (
    INSERT INTO run_event (run_id, seq, type, data)
    SELECT id, last_event_seq, 'run.admitted', json_build_object(
      'waited_ms', round(1000 * extract(epoch FROM admitted_at - created_at))) FROM r
  ), item AS (
    INSERT INTO outbox (id, run_id, kind, next_attempt_at) SELECT id, id, 'start', $2::timestamptz FROM r
  ), commands AS (
    UPDATE outbox o SET next_attempt_at = clock_timestamp() FROM r WHERE o.run_id = r.id AND o.kind = 'command'
  )
  SELECT * FROM r WHERE pg_notify('${RUN_CHANNEL}', id || ':' || last_event_seq)::text IS NOT NULL`,
);

const before = (key: string): string => `(
  SELECT count(*) FROM run r WHERE r.project_id = w.project_id AND r.${key} = w.${key} AND ${WAITS}
    AND (r.priority, r.created_at, r.id) < (w.priority, w.created_at, w.id))`;

const NOTE_WAITING = statement<RunRow>(
  'flow_note_waiting',
  `WITH w AS (
    UPDATE run r SET last_event_seq = last_event_seq + 1 WHERE r.id = $1 AND ${WAITS} RETURNING *
  ), event AS (
    INSERT INTO run_event (run_id, seq, type, data)
    SELECT id, last_event_seq, 'run.waiting', json_strip_nulls(json_build_object(
      'concurrency', CASE WHEN flow_key IS NOT NULL THEN
        json_build_object('key', flow_key, 'limit', flow_limit, 'ahead', ${before('flow_key')}) END,
      'rate_limit', CASE WHEN rate_key IS NOT NULL THEN
        json_build_object('key', rate_key, 'per_second', rate_per_second, 'ahead', ${before('rate_key')}) END,
      'start_policy', CASE WHEN start_id IS NOT NULL THEN json_build_object('id', start_id) END))
    FROM w
  )
  SELECT * FROM w WHERE pg_notify('${RUN_CHANNEL}', id || ':' || last_event_seq)::text IS NOT NULL`,
);

const PASSABLE = statement<Gate>(
  'flow_passable',
  `SELECT 'flow' AS kind, project_id, flow_key AS key, NULL AS workflow FROM (
     SELECT DISTINCT r.project_id, r.flow_key FROM run r WHERE r.flow_key IS NOT NULL AND ${WAITS}
   ) f WHERE ${roomUnder('f.project_id', 'f.flow_key')}
   UNION ALL SELECT DISTINCT 'rate', r.project_id, r.rate_key, NULL FROM run r WHERE r.rate_key IS NOT NULL AND ${WAITS}
   UNION ALL SELECT DISTINCT 'start', r.project_id, r.start_id, r.workflow FROM run r
     WHERE r.start_id IS NOT NULL AND ${WAITS} AND ${ID_FREE}
   LIMIT $1`,
);
