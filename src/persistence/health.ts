import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { run, statement } from './statement.ts';

export interface HealthLimits {
  /** How long a silence is only stale. */
  unresponsive_after_seconds: number;
}

export interface JudgedRun {
  run_id: string;
  health: 'heartbeat_stale' | 'unresponsive' | null;
}

/**
 * Judges the silence of at most `limit` runs whose time has come, the oldest first. Answers those it looked at; the
 * health is null when nothing changed (the run has ended). What another process looks at is left to it.
 */
export async function judgeSilence(db: Db, limits: HealthLimits, limit: number): Promise<JudgedRun[]> {
  return run(db, JUDGE, [limit, limits.unresponsive_after_seconds]);
}

// A plain heartbeat leaves the run's row alone: whether the silence still lasts, the heartbeat's row is asked again once the
// run is locked. The first question is for `now()`, because an index is of no use to a clock that moves.
export const JUDGE = statement<JudgedRun>(
  'health_judge',
  `WITH due AS MATERIALIZED (
    SELECT r.id, r.health, r.ended_at FROM run_heartbeat h JOIN run r ON r.id = h.run_id
    WHERE h.due_at <= now() ORDER BY h.due_at LIMIT $1 FOR NO KEY UPDATE OF r SKIP LOCKED
  ), judged AS (
    UPDATE run_heartbeat h SET due_at = CASE
      WHEN due.ended_at IS NULL AND clock_timestamp() < h.at + make_interval(secs => $2)
        THEN h.at + make_interval(secs => $2) END
    FROM due WHERE h.run_id = due.id AND h.due_at <= clock_timestamp()
    RETURNING h.run_id, due.health AS before, due.ended_at IS NULL AS open,
      CASE WHEN h.due_at IS NULL THEN 'unresponsive' ELSE 'heartbeat_stale' END AS verdict,
      floor(extract(epoch FROM clock_timestamp() - h.at))::integer AS silent_seconds
  ), news AS MATERIALIZED (
    SELECT j.run_id, n.type, n.data, row_number() OVER (PARTITION BY j.run_id ORDER BY n.ord) AS ord
    FROM judged j, LATERAL (VALUES
      (1, 'run.health_changed',
        json_build_object('from', j.before, 'to', j.verdict, 'silent_seconds', j.silent_seconds), true),
      (2, 'run.terminate_recommended', json_build_object('reason', 'unresponsive', 'silent_seconds', j.silent_seconds),
        j.verdict = 'unresponsive')
    ) AS n (ord, type, data, holds)
    WHERE n.holds AND j.open AND j.before <> j.verdict
  ), changed AS (
    UPDATE run SET health = judged.verdict, last_event_seq = last_event_seq + told.count
    FROM judged JOIN (SELECT run_id, count(*)::integer AS count FROM news GROUP BY run_id) told USING (run_id)
    WHERE run.id = judged.run_id
    RETURNING run.id, run.health, last_event_seq, last_event_seq - told.count AS base
  ), events AS (
    INSERT INTO run_event (run_id, seq, type, data)
    SELECT changed.id, base + ord, type, data FROM changed JOIN news ON news.run_id = changed.id
  )
  SELECT judged.run_id, changed.health, pg_notify('${RUN_CHANNEL}', changed.id || ':' || last_event_seq)::text
  FROM judged LEFT JOIN changed ON changed.id = judged.run_id`,
);
