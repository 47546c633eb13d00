import type { JsonObject } from '../contract/json.ts';
import type { CommandType, RunError, RunState } from '../contract/run.ts';
import type { CommandRow } from './commands.ts';
import type { Db } from './db.ts';
import { IS_HELD } from './flow-gates.ts';
import { RUN_CHANNEL, type SnapshotRow } from './run-journal.ts';
import { runOne, statement } from './statement.ts';

export interface Lease {
  token: string;
  seconds: number;
}

/** The run as a poll found it, and the command it was given, if one was due. */
export interface Poll {
  run_executor: 'temporal' | 'external';
  run_state: RunState;
  /** How long the oldest command stays with whoever has it; null when nobody has one. */
  busy_ms: number | null;
  command: CommandRow | undefined;
}

/** What a command's answer, or the runtime by itself, does to a run. */
export interface RunChange {
  run_id: string;
  /** Nothing is written unless the run is in this state. */
  from: RunState;
  /** The same state when only the command ends. */
  to: RunState;
  actor: string;
  reason: string | null;
  /** The command that is answered; nothing is written when it was before. */
  command?: {
    id: string;
    type: CommandType;
    state: 'acknowledged' | 'rejected' | 'superseded';
    reason: string | null;
    applied: JsonObject | null;
  };
  params?: JsonObject;
  end?: RunEndRow;
}

export interface RunEndRow {
  output: string | null;
  output_ref: string | null;
  error: RunError | null;
  snapshot: SnapshotRow;
}

export function externalRunRepository(db: Db) {
  return {
    /**
     * Hands out the oldest command that is not answered, unless somebody has it: it stays with the caller for the
     * lease. Undefined when there is no such run in the project.
     */
    async poll(project_id: string, run_id: string, { token, seconds }: Lease): Promise<Poll | undefined> {
      const row = await runOne(db, POLL, [run_id, project_id, token, seconds]);
      if (!row) return undefined;
      const { run_executor, run_state, busy_ms, ...command } = row;
      const taken = command.id === null ? undefined : (command as CommandRow);
      return { run_executor, run_state, busy_ms, command: taken };
    },

    /**
     * Changes the run, with transition, events, the command's answer and, at the end, the snapshot: one statement. At the
     * end one before it, that waits for the row: only then all commands are seen that end with the run.
     */
    async change(change: RunChange): Promise<boolean> {
      if (!change.end) return (await runOne(db, CHANGE, changeValues(change))) !== undefined;
      return db.transaction(async (tx) => {
        await runOne(tx, LOCK, [change.run_id]);
        return (await runOne(tx, CHANGE, changeValues(change))) !== undefined;
      });
    },
  };
}

export type ExternalRunRepository = ReturnType<typeof externalRunRepository>;

type PollRow = Omit<Poll, 'command'> & { [K in keyof CommandRow]: CommandRow[K] | null };

// Of two pollers that see the same command the second one waits for its row, and finds the lease of the first.
const POLL = statement<PollRow>(
  'external_poll',
  `WITH r AS MATERIALIZED (
    SELECT id, state, executor, ended_at FROM run WHERE id = $1 AND project_id = $2
  ), head AS MATERIALIZED (
    SELECT c.run_id, c.id, c.lease_expires_at FROM run_command c JOIN r ON r.id = c.run_id
    WHERE c.state IN ('queued', 'delivered') AND r.executor = 'external' AND r.ended_at IS NULL
      AND (c.state = 'delivered' OR coalesce(c.expires_at > clock_timestamp(), true))
    ORDER BY c.seq LIMIT 1
  ), taken AS (
    UPDATE run_command c SET state = 'delivered', delivered_at = coalesce(c.delivered_at, clock_timestamp()),
      lease_token = $3, lease_expires_at = clock_timestamp() + make_interval(secs => $4), deliveries = c.deliveries + 1
    FROM head WHERE c.run_id = head.run_id AND c.id = head.id AND c.state IN ('queued', 'delivered')
      AND coalesce(c.lease_expires_at <= clock_timestamp(), true)
    RETURNING c.*
  )
  SELECT r.executor AS run_executor, r.state AS run_state,
    (extract(epoch FROM head.lease_expires_at - clock_timestamp()) * 1000)::float8 AS busy_ms, taken.*
  FROM r LEFT JOIN head ON true LEFT JOIN taken ON true`,
);

const LOCK = statement('external_lock', 'SELECT FROM run WHERE id = $1 FOR UPDATE');

