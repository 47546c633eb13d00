import { and, asc, eq, sql } from 'drizzle-orm';
import type { JsonObject } from '../contract/json.ts';
import type { CommandType, RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { runCommand } from './schema/runs.ts';

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
      const data = JSON.stringify({ id: command.id, type: command.type });
      const result = await db.execute(sql`
        WITH r AS MATERIALIZED (
          SELECT id FROM run WHERE id = ${command.run_id}::uuid AND state = ANY (${sql.param(command.accepted_in)}::text[]) FOR UPDATE
        ), c AS (
          INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, reason)
          SELECT r.id, ${command.id}, ${command.type}, ${JSON.stringify(command.payload)}::json, ${command.payload_hash},
            'queued', ${command.issued_by}, ${command.reason} FROM r
          ON CONFLICT DO NOTHING RETURNING *
        ), counted AS (
          UPDATE run SET last_event_seq = last_event_seq + 1 WHERE id = (SELECT run_id FROM c) RETURNING id, last_event_seq
        ), noted AS (
          INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, 'command.queued', ${data}::json FROM counted
        ), queued AS (
          INSERT INTO outbox (id, run_id, kind, command_id, next_attempt_at)
          SELECT ${command.outbox_id}::uuid, c.run_id, 'command', c.id, ${command.sweep_after.toISOString()}::timestamptz FROM c
        )
        SELECT id, pg_notify(${RUN_CHANNEL}, id || ':' || last_event_seq) FROM counted`);
      return result.rowCount === 1 ? this.find(command.run_id, command.id) : undefined;
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
      return db.select().from(runCommand).where(eq(runCommand.run_id, run_id)).orderBy(asc(runCommand.issued_at), asc(runCommand.id));
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
