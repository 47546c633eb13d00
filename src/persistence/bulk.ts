import { and, asc, eq, gt, isNull, sql, type SQL } from 'drizzle-orm';
import type { JsonObject } from '../contract/json.ts';
import type { RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { runConditions, type RunFilter } from './run-filter.ts';
import { bulkCommand, bulkItem, type BulkOrder } from './schema/bulk.ts';
import { run as runTable } from './schema/runs.ts';
import { run, runOne, statement } from './statement.ts';

export type { BulkOrder } from './schema/bulk.ts';
export type BulkRow = typeof bulkCommand.$inferSelect;

export interface NewBulk {
  id: string;
  project_id: string;
  /** As it was asked for. */
  filter: JsonObject;
  runs: RunFilter;
  command: BulkOrder;
  created_by: string;
  lease_seconds: number;
}

export interface BulkCounts {
  pending: number;
  accepted: number;
  rejected: number;
}

export interface Rejection {
  run_id: string;
  code: string;
}

/** What became of one run's command; no code when it was accepted. */
export interface ItemOutcome {
  run_id: string;
  code: string | null;
}

/** Commands for many runs, and what became of them. */
export function bulkRepository(db: Db) {
  return {
    /** The order and every run it is for, as they match now: one statement. Whoever inserts it has its lease. */
    async insert({
      id,
      project_id,
      filter,
      runs,
      command,
      created_by,
      lease_seconds,
    }: NewBulk): Promise<BulkRow> {
      await db.execute(sql`
        WITH matched AS (SELECT id FROM run WHERE ${matching(project_id, runs)}),
        bulk AS (
          INSERT INTO bulk_command (id, project_id, filter, command, matched, created_by, lease_until)
          SELECT ${id}::uuid, ${project_id}::uuid, ${JSON.stringify(filter)}::json, ${JSON.stringify(command)}::json, count(*),
            ${created_by}, clock_timestamp() + make_interval(secs => ${lease_seconds}) FROM matched
        )
        INSERT INTO bulk_item (bulk_id, run_id) SELECT ${id}::uuid, id FROM matched`);
      return (await this.find(project_id, id))!;
    },

    /** How many runs match now, by state. */
    async matching(project_id: string, runs: RunFilter): Promise<{ state: RunState; count: number }[]> {
      return db
        .select({ state: runTable.state, count: sql<number>`count(*)::integer` })
        .from(runTable)
        .where(matching(project_id, runs))
        .groupBy(runTable.state);
    },

    /** Some of the runs that match now and are in one of these states. */
    async someMatching(project_id: string, runs: RunFilter, states: RunState[], limit: number) {
      return db
        .select({ run_id: runTable.id, state: runTable.state })
        .from(runTable)
        .where(and(matching(project_id, runs), sql`${runTable.state} = ANY (${sql.param(states)}::text[])`))
        .orderBy(asc(runTable.id))
        .limit(limit);
    },

    async find(project_id: string, id: string): Promise<BulkRow | undefined> {
      const owned = and(eq(bulkCommand.id, id), eq(bulkCommand.project_id, project_id));
      return (await db.select().from(bulkCommand).where(owned))[0];
    },

    async counts(id: string): Promise<BulkCounts> {
      return (await runOne(db, COUNTS, [id]))!;
    },

    /** In the order of the runs' ids. */
    async rejections(id: string, after: string | undefined, limit: number): Promise<Rejection[]> {
      const beyond = after === undefined ? undefined : gt(bulkItem.run_id, after);
      const rows = await db
        .select({ run_id: bulkItem.run_id, code: bulkItem.code })
        .from(bulkItem)
        .where(and(eq(bulkItem.bulk_id, id), eq(bulkItem.state, 'rejected'), beyond))
        .orderBy(asc(bulkItem.run_id))
        .limit(limit);
      return rows.map(({ run_id, code }) => ({ run_id, code: code ?? '' }));
    },

    /** Takes one that nobody carries out, for so long. */
    async claim(lease_seconds: number): Promise<BulkRow | undefined> {
      return runOne(db, CLAIM, [lease_seconds]);
    },

    /** Runs that have yet to be told. Whoever asks keeps the lease for so long again. */
    async pending(id: string, limit: number, lease_seconds: number): Promise<string[]> {
      return (await run(db, PENDING, [id, limit, lease_seconds])).map(({ run_id }) => run_id);
    },

    /** Once for each run: what was written before stands. */
    async settle(id: string, outcomes: readonly ItemOutcome[]): Promise<void> {
      const columns = [outcomes.map(({ run_id }) => run_id), outcomes.map(({ code }) => code)];
      await run(db, SETTLE, [id, ...columns]);
    },

    /** Every run has been told. */
    async end(id: string): Promise<void> {
      await run(db, END, [id]);
    },
  };
}

export type BulkRepository = ReturnType<typeof bulkRepository>;

/** Without states: those that can still be told something. */
function matching(project_id: string, filter: RunFilter): SQL | undefined {
  const open = filter.states ? undefined : isNull(runTable.ended_at);
  return and(eq(runTable.project_id, project_id), ...runConditions(filter), open);
}

const COUNTS = statement<BulkCounts>(
  'bulk_counts',
  `SELECT count(*) FILTER (WHERE state = 'pending')::integer AS pending,
     count(*) FILTER (WHERE state = 'accepted')::integer AS accepted,
     count(*) FILTER (WHERE state = 'rejected')::integer AS rejected
   FROM bulk_item WHERE bulk_id = $1`,
);

const CLAIM = statement<BulkRow>(
  'bulk_claim',
  `UPDATE bulk_command SET lease_until = clock_timestamp() + make_interval(secs => $1)
   WHERE id = (
     SELECT id FROM bulk_command WHERE ended_at IS NULL AND lease_until <= clock_timestamp()
     ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED
   ) RETURNING *`,
);

const PENDING = statement<{ run_id: string }>(
  'bulk_pending',
  `WITH kept AS (
     UPDATE bulk_command SET lease_until = clock_timestamp() + make_interval(secs => $3) WHERE id = $1 AND ended_at IS NULL
   )
   SELECT run_id FROM bulk_item WHERE bulk_id = $1 AND state = 'pending' ORDER BY run_id LIMIT $2`,
);

const SETTLE = statement(
  'bulk_settle',
  `UPDATE bulk_item i SET state = CASE WHEN x.code IS NULL THEN 'accepted' ELSE 'rejected' END, code = x.code
   FROM unnest($2::uuid[], $3::text[]) AS x(run_id, code)
   WHERE i.bulk_id = $1 AND i.run_id = x.run_id AND i.state = 'pending'`,
);

const END = statement(
  'bulk_end',
  `UPDATE bulk_command SET ended_at = clock_timestamp() WHERE id = $1 AND ended_at IS NULL
     AND NOT EXISTS (SELECT FROM bulk_item WHERE bulk_id = $1 AND state = 'pending')`,
);
