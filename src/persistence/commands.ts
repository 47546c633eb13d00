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
}

export function commandRepository(db: Db) {
  return {
    /**
     * Accepts a command: its row, its event and its outbox item, in one statement, if the run's state allows it and
     * the id is new. Answers undefined otherwise; the caller looks at what stands there.
     */
    async insert(command: NewCommand): Promise<CommandRow | undefined> {
      return runOne(db, INSERT, insertValues(command));
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

    /** Oldest first. */
    async list(run_id: string): Promise<CommandRow[]> {
      return db
        .select()
        .from(runCommand)
        .where(eq(runCommand.run_id, run_id))
        .orderBy(asc(runCommand.issued_at), asc(runCommand.id));
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

const INSERT = statement<CommandRow>(
  'command_insert',
  `WITH r AS MATERIALIZED (
    SELECT id FROM run WHERE id = $1 AND project_id = $12 AND state = ANY ($2::text[]) FOR UPDATE
  ), c AS (
    INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, reason)
    SELECT r.id, $3, $4, $5::json, $6, 'queued', $7, $8 FROM r
    ON CONFLICT DO NOTHING RETURNING *
  ), counted AS (
    UPDATE run SET last_event_seq = last_event_seq + 1 WHERE id = (SELECT run_id FROM c) RETURNING id, last_event_seq
  ), noted AS (
    INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, 'command.queued', $9::json FROM counted
  ), queued AS (
    INSERT INTO outbox (id, run_id, kind, command_id, next_attempt_at) SELECT $10::uuid, c.run_id, 'command', c.id, $11 FROM c
  )
  SELECT c.*, pg_notify('${RUN_CHANNEL}', counted.id || ':' || last_event_seq)::text FROM c, counted`,
);

function insertValues(command: NewCommand): unknown[] {
  const { run_id, accepted_in, id, type, payload, payload_hash, issued_by, reason } = command;
  const about = [run_id, accepted_in, id, type, JSON.stringify(payload), payload_hash, issued_by, reason];
  return [...about, JSON.stringify({ id, type }), command.outbox_id, command.sweep_after, command.project_id];
}