// What has an execution changes by its workflow alone: this is for runtimes outside, and runs that wait for their turn.
const CHANGE = statement(
  'external_change',
  `WITH locked AS MATERIALIZED (
    SELECT r.id FROM run r WHERE r.id = $1 AND r.state = $2 AND r.ended_at IS NULL AND (r.executor = 'external' OR ${IS_HELD})
    FOR UPDATE
  ), answered AS (
    UPDATE run_command c SET state = $5, reason = coalesce($6, c.reason), applied = $7::json,
      delivered_at = coalesce(c.delivered_at, clock_timestamp()), acknowledged_at = clock_timestamp()
    FROM locked WHERE c.run_id = locked.id AND c.id = $4 AND c.state IN ('queued', 'delivered')
    RETURNING c.id
  ), r AS (
    UPDATE run SET state = $3, last_event_seq = last_event_seq + cardinality($8::text[]), params = coalesce($9::json, params),
      started_at = CASE WHEN $3 = 'running' THEN coalesce(started_at, clock_timestamp()) ELSE started_at END,
      output = $10::json, output_ref = $11, error = $12::json, snapshot_id = $13::uuid,
      reason = CASE WHEN $13::uuid IS NULL THEN reason ELSE $17 END,
      ended_at = CASE WHEN $13::uuid IS NOT NULL THEN clock_timestamp() END
    FROM locked
    WHERE run.id = locked.id AND ($4::text IS NULL OR EXISTS (SELECT FROM answered))
    RETURNING run.id, project_id, artifact_id, last_event_seq, last_event_seq - cardinality($8::text[]) AS base
  ), events AS (
    INSERT INTO run_event (run_id, seq, type, data)
    SELECT r.id, base + x.ord, x.type, x.data FROM r, unnest($8::text[], $18::json[]) WITH ORDINALITY AS x (type, data, ord)
  ), transition AS (
    INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor, reason)
    SELECT r.id, last_event_seq, $2, $3, $16, $17 FROM r WHERE $2 <> $3
  ), blob AS (
    INSERT INTO cas_blob (cas_id, size_bytes, content) SELECT $14::text, octet_length($15::bytea), $15 FROM r WHERE $13::uuid IS NOT NULL
    ON CONFLICT DO NOTHING
  ), granted AS (
    INSERT INTO blob_grant (project_id, cas_id, media_type) SELECT r.project_id, $14, 'application/json' FROM r
    WHERE $13::uuid IS NOT NULL ON CONFLICT DO NOTHING
  ), snapshot AS (
    INSERT INTO artifact (id, project_id, kind, cas_id, plan_hash, created_by)
    SELECT $13::uuid, r.project_id, 'run_snapshot', $14, coalesce(a.plan_hash, a.version_hash), 'engine'
    FROM r JOIN artifact a ON a.id = r.artifact_id WHERE $13::uuid IS NOT NULL
  ), unanswered AS (
    UPDATE run_command c SET state = 'rejected', reason = 'The run has ended.', acknowledged_at = clock_timestamp()
    FROM r WHERE $13::uuid IS NOT NULL AND c.run_id = r.id AND c.state IN ('queued', 'delivered') AND c.id IS DISTINCT FROM $4
  ), undelivered AS (
    DELETE FROM outbox o USING r WHERE $13::uuid IS NOT NULL AND o.run_id = r.id AND o.command_id IS DISTINCT FROM $4
  ), unwatched AS (
    UPDATE run_heartbeat h SET due_at = NULL FROM r WHERE $13::uuid IS NOT NULL AND h.run_id = r.id
  )
  SELECT pg_notify('${RUN_CHANNEL}', r.id || ':' || last_event_seq || CASE WHEN $13::uuid IS NULL THEN '' ELSE ':end' END)::text
  FROM r`,
);

function changeValues(change: RunChange): unknown[] {
  const { run_id, from, to, actor, reason, command, params, end } = change;
  const events = eventsOf(change);
  const { output = null, output_ref = null, error = null, snapshot } = end ?? {};
  return [
    ...[run_id, from, to, command?.id ?? null, command?.state ?? null, command?.reason ?? null],
    command?.applied ? JSON.stringify(command.applied) : null,
    events.map(({ type }) => type),
    params ? JSON.stringify(params) : null,
    ...[output, output_ref, error && JSON.stringify(error)],
    ...[snapshot?.artifact_id ?? null, snapshot?.cas_id ?? null, snapshot?.content ?? null],
    ...[actor, reason, events.map(({ data }) => JSON.stringify(data))],
  ];
}

/** Where a pause ends; `queued` for a run that was paused before its turn. */
const RESUMED: ReadonlySet<RunState> = new Set<RunState>(['running', 'queued']);

/** The change of state comes last: its number is that of the transition, and at the end nothing may follow it. */
function eventsOf({ from, to, reason, command, end }: RunChange): { type: string; data: JsonObject }[] {
  const events: { type: string; data: JsonObject }[] = [];
  if (command) {
    const { id, type, state, reason: why, applied } = command;
    const data = { id, type, ...(why ? { reason: why } : {}), ...(applied ? { applied } : {}) };
    events.push({ type: `command.${state}`, data });
  }
  if (from === to) return events;
  const type =
    from === 'paused' && RESUMED.has(to) ? 'run.resumed' : to === 'running' ? 'run.started' : `run.${to}`;
  const data: JsonObject = reason ? { reason } : {};
  if (end?.error) data.error = { ...end.error };
  events.push({ type, data });
  return events;
}
