import { and, asc, eq, sql } from 'drizzle-orm';
import type { JsonObject } from '../contract/json.ts';
import type { CommandType, RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { runCommand } from './schema/runs.ts';
import { runOne, statement } from './statement.ts';

export type CommandRow = typeof runCommand.$inferSelect;

export interface NewCommand {
  project_id: string;
  run_id: string;
  id: string;
  type: CommandType;
  payload: JsonObject;
  payload_hash: string;
  issued_by: string;
  reason: string | null;
  outbox_id: string;
  /** States in which the command may be accepted; checked in the same statement. */
  accepted_in: readonly RunState[];
  sweep_after: Date;
  /** Not applied after this; for ever when left out. */
  expiry?: Expiry;
}

export type Expiry = { at: Date } | { in_seconds: number };

export interface AcceptedCommand {
  command: CommandRow;
  /** Who carries the run out, and so where the command goes. */
  executor: 'temporal' | 'external';
}

export function commandRepository(db: Db) {
  return {
    /**
     * Accepts a command: its row, its event and its outbox item, in one statement, if the run's state allows it and
     * the id is new. Answers undefined otherwise; the caller looks at what stands there. The commands of an external run
     * wait to be fetched, without an outbox item; a pause among them that was not answered yet gives way to a resume.
     */
    async insert(command: NewCommand): Promise<AcceptedCommand | undefined> {
      const row = await runOne(db, INSERT, insertValues(command));
      if (!row) return undefined;
      const { executor, announced: _, ...accepted } = row;
      return { command: accepted, executor };
    },

    async find(run_id: string, id: string): Promise<CommandRow | undefined> {
      const rows = await db
        .select()
        .from(runCommand)
        .where(and(eq(runCommand.run_id, run_id), eq(runCommand.id, id)));
      return rows[0];
    },

    /** A pause was asked for that the run has neither reached nor refused. */
    async isPausePending(run_id: string): Promise<boolean> {
      return (await runOne(db, PAUSE_PENDING, [run_id])) !== undefined;
    },

    /** A pause of an external run gave way to this resume. */
    async overtookPause(run_id: string, id: string): Promise<boolean> {
      return (await runOne(db, OVERTOOK_PAUSE, [run_id, id])) !== undefined;
    },

    /** Oldest first. */
    async list(run_id: string): Promise<CommandRow[]> {
      return db.select().from(runCommand).where(eq(runCommand.run_id, run_id)).orderBy(asc(runCommand.seq));
    },

    /** Temporal has the signal. */
    async delivered(run_id: string, id: string): Promise<void> {
      await db
        .update(runCommand)
        .set({ state: 'delivered', delivered_at: sql`clock_timestamp()` })
        .where(and(eq(runCommand.run_id, run_id), eq(runCommand.id, id), eq(runCommand.state, 'queued')));
    },
  };
}

export type CommandRepository = ReturnType<typeof commandRepository>;

const PAUSE_PENDING = statement(
  'command_pause_pending',
  "SELECT FROM run_command WHERE run_id = $1 AND type = 'pause' AND state IN ('queued', 'delivered') LIMIT 1",
);

const OVERTOOK_PAUSE = statement(
  'command_overtook_pause',
  'SELECT FROM run_command WHERE run_id = $1 AND superseded_by = $2 LIMIT 1',
);

const INSERT = statement<CommandRow & Pick<AcceptedCommand, 'executor'> & { announced: unknown }>(
  'command_insert',
  `WITH r AS MATERIALIZED (
    SELECT id, executor FROM run WHERE id = $1 AND project_id = $12 AND state = ANY ($2::text[]) FOR UPDATE
  ), c AS (
    INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, reason, expires_at)
    SELECT r.id, $3, $4, $5::json, $6, 'queued', $7, $8,
      coalesce($13::timestamptz, clock_timestamp() + make_interval(secs => $14)) FROM r
    ON CONFLICT DO NOTHING RETURNING *
  ), overtaken AS (
    UPDATE run_command p SET state = 'superseded', superseded_by = c.id, reason = 'Resumed before it was applied.',
      acknowledged_at = clock_timestamp()
    FROM c, r WHERE r.executor = 'external' AND c.type = 'resume'
      AND p.run_id = r.id AND p.type = 'pause' AND p.state IN ('queued', 'delivered')
    RETURNING p.id, p.reason
  ), news AS MATERIALIZED (
    SELECT 1 AS ord, 'command.queued' AS type, $9::json AS data FROM c
    UNION ALL
    SELECT 2, 'command.superseded', json_build_object('id', id, 'type', 'pause', 'reason', reason) FROM overtaken
  ), counted AS (
    UPDATE run SET last_event_seq = last_event_seq + (SELECT count(*) FROM news) WHERE id = (SELECT run_id FROM c)
    RETURNING id, last_event_seq, last_event_seq - (SELECT count(*) FROM news) AS base
  ), noted AS (
    INSERT INTO run_event (run_id, seq, type, data) SELECT id, base + ord, type, data FROM counted, news
  ), queued AS (
    INSERT INTO outbox (id, run_id, kind, command_id, next_attempt_at) SELECT $10::uuid, c.run_id, 'command', c.id, $11
    FROM c, r WHERE r.executor = 'temporal'
  )
  SELECT c.*, r.executor, pg_notify('${RUN_CHANNEL}', counted.id || ':' || last_event_seq)::text AS announced
  FROM c, r, counted`,
);

function insertValues(command: NewCommand): unknown[] {
  const { run_id, accepted_in, id, type, payload, payload_hash, issued_by, reason } = command;
  const about = [run_id, accepted_in, id, type, JSON.stringify(payload), payload_hash, issued_by, reason];
  return [
    ...[...about, JSON.stringify({ id, type }), command.outbox_id, command.sweep_after, command.project_id],
    ...expiryValues(command.expiry),
  ];
}

/** The moment, or how long from now by the database's clock. */
function expiryValues(expiry: Expiry | undefined): unknown[] {
  if (!expiry) return [null, null];
  return 'at' in expiry ? [expiry.at, null] : [null, expiry.in_seconds];
}
