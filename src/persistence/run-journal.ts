import type { JournalFlush, StepRecord } from '../contract/journal.ts';
import type { RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import type { RunRow } from './runs.ts';
import { closeEnded, closing } from './run-closing.ts';
import { run, runOne, statement } from './statement.ts';

/** The name runs' news goes out under; the payload is `<run id>:<last seq>`, and `:end` after it for the last. */
export const RUN_CHANNEL = 'orchestrator_run';

/** Where a run has its place among others; all null for one that nothing holds back. */
export type FlowKeys = Pick<RunRow, 'project_id' | 'workflow' | 'flow_key' | 'rate_key' | 'start_id'>;

/** The artifact a run leaves at its end. */
export interface SnapshotRow {
  artifact_id: string;
  cas_id: string;
  content: Buffer;
}

export interface EndRow {
  state: RunState;
  output: string | null;
  output_ref: string | null;
  error: string | null;
  reason: string | null;
  snapshot: SnapshotRow;
}

export interface HashedStep extends StepRecord {
  output_hash: string | null;
}

/** A flush, and the Temporal execution that sends it. */
export interface SentFlush extends JournalFlush {
  temporal_run_id: string | null;
  /** Of a workflow task that was done again; what was written before is not among its entries. */
  retells?: boolean;
}

/**
 * Writes what a run's workflow noted, in one statement each. Nothing is written, and the answer is false, when it was
 * before, when the run has ended, when another execution has the run, or when the run is not in the state that the first
 * change comes from.
 */
export interface RunJournalRepository {
  /** One statement. */
  flush(flush: SentFlush, steps: HashedStep[]): Promise<boolean>;
  /**
   * One statement: the last flush, the outcome, the snapshot, and the end of every command still open; one more when
   * somebody else wrote the run meanwhile. Answers where others may have waited for this end; undefined when nothing was
   * written.
   */
  end(flush: SentFlush, steps: HashedStep[], end: EndRow): Promise<FlowKeys | undefined>;
  /** Which of these keys of entries (`domain/rules/retelling`) the run's events have, in its present epoch. */
  told(run_id: string, keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** Calls `work` in a transaction during which nobody else writes the run; `row` is the run as it is then. */
  locked<T>(
    run_id: string,
    work: (journal: RunJournalRepository, row: RunRow | undefined) => Promise<T>,
  ): Promise<T>;
}

export function runJournalRepository(db: Db): RunJournalRepository {
  return {
    flush: async (flush, steps) => (await run(db, FLUSH, flushValues(flush, steps))).length === 1,
    async end(flush, steps, end) {
      const ended = await runOne(db, END, [...flushValues(flush, steps), ...endValues(flush, steps, end)]);
      // Nothing written: perhaps it was before, by a process that came no further.
      if (!ended || ended.is_raced) await closeEnded(db, flush.run_id);
      return ended;
    },
    told: async (run_id, keys) => new Set((await run(db, TOLD, [run_id, keys])).map(({ key }) => key)),
    locked: (run_id, work) =>
      db.transaction(async (tx) => work(runJournalRepository(tx), await runOne(tx, LOCK, [run_id]))),
  };
}

const LOCK = statement<RunRow>('run_journal_lock', 'SELECT * FROM run WHERE id = $1 FOR UPDATE');

/** The parts both statements share; their parameters are those of `flushValues`, in its order. */
const journalParts = (more_columns: string) => `
  r AS (
    UPDATE run SET last_event_seq = last_event_seq + $4, journal_seq = $3, state = coalesce($5, state), journal_history = $36,
      journal_retold = greatest(journal_retold, CASE WHEN $37 THEN journal_seq END),
      progress_done = $6, progress_total = $7, in_flight = $8, current_step = coalesce($9, current_step),
      started_at = coalesce(started_at, to_timestamp($10::float8 / 1000)),
      temporal_run_id = coalesce($33::uuid, temporal_run_id), params = coalesce($35::json, params)${more_columns}
    WHERE id = $1 AND CASE WHEN $37 THEN journal_seq < $3 OR journal_history < $36 ELSE journal_seq < $3 AND journal_retold = 0 END
      AND ended_at IS NULL AND coalesce(temporal_run_id = $33::uuid, true)
      AND coalesce(state = $2, true)
    RETURNING id, epoch, project_id, artifact_id, workflow, flow_key, rate_key, start_id, last_event_seq, last_event_seq - $4 AS base
  ), events AS (
    INSERT INTO run_event (run_id, seq, type, time, data)
    SELECT r.id, r.base + x.ord, x.type, to_timestamp(x.at_ms / 1000), x.data
    FROM r, unnest($11::text[], $12::float8[], $13::json[]) WITH ORDINALITY AS x(type, at_ms, data, ord)
  ), transitions AS (
    INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor, reason, at)
    SELECT r.id, r.base + x.ord, x.from_state, x.to_state, x.actor, x.reason, to_timestamp(x.at_ms / 1000)
    FROM r, unnest($14::int[], $15::text[], $16::text[], $17::text[], $18::text[], $19::float8[])
      AS x(ord, from_state, to_state, actor, reason, at_ms)
  ), steps AS (
    INSERT INTO step (run_id, epoch, node, item, attempt, state, output, output_hash, error, cause, started_at, ended_at)
    SELECT r.id, r.epoch, x.node, x.item, x.attempt, x.state, x.output, x.output_hash, x.error, x.cause,
      to_timestamp(x.started_ms / 1000), to_timestamp(x.ended_ms / 1000)
    FROM r, unnest($20::text[], $21::int[], $22::int[], $23::text[], $24::json[], $25::text[], $26::json[], $27::text[],
      $28::float8[], $29::float8[])
      AS x(node, item, attempt, state, output, output_hash, error, cause, started_ms, ended_ms)
    ON CONFLICT (run_id, epoch, node, item, attempt) DO UPDATE SET
      state = excluded.state, output = coalesce(excluded.output, step.output),
      output_hash = coalesce(excluded.output_hash, step.output_hash), error = excluded.error, cause = excluded.cause,
      started_at = coalesce(step.started_at, excluded.started_at), ended_at = excluded.ended_at
  ), commands AS (
    UPDATE run_command c SET state = x.state, reason = coalesce(x.reason, c.reason), applied = x.applied,
      delivered_at = coalesce(c.delivered_at, clock_timestamp()), acknowledged_at = clock_timestamp()
    FROM r, unnest($30::text[], $31::text[], $32::text[], $34::json[]) AS x(id, state, reason, applied)
    WHERE c.run_id = r.id AND c.id = x.id AND c.state IN ('queued', 'delivered')
  ), started AS (
    DELETE FROM outbox o USING r WHERE o.run_id = r.id AND o.kind = 'start'
  )`;

/** Wakes whoever follows the run; no row when the flush was dropped. */
const ANNOUNCE = `SELECT pg_notify('${RUN_CHANNEL}', r.id || ':' || r.last_event_seq) FROM r`;

/**
 * The same, with what the run had a place at. A statement that waited for the run's row has the newest row, and of other
 * tables what there was before it waited: a command accepted meanwhile is not seen, but has counted an event.
 */
const ANNOUNCE_END = `SELECT r.project_id, r.workflow, r.flow_key, r.rate_key, r.start_id,
    r.base <> (SELECT last_event_seq FROM run WHERE id = $1) AS is_raced,
    pg_notify('${RUN_CHANNEL}', r.id || ':' || r.last_event_seq || ':end')::text FROM r`;

const FLUSH = statement('run_journal_flush', `WITH ${journalParts('')} ${ANNOUNCE}`);

const END = statement<FlowKeys & { is_raced: boolean }>(
  'run_journal_end',
  `WITH ${journalParts(`,
      output = $38::json, output_ref = $39, error = $40::json, reason = $41, snapshot_id = $42::uuid,
      ended_at = clock_timestamp()`)}, blob AS (
    INSERT INTO cas_blob (cas_id, size_bytes, content)
    SELECT $43, $44, $45 FROM r ON CONFLICT DO NOTHING
  ), granted AS (
    INSERT INTO blob_grant (project_id, cas_id, media_type) SELECT r.project_id, $43, 'application/json' FROM r ON CONFLICT DO NOTHING
  ), snapshot AS (
    INSERT INTO artifact (id, project_id, kind, cas_id, plan_hash, created_by)
    SELECT $42::uuid, r.project_id, 'run_snapshot', $43, coalesce(a.plan_hash, a.version_hash), 'engine'
    FROM r JOIN artifact a ON a.id = r.artifact_id
  ), ${closing('$46', '$47')} ${ANNOUNCE_END}`,
);

const ENTRY_KEY = `concat_ws('|', CASE WHEN type LIKE 'command.%' THEN 'command' ELSE type END,
    data->>'id', data->>'node', data->>'item', data->>'attempt', data->>'by')`;

const TOLD = statement<{ key: string }>(
  'run_journal_told',
  `SELECT DISTINCT ${ENTRY_KEY} AS key FROM run_event
   WHERE run_id = $1 AND type <> 'command.queued' AND ${ENTRY_KEY} = ANY ($2::text[])
     AND seq > coalesce((SELECT max(seq) FROM run_event WHERE run_id = $1 AND type = 'run.reset'), 0)`,
);

function flushValues(flush: SentFlush, steps: HashedStep[]): unknown[] {
  const { entries } = flush;
  const changes = entries.flatMap((e, index) =>
    e.change ? [{ ...e.change, ord: index + 1, at_ms: e.at_ms }] : [],
  );
  const commands = entries.flatMap((e) => (e.command ? [e.command] : []));
  return [
    flush.run_id,
    changes[0]?.from ?? null,
    flush.seq,
    entries.length,
    changes.at(-1)?.to ?? null,
    flush.done,
    flush.total,
    flush.in_flight,
    flush.current_step,
    changes.find((change) => change.to === 'running')?.at_ms ?? null,
    ...columns(
      entries,
      (e) => e.event,
      (e) => e.at_ms,
      (e) => JSON.stringify(e.data),
    ),
    ...columns(
      changes,
      (c) => c.ord,
      (c) => c.from,
      (c) => c.to,
      (c) => c.actor,
      (c) => c.reason ?? null,
      (c) => c.at_ms,
    ),
    ...stepColumns(steps),
    ...columns(
      commands,
      (c) => c.id,
      (c) => c.state,
      (c) => c.reason ?? null,
    ),
    flush.temporal_run_id,
    commands.map(({ tuned }) => json(tuned && { ...tuned })),
    json(commands.findLast(({ tuned }) => tuned)?.tuned?.params),
    flush.history_length ?? 0,
    flush.retells ?? false,
  ];
}

function stepColumns(steps: HashedStep[]): unknown[][] {
  const keys = columns(
    steps,
    (s) => s.node,
    (s) => s.item,
    (s) => s.attempt,
    (s) => s.state,
  );
  const results = columns(
    steps,
    (s) => json(s.output),
    (s) => s.output_hash,
    (s) => json(s.error),
    (s) => s.cause ?? null,
  );
  return [
    ...keys,
    ...results,
    ...columns(
      steps,
      (s) => s.started_at_ms,
      (s) => s.ended_at_ms ?? null,
    ),
  ];
}

function endValues(flush: JournalFlush, steps: HashedStep[], end: EndRow): unknown[] {
  const { snapshot } = end;
  const written = steps.map((s) => `${s.node}#${s.item}#${s.attempt}`);
  const answered = flush.entries.flatMap((e) => (e.command ? [e.command.id] : []));
  const { output, output_ref, error, reason } = end;
  const { artifact_id, cas_id, content } = snapshot;
  return [output, output_ref, error, reason, artifact_id, cas_id, content.length, content, written, answered];
}

/** Rows as one array per column, which is how `unnest` takes them. */
function columns<T>(rows: readonly T[], ...pick: ((row: T) => unknown)[]): unknown[][] {
  return pick.map((one) => rows.map(one));
}

function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
