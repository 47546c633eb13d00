import { and, desc, eq, gte, isNull, sql, type SQL } from 'drizzle-orm';
import type { Json, JsonObject } from '../contract/json.ts';
import type { RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { artifact } from './schema/artifacts.ts';
import { run, runStateTransition } from './schema/runs.ts';

export type RunRow = typeof run.$inferSelect;

export interface NewRun {
  id: string;
  project_id: string;
  type: string;
  workflow: string;
  requested_ref: string;
  artifact_id: string;
  version_hash: string;
  input: Json;
  input_ref: string | null;
  params: JsonObject;
  progress_total: number;
  labels: Record<string, string>;
  priority: number;
  created_by: string;
  created_at: Date;
  /** The run_manifest artifact, written with the run. */
  manifest: { artifact_id: string; cas_id: string; content: Buffer };
  outbox_id: string;
  /** When the sweeper may take the start over from the process that accepted it. */
  sweep_after: Date;
}

export interface RunFilter {
  states?: RunState[];
  workflow?: string;
  type?: string;
  health?: RunRow['health'];
  labels?: Record<string, string>;
  created_after?: Date;
}

export interface RunPosition {
  created_at: Date;
  id: string;
}

export function runRepository(db: Db) {
  return {
    /** A run and all that belongs to its acceptance, in one statement: nothing of it can be lost alone. */
    async insert(row: NewRun): Promise<void> {
      const at = row.created_at.toISOString();
      const { manifest } = row;
      const data = JSON.stringify({ workflow: row.workflow, version_hash: row.version_hash });
      await db.execute(sql`
        WITH blob AS (
          INSERT INTO cas_blob (cas_id, media_type, size_bytes, content)
          VALUES (${manifest.cas_id}, 'application/json', ${manifest.content.length}, ${manifest.content}) ON CONFLICT DO NOTHING
        ), granted AS (
          INSERT INTO blob_grant (project_id, cas_id) VALUES (${row.project_id}, ${manifest.cas_id}) ON CONFLICT DO NOTHING
        ), manifest AS (
          INSERT INTO artifact (id, project_id, kind, cas_id, created_by, created_at)
          VALUES (${manifest.artifact_id}, ${row.project_id}, 'run_manifest', ${manifest.cas_id}, ${row.created_by}, ${at})
        ), run AS (
          INSERT INTO run (id, project_id, type, workflow, requested_ref, artifact_id, version_hash, manifest_id, state,
            input, input_ref, params, progress_total, last_event_seq, labels, priority, created_by, created_at)
          VALUES (${row.id}, ${row.project_id}, ${row.type}, ${row.workflow}, ${row.requested_ref}, ${row.artifact_id},
            ${row.version_hash}, ${manifest.artifact_id}, 'queued', ${JSON.stringify(row.input)}, ${row.input_ref},
            ${JSON.stringify(row.params)}, ${row.progress_total}, 1, ${JSON.stringify(row.labels)}, ${row.priority},
            ${row.created_by}, ${at})
        ), transition AS (
          INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor, at)
          VALUES (${row.id}, 1, NULL, 'queued', ${row.created_by}, ${at})
        ), event AS (
          INSERT INTO run_event (run_id, seq, type, time, data) VALUES (${row.id}, 1, 'run.queued', ${at}, ${data})
        )
        INSERT INTO outbox (id, run_id, kind, next_attempt_at) VALUES (${row.outbox_id}, ${row.id}, 'start', ${row.sweep_after.toISOString()})`);
    },

    async find(project_id: string, id: string): Promise<RunRow | undefined> {
      const rows = await db.select().from(run).where(and(eq(run.id, id), eq(run.project_id, project_id)));
      return rows[0];
    },

    /** For the engine itself, which serves every project. */
    async findAny(id: string): Promise<RunRow | undefined> {
      const rows = await db.select().from(run).where(eq(run.id, id));
      return rows[0];
    },

    /** Newest first. */
    async list(project_id: string, filter: RunFilter, limit: number, after?: RunPosition): Promise<RunRow[]> {
      return db
        .select()
        .from(run)
        .where(and(eq(run.project_id, project_id), ...conditions(filter), after && olderThan(after)))
        .orderBy(desc(run.created_at), desc(run.id))
        .limit(limit);
    },

    /** A large output, kept before the run's end is written. */
    async keepOutput(id: string, output_ref: string): Promise<void> {
      await db.update(run).set({ output_ref }).where(and(eq(run.id, id), isNull(run.ended_at)));
    },

    /** The blob behind a snapshot artifact. */
    async snapshotBlob(artifact_id: string): Promise<string> {
      const [row] = await db.select({ cas_id: artifact.cas_id }).from(artifact).where(eq(artifact.id, artifact_id));
      return row?.cas_id ?? '';
    },

    /** Runs that have not ended, over all projects. */
    async countOpen(): Promise<number> {
      const result = await db.execute<{ count: string }>(sql`SELECT count(*) FROM run WHERE ended_at IS NULL`);
      return Number(result.rows[0]?.count ?? 0);
    },

    async transitions(run_id: string) {
      return db
        .select()
        .from(runStateTransition)
        .where(eq(runStateTransition.run_id, run_id))
        .orderBy(runStateTransition.event_seq);
    },
  };
}

export type RunRepository = ReturnType<typeof runRepository>;

function conditions(filter: RunFilter): (SQL | undefined)[] {
  return [
    filter.states && sql`${run.state} = ANY (${sql.param(filter.states)}::text[])`,
    filter.workflow === undefined ? undefined : eq(run.workflow, filter.workflow),
    filter.type === undefined ? undefined : eq(run.type, filter.type),
    filter.health && eq(run.health, filter.health),
    filter.labels && sql`${run.labels} @> ${JSON.stringify(filter.labels)}::jsonb`,
    filter.created_after && gte(run.created_at, filter.created_after),
  ];
}

function olderThan({ created_at, id }: RunPosition): SQL {
  return sql`(${run.created_at}, ${run.id}) < (${created_at.toISOString()}::timestamptz, ${id}::uuid)`;
}
