import { and, desc, eq, sql } from 'drizzle-orm';
import type { Json, JsonObject } from '../contract/json.ts';
import type { Db } from './db.ts';
import { KEEP_NAMED } from './gc-keep.ts';
import { olderThan, runConditions, type RunFilter, type RunPosition } from './run-filter.ts';
import { artifact } from './schema/artifacts.ts';
import { run as runTable } from './schema/runs.ts';
import { runOne, statement } from './statement.ts';

export type RunRow = typeof runTable.$inferSelect;

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
  /** Hashes that input and params name. */
  names: string[];
  /** The run_manifest artifact, written with the run. */
  manifest: { artifact_id: string; cas_id: string; content: Buffer };
  /** The outbox item that starts it; null when the one who opens the run starts it, or nobody does. */
  start: {
    outbox_id: string;
    /** When the sweeper may take the start over from the process that accepted it. */
    sweep_after: Date;
  } | null;
  /** Steps of another run that count as this one's. */
  reuse?: { run_id: string; nodes: string[] };
  /** What only some runs have. */
  more: RunExtras;
}

/** Columns a run has for where it came from and how it is carried out; what is left out keeps its default. */
export interface RunExtras {
  parent_run_id?: string;
  parent_node?: string;
  parent_item?: number;
  timeout_seconds?: number;
  forked_from?: string;
  forked_from_step?: string;
  flow_key?: string;
  flow_limit?: number;
  rate_key?: string;
  rate_per_second?: number;
  start_id?: string;
  schedule_id?: string;
  /** RFC 3339. */
  scheduled_at?: string;
  hook_id?: string;
  /** Without it: `temporal`. */
  executor?: 'temporal' | 'external';
  experiment_id?: string;
  version_id?: string;
}

export function runRepository(db: Db) {
  return {
    /**
     * A run and all that belongs to its acceptance, in one statement: nothing of it can be lost alone. Answers the row;
     * undefined, with nothing written, when its version or its input was collected.
     */
    async insert(row: NewRun): Promise<RunRow | undefined> {
      if (!row.reuse) return runOne(db, INSERT, insertValues(row));
      return runOne(db, INSERT_FORK, [...insertValues(row), row.reuse.run_id, row.reuse.nodes]);
    },

    async find(project_id: string, id: string): Promise<RunRow | undefined> {
      return runOne(db, FIND, [id, project_id]);
    },

    /** For the engine itself, which serves every project. */
    async findAny(id: string): Promise<RunRow | undefined> {
      return runOne(db, FIND, [id, null]);
    },

    /** Newest first. */
    async list(project_id: string, filter: RunFilter, limit: number, after?: RunPosition): Promise<RunRow[]> {
      return db
        .select()
        .from(runTable)
        .where(and(eq(runTable.project_id, project_id), ...runConditions(filter), after && olderThan(after)))
        .orderBy(desc(runTable.created_at), desc(runTable.id))
        .limit(limit);
    },

    /** A large output, kept before the run's end is written. False when its blob was collected in between. */
    async keepOutput(id: string, output_ref: string): Promise<boolean> {
      return (await runOne(db, KEEP_OUTPUT, [id, output_ref])) !== undefined;
    },

    /** The blob behind a snapshot artifact. */
    async snapshotBlob(artifact_id: string): Promise<string> {
      const [row] = await db
        .select({ cas_id: artifact.cas_id })
        .from(artifact)
        .where(eq(artifact.id, artifact_id));
      return row?.cas_id ?? '';
    },

    /** Runs that have not ended, over all projects. */
    async countOpen(): Promise<number> {
      const result = await db.execute<{ count: string }>(
        sql`SELECT count(*) FROM run WHERE ended_at IS NULL`,
      );
      return Number(result.rows[0]?.count ?? 0);
    },
  };
}

export type RunRepository = ReturnType<typeof runRepository>;

/** Read at every poll of a run; the columns are named as the row's members are. */
const FIND = statement<RunRow>(
  'run_find',
  'SELECT * FROM run WHERE id = $1 AND ($2::uuid IS NULL OR project_id = $2)',
);

