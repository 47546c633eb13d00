import { and, asc, eq, sql } from 'drizzle-orm';
import type { JsonObject } from '../contract/json.ts';
import type { CommandType, RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { runCommand } from './schema/runs.ts';
import { run, statement } from './statement.ts';

export type CommandRow = typeof runCommand.$inferSelect;

export interface NewCommand {
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
      const {
        run_id,
        id,
        type,
        payload,
        payload_hash,
        issued_by,
        reason,
        outbox_id,
        accepted_in,
        sweep_after,
      } = command;
      const data = JSON.stringify({ id, type });
      const values = [
        run_id,
        accepted_in,
        id,
        type,
        JSON.stringify(payload),
        payload_hash,
        issued_by,
        reason,
        data,
        outbox_id,
      ];
      const rows = await run(db, INSERT, [...values, sweep_after]);
      return rows.length === 1 ? this.find(run_id, id) : undefined;
    },

    async find(run_id: string, id: string): Promise<CommandRow | undefined> {
      const rows = await db
        .select()
        .from(runCommand)
        .where(and(eq(runCommand.run_id, run_id), eq(runCommand.id, id)));
      return rows[0];
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

const INSERT = statement(
  'command_insert',
  `WITH r AS MATERIALIZED (
    SELECT id FROM run WHERE id = $1 AND state = ANY ($2::text[]) FOR UPDATE
  ), c AS (
    INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, reason)
    SELECT r.id, $3, $4, $5::json, $6, 'queued', $7, $8 FROM r
    ON CONFLICT DO NOTHING RETURNING run_id, id
  ), counted AS (
    UPDATE run SET last_event_seq = last_event_seq + 1 WHERE id = (SELECT run_id FROM c) RETURNING id, last_event_seq
  ), noted AS (
    INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, 'command.queued', $9::json FROM counted
  ), queued AS (
    INSERT INTO outbox (id, run_id, kind, command_id, next_attempt_at) SELECT $10::uuid, c.run_id, 'command', c.id, $11 FROM c
  )
  SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_event_seq) FROM counted`,
);
