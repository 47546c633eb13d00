import { sql, type SQL } from 'drizzle-orm';
import type { JournalEntry, JournalFlush, StepRecord } from '../contract/journal.ts';
import type { RunState } from '../contract/run.ts';
import type { Db } from './db.ts';

/** The name runs' news goes out under; the payload is `<run id>:<last seq>`. */
export const RUN_CHANNEL = 'orchestrator_run';

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

/** Writes what a run's workflow noted, in one statement each; a flush that was written before changes nothing. */
export function runJournalRepository(db: Db) {
  return {
    /** One statement. Answers false when this flush (or the run's end) was already written. */
    async flush(flush: JournalFlush, steps: HashedStep[]): Promise<boolean> {
      const result = await db.execute(sql`WITH ${journalParts(flush, steps, [])} ${announce()}`);
      return result.rowCount === 1;
    },

    /** One statement: the last flush, the outcome, the snapshot, and the end of every command still open. */
    async end(flush: JournalFlush, steps: HashedStep[], end: EndRow): Promise<boolean> {
      const set = [
        sql`output = ${end.output}::json, output_ref = ${end.output_ref}, error = ${end.error}::json`,
        sql`reason = ${end.reason}, snapshot_id = ${end.snapshot.artifact_id}::uuid, ended_at = clock_timestamp()`,
      ];
      const result = await db.execute(
        sql`WITH ${journalParts(flush, steps, set)}, ${endParts(flush, steps, end.snapshot)} ${announce()}`,
      );
      return result.rowCount === 1;
    },
  };
}

export type RunJournalRepository = ReturnType<typeof runJournalRepository>;

function journalParts(flush: JournalFlush, steps: HashedStep[], end_set: SQL[]): SQL {
  const { entries } = flush;
  const last = entries.findLast((entry) => entry.change)?.change?.to ?? null;
  const set = sql.join(
    [
      sql`last_event_seq = last_event_seq + ${entries.length}, journal_seq = ${flush.seq}`,
      sql`state = coalesce(${last}, state)`,
      sql`progress_done = ${flush.done}, progress_total = ${flush.total}, in_flight = ${flush.in_flight}`,
      sql`current_step = coalesce(${flush.current_step}, current_step)`,
      sql`started_at = coalesce(started_at, to_timestamp(${startedAtMs(entries)}::float8 / 1000))`,
      ...end_set,
    ],
    sql`, `,
  );
  return sql`r AS (
      UPDATE run SET ${set}
      WHERE id = ${flush.run_id}::uuid AND epoch = ${flush.epoch} AND journal_seq < ${flush.seq} AND ended_at IS NULL
      RETURNING id, project_id, artifact_id, last_event_seq, last_event_seq - ${entries.length} AS base
    ), ${eventPart(entries)}, ${transitionPart(entries)}, ${stepPart(flush.epoch, steps)}, ${commandPart(entries)},
    started AS (DELETE FROM outbox o USING r WHERE o.run_id = r.id AND o.kind = 'start')`;
}

function startedAtMs(entries: JournalEntry[]): number | null {
  return entries.find((entry) => entry.change?.to === 'running')?.at_ms ?? null;
}

function eventPart(entries: JournalEntry[]): SQL {
  const types = sql.param(entries.map((e) => e.event));
  const times = sql.param(entries.map((e) => e.at_ms));
  const data = sql.param(entries.map((e) => JSON.stringify(e.data)));
  return sql`events AS (
      INSERT INTO run_event (run_id, seq, type, time, data)
      SELECT r.id, r.base + x.ord, x.type, to_timestamp(x.at_ms / 1000), x.data
      FROM r, unnest(${types}::text[], ${times}::float8[], ${data}::json[]) WITH ORDINALITY AS x(type, at_ms, data, ord)
    )`;
}

function transitionPart(entries: JournalEntry[]): SQL {
  const changes = entries.flatMap((entry, index) => (entry.change ? [{ ...entry.change, ord: index + 1, at_ms: entry.at_ms }] : []));
  const column = <T>(pick: (change: (typeof changes)[number]) => T) => sql.param(changes.map(pick));
  return sql`transitions AS (
      INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor, reason, at)
      SELECT r.id, r.base + x.ord, x.from_state, x.to_state, x.actor, x.reason, to_timestamp(x.at_ms / 1000)
      FROM r, unnest(${column((c) => c.ord)}::int[], ${column((c) => c.from)}::text[], ${column((c) => c.to)}::text[],
        ${column((c) => c.actor)}::text[], ${column((c) => c.reason ?? null)}::text[], ${column((c) => c.at_ms)}::float8[])
        AS x(ord, from_state, to_state, actor, reason, at_ms)
    )`;
}