// The locks make a collection of version and input wait for the run, or the run see that they are gone.
const insertWith = (more_parts: string) => `WITH pinned AS MATERIALIZED (
    SELECT id FROM artifact WHERE id = $12 AND live FOR KEY SHARE
  ), held AS MATERIALIZED (
    SELECT cas_id FROM cas_blob WHERE cas_id = $15 AND stored FOR KEY SHARE
  ), accepted AS (
    SELECT id FROM pinned WHERE $15::text IS NULL OR EXISTS (SELECT FROM held)
  ), named AS (
    ${KEEP_NAMED('$23')}
  ), blob AS (
    INSERT INTO cas_blob (cas_id, size_bytes, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
  ), granted AS (
    INSERT INTO blob_grant (project_id, cas_id, media_type) VALUES ($4, $1, 'application/json') ON CONFLICT DO NOTHING
  ), manifest AS (
    INSERT INTO artifact (id, project_id, kind, cas_id, created_by, created_at)
    SELECT $5::uuid, $4, 'run_manifest', $1, $6, $7::timestamptz FROM accepted
  ), run AS (
    INSERT INTO run (id, project_id, type, workflow, requested_ref, artifact_id, version_hash, manifest_id, state,
      input, input_ref, params, progress_total, last_event_seq, labels, priority, created_by, created_at,
      parent_run_id, parent_node, parent_item, timeout_seconds, forked_from, forked_from_step, flow_key, flow_limit, rate_key, rate_per_second, start_id,
      schedule_id, scheduled_at, hook_id, executor, experiment_id, version_id)
    SELECT $8::uuid, $4, $9, $10, $11, id, $13, $5, 'queued', $14::json, $15, $16::json, $17::integer, 1, $18::jsonb,
      $19::integer, $6, $7,
      more.parent_run_id, more.parent_node, coalesce(more.parent_item, -1), more.timeout_seconds,
      more.forked_from, more.forked_from_step,
      more.flow_key, more.flow_limit, more.rate_key, more.rate_per_second, more.start_id,
      more.schedule_id, more.scheduled_at, more.hook_id, coalesce(more.executor, 'temporal'), more.experiment_id, more.version_id
    FROM accepted, json_to_record($24::json) AS more(
      parent_run_id uuid, parent_node text, parent_item integer, timeout_seconds double precision, forked_from uuid, forked_from_step text,
      flow_key text, flow_limit integer, rate_key text, rate_per_second double precision, start_id text,
      schedule_id uuid, scheduled_at timestamptz, hook_id uuid, executor text, experiment_id text, version_id text)
    RETURNING *
  ), transition AS (
    INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor, at)
    SELECT id, 1, NULL, 'queued', $6, $7 FROM run
  ), event AS (
    INSERT INTO run_event (run_id, seq, type, time, data) SELECT id, 1, 'run.queued', $7, $20::json FROM run
  ), queued AS (
    INSERT INTO outbox (id, run_id, kind, next_attempt_at)
    SELECT $21::uuid, id, 'start', $22::timestamptz FROM run WHERE $21::uuid IS NOT NULL
  )${more_parts}
  SELECT * FROM run`;

const INSERT = statement<RunRow>('run_insert', insertWith(''));

/** Every step says who carried it out, however often it was passed on. */
const INSERT_FORK = statement<RunRow>(
  'run_insert_fork',
  insertWith(`, reused AS (
    INSERT INTO step (run_id, epoch, node, item, attempt, state, input_ref, output, output_ref, output_hash, error, cause,
      agent_id, logs_ref, started_at, ended_at, reused_from)
    SELECT run.id, 0, s.node, -1, 1, s.state, s.input_ref, s.output, s.output_ref, s.output_hash, s.error, s.cause,
      s.agent_id, s.logs_ref, s.started_at, s.ended_at, coalesce(s.reused_from, s.run_id)
    FROM run, (
      SELECT DISTINCT ON (node) * FROM step WHERE run_id = $25 AND item < 0 AND node = ANY ($26::text[])
      ORDER BY node, epoch DESC, attempt DESC
    ) s
  )`),
);

const KEEP_OUTPUT = statement<{ cas_id: string }>(
  'run_keep_output',
  `WITH held AS MATERIALIZED (
    SELECT cas_id FROM cas_blob WHERE cas_id = $2 AND stored FOR KEY SHARE
  ), kept AS (
    UPDATE run SET output_ref = held.cas_id FROM held WHERE id = $1 AND ended_at IS NULL
  )
  SELECT cas_id FROM held`,
);

/** What the first event says of where the run comes from. */
function originOf({ workflow, version_hash, reuse, more }: NewRun): JsonObject {
  const { forked_from, forked_from_step } = more;
  const fork = reuse && {
    forked_from: forked_from ?? null,
    from_step: forked_from_step ?? null,
    reused: reuse.nodes,
  };
  return { workflow, version_hash, ...fork };
}

function insertValues(row: NewRun): unknown[] {
  const { manifest } = row;
  return [
    ...[manifest.cas_id, manifest.content.length, manifest.content, row.project_id, manifest.artifact_id],
    ...[row.created_by, row.created_at, row.id, row.type, row.workflow, row.requested_ref, row.artifact_id],
    ...[
      row.version_hash,
      JSON.stringify(row.input),
      row.input_ref,
      JSON.stringify(row.params),
      row.progress_total,
    ],
    ...[JSON.stringify(row.labels), row.priority],
    JSON.stringify(originOf(row)),
    ...[row.start?.outbox_id ?? null, row.start?.sweep_after ?? null, row.names, JSON.stringify(row.more)],
  ];
}
