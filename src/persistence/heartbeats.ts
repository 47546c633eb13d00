import type { JsonObject } from '../contract/json.ts';
import type { RuntimeStatus } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { run, runOne, statement } from './statement.ts';

/** What a runtime reports. */
export interface Heartbeat {
  status: RuntimeStatus;
  step: number;
  samples_per_sec: number;
  loss: number | null;
  checkpoint_version: number;
  metrics: JsonObject | null;
}

export interface HeartbeatRow extends Heartbeat {
  at: Date;
  /** How many there were. */
  beats: number;
}

/** What is heard of a run over time; `beat` counts its heartbeats from 1. */
export interface MetricPoint extends Omit<Heartbeat, 'status'> {
  beat: number;
  at: Date;
}

export interface BeatLimits {
  /** Seconds between two heartbeats, at least. */
  interval_seconds: number;
  /** Seconds of silence until a run is looked at. */
  stale_after_seconds: number;
  /** At most so many points are kept of a run, evenly spread over its life. */
  points: number;
}

/** The newest heartbeat as a refused one has to be measured by it. */
export interface LastBeat {
  step: number;
  checkpoint_version: number;
  /** Seconds since then, by the database's clock. */
  age_seconds: number;
}

export function heartbeatRepository(db: Db) {
  return {
    /**
     * Takes a heartbeat with everything that follows from it, in one statement. Undefined, with nothing written, when
     * the run is unknown, not external or has ended, or when the heartbeat comes too soon or goes back.
     */
    async beat(
      target: { project_id: string; run_id: string; actor: string },
      heartbeat: Heartbeat,
      limits: BeatLimits,
    ): Promise<HeartbeatRow | undefined> {
      const { status, step, samples_per_sec, loss, checkpoint_version, metrics } = heartbeat;
      const { interval_seconds, stale_after_seconds, points } = limits;
      const row = await runOne(db, BEAT, [
        ...[target.run_id, target.project_id, target.actor],
        ...[status, step, checkpoint_version, samples_per_sec, loss, metrics && JSON.stringify(metrics)],
        ...[interval_seconds, stale_after_seconds, points],
      ]);
      if (!row) return undefined;
      const { announced: _, ...taken } = row;
      return taken;
    },

    async last(run_id: string): Promise<LastBeat | undefined> {
      return runOne(db, LAST, [run_id]);
    },

    /** Undefined before the first one. */
    async find(run_id: string): Promise<HeartbeatRow | undefined> {
      return runOne(db, FIND, [run_id]);
    },

    /** The points of the series from `after` on, oldest first. */
    async series(run_id: string, after: number, limit: number): Promise<MetricPoint[]> {
      return run(db, SERIES, [run_id, after, limit]);
    },
  };
}

export type HeartbeatRepository = ReturnType<typeof heartbeatRepository>;

const MEASURES = `step::float8 AS step, checkpoint_version::float8 AS checkpoint_version, samples_per_sec, loss, metrics`;

// The upsert's own condition is what decides: it sees the newest heartbeat, whoever wrote it meanwhile. Most heartbeats
// have no news, and leave the run's row as it is. A series that would outgrow its points keeps every second one.
const BEAT = statement<HeartbeatRow & { announced: unknown }>(
  'heartbeat_take',
  `WITH r AS MATERIALIZED (
    SELECT id, state, health, runtime_status FROM run
    WHERE id = $1 AND project_id = $2 AND executor = 'external' AND ended_at IS NULL FOR NO KEY UPDATE
  ), beat AS (
    INSERT INTO run_heartbeat AS h (run_id, at, due_at, status, step, checkpoint_version, samples_per_sec, loss, metrics)
    SELECT r.id, t.now, t.now + make_interval(secs => $11), $4, $5::bigint, $6::bigint, $7::float8, $8::float8, $9::json
    FROM r, LATERAL (SELECT clock_timestamp() AS now WHERE r.id IS NOT NULL) t
    ON CONFLICT (run_id) DO UPDATE SET at = excluded.at, due_at = excluded.due_at, status = excluded.status,
      step = excluded.step, checkpoint_version = excluded.checkpoint_version, samples_per_sec = excluded.samples_per_sec,
      loss = excluded.loss, metrics = excluded.metrics, beats = h.beats + 1,
      stride = CASE WHEN h.beats + 1 > h.stride * $12::bigint THEN h.stride * 2 ELSE h.stride END
    WHERE h.at <= excluded.at - make_interval(secs => $10) AND h.step <= excluded.step
      AND h.checkpoint_version <= excluded.checkpoint_version
    RETURNING h.*
  ), news AS MATERIALIZED (
    SELECT n.type, n.data, row_number() OVER (ORDER BY n.ord) AS ord
    FROM r, beat, LATERAL (VALUES
      (1, 'run.started', '{}'::json, r.state IN ('queued', 'provisioning')),
      (2, 'run.runtime_status_changed', json_build_object('from', r.runtime_status, 'to', $4::text),
        r.runtime_status IS DISTINCT FROM $4),
      (3, 'run.health_changed', json_build_object('from', r.health, 'to', 'healthy'), r.health <> 'healthy')
    ) AS n (ord, type, data, holds)
    WHERE n.holds
  ), changed AS (
    UPDATE run SET last_event_seq = last_event_seq + (SELECT count(*) FROM news), runtime_status = $4, health = 'healthy',
      state = CASE WHEN run.state IN ('queued', 'provisioning') THEN 'running' ELSE run.state END,
      started_at = coalesce(started_at, beat.at)
    FROM beat WHERE run.id = beat.run_id AND EXISTS (SELECT FROM news)
    RETURNING run.id, last_event_seq, last_event_seq - (SELECT count(*) FROM news) AS base
  ), events AS (
    INSERT INTO run_event (run_id, seq, type, data) SELECT changed.id, base + ord, type, data FROM changed, news
  ), transition AS (
    INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor)
    SELECT changed.id, base + ord, r.state, 'running', $3 FROM changed, news, r WHERE news.type = 'run.started'
  ), point AS (
    INSERT INTO run_metric (run_id, beat, at, step, checkpoint_version, samples_per_sec, loss, metrics)
    SELECT run_id, beats, at, step, checkpoint_version, samples_per_sec, loss, metrics FROM beat WHERE beats % stride = 0
  ), thinned AS (
    DELETE FROM run_metric m USING beat
    WHERE m.run_id = beat.run_id AND beats = stride / 2 * $12::bigint + 1 AND m.beat % stride <> 0
  )
  SELECT at, status, beats::float8 AS beats, ${MEASURES},
    (SELECT pg_notify('${RUN_CHANNEL}', id || ':' || last_event_seq)::text FROM changed) AS announced
  FROM beat`,
);

const LAST = statement<LastBeat>(
  'heartbeat_last',
  `SELECT step::float8 AS step, checkpoint_version::float8 AS checkpoint_version,
     extract(epoch FROM clock_timestamp() - at)::float8 AS age_seconds FROM run_heartbeat WHERE run_id = $1`,
);

const FIND = statement<HeartbeatRow>(
  'heartbeat_find',
  `SELECT at, status, beats::float8 AS beats, ${MEASURES} FROM run_heartbeat WHERE run_id = $1`,
);

const SERIES = statement<MetricPoint>(
  'heartbeat_series',
  `SELECT beat::float8 AS beat, at, ${MEASURES} FROM run_metric WHERE run_id = $1 AND beat > $2 ORDER BY beat LIMIT $3`,
);