function stepPart(epoch: number, steps: HashedStep[]): SQL {
  const column = <T>(pick: (step: HashedStep) => T) => sql.param(steps.map(pick));
  const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
  return sql`steps AS (
      INSERT INTO step (run_id, epoch, node, item, attempt, state, output, output_hash, error, cause, started_at, ended_at)
      SELECT r.id, ${epoch}, x.node, x.item, x.attempt, x.state, x.output, x.output_hash, x.error, x.cause,
        to_timestamp(x.started_ms / 1000), to_timestamp(x.ended_ms / 1000)
      FROM r, unnest(${column((s) => s.node)}::text[], ${column((s) => s.item)}::int[], ${column((s) => s.attempt)}::int[],
        ${column((s) => s.state)}::text[], ${column((s) => json(s.output))}::json[], ${column((s) => s.output_hash)}::text[],
        ${column((s) => json(s.error))}::json[], ${column((s) => s.cause ?? null)}::text[],
        ${column((s) => s.started_at_ms)}::float8[], ${column((s) => s.ended_at_ms ?? null)}::float8[])
        AS x(node, item, attempt, state, output, output_hash, error, cause, started_ms, ended_ms)
      ON CONFLICT (run_id, epoch, node, item, attempt) DO UPDATE SET
        state = excluded.state, output = excluded.output, output_hash = excluded.output_hash, error = excluded.error,
        cause = excluded.cause, started_at = coalesce(step.started_at, excluded.started_at), ended_at = excluded.ended_at
    )`;
}

function commandPart(entries: JournalEntry[]): SQL {
  const commands = entries.flatMap((entry) => (entry.command ? [entry.command] : []));
  const column = <T>(pick: (command: (typeof commands)[number]) => T) => sql.param(commands.map(pick));
  return sql`commands AS (
      UPDATE run_command c SET state = x.state, reason = coalesce(x.reason, c.reason),
        delivered_at = coalesce(c.delivered_at, clock_timestamp()), acknowledged_at = clock_timestamp()
      FROM r, unnest(${column((c) => c.id)}::text[], ${column((c) => c.state)}::text[], ${column((c) => c.reason ?? null)}::text[])
        AS x(id, state, reason)
      WHERE c.run_id = r.id AND c.id = x.id AND c.state IN ('queued', 'delivered')
    )`;
}

function endParts(flush: JournalFlush, steps: HashedStep[], snapshot: SnapshotRow): SQL {
  // A statement may change a row once only: what this flush writes itself is left out of the sweeping updates.
  const written = sql.param(steps.map((s) => `${s.node}#${s.item}#${s.attempt}`));
  const answered = sql.param(flush.entries.flatMap((entry) => (entry.command ? [entry.command.id] : [])));
  return sql`blob AS (
      INSERT INTO cas_blob (cas_id, media_type, size_bytes, content)
      SELECT ${snapshot.cas_id}, 'application/json', ${snapshot.content.length}, ${snapshot.content} FROM r
      ON CONFLICT DO NOTHING
    ), granted AS (
      INSERT INTO blob_grant (project_id, cas_id) SELECT r.project_id, ${snapshot.cas_id} FROM r ON CONFLICT DO NOTHING
    ), snapshot AS (
      INSERT INTO artifact (id, project_id, kind, cas_id, plan_hash, created_by)
      SELECT ${snapshot.artifact_id}::uuid, r.project_id, 'run_snapshot', ${snapshot.cas_id}, coalesce(a.plan_hash, a.version_hash), 'engine'
      FROM r JOIN artifact a ON a.id = r.artifact_id
    ), unfinished AS (
      UPDATE step s SET state = 'cancelled', ended_at = clock_timestamp()
      FROM r WHERE s.run_id = r.id AND s.state IN ('pending', 'running', 'waiting')
        AND (s.node || '#' || s.item || '#' || s.attempt) <> ALL (${written}::text[])
    ), unanswered AS (
      UPDATE run_command c SET state = 'rejected', reason = 'The run has ended.', acknowledged_at = clock_timestamp()
      FROM r WHERE c.run_id = r.id AND c.state IN ('queued', 'delivered')
        AND c.id <> ALL (${answered}::text[])
    ), undelivered AS (
      DELETE FROM outbox o USING r WHERE o.run_id = r.id AND o.kind = 'command'
    )`;
}

/** Wakes whoever follows the run; nothing when the flush was dropped. */
function announce(): SQL {
  return sql`SELECT pg_notify(${RUN_CHANNEL}, r.id || ':' || r.last_event_seq) FROM r`;
}
