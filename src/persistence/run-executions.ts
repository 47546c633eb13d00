import type { RunState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import { runOne, statement } from './statement.ts';

/** A run as it was looked at: what is written on the strength of it is written only while that still holds. */
export interface Seen {
  id: string;
  epoch: number;
  temporal_run_id: string | null;
}

export interface Reopening {
  temporal_run_id: string;
  /** Where its workflow is. */
  state: RunState;
}

/** Which Temporal execution writes a run. Both answer false when the run is no longer as it was seen. */
export function runExecutionRepository(db: Db) {
  return {
    /** The run has continued as new. */
    async adopt({ id, epoch, temporal_run_id: before }: Seen, temporal_run_id: string): Promise<boolean> {
      return (await runOne(db, ADOPT, [id, epoch, before, temporal_run_id])) !== undefined;
    },

    /**
     * The run was reset: it is open again, in its next epoch. What its steps were doing is over, but for what waits;
     * the outcome is withdrawn, and its snapshot left to garbage collection.
     */
    async reopen({ id, epoch, temporal_run_id }: Seen, to: Reopening): Promise<boolean> {
      const reason = 'Reset in Temporal.';
      const values = [id, epoch, temporal_run_id, to.temporal_run_id, to.state, reason];
      return (await runOne(db, REOPEN, values)) !== undefined;
    },
  };
}

export type RunExecutionRepository = ReturnType<typeof runExecutionRepository>;

const ADOPT = statement<{ id: string }>(
  'run_adopt',
  `UPDATE run SET temporal_run_id = $4::uuid, journal_history = 0, journal_retold = 0
   WHERE id = $1 AND epoch = $2 AND temporal_run_id IS NOT DISTINCT FROM $3::uuid AND ended_at IS NULL RETURNING id`,
);

// What the workflow itself waited for, it most likely waits for again; if not, it says so with its next flush.
const REOPEN = statement<{ id: string }>(
  'run_reopen',
  `WITH before AS MATERIALIZED (
    SELECT id, state FROM run
    WHERE id = $1 AND epoch = $2 AND temporal_run_id IS NOT DISTINCT FROM $3::uuid FOR UPDATE
  ), r AS (
    UPDATE run SET epoch = run.epoch + 1, temporal_run_id = $4::uuid, state = $5, ended_at = NULL, output = NULL,
      output_ref = NULL, error = NULL, reason = NULL, snapshot_id = NULL, in_flight = 0, journal_seq = 0, journal_history = 0,
      journal_retold = 0,
      last_event_seq = last_event_seq + 1
    FROM before WHERE run.id = before.id RETURNING run.id, epoch, last_event_seq, before.state AS before
  ), event AS (
    INSERT INTO run_event (run_id, seq, type, data)
    SELECT id, last_event_seq, 'run.reset', json_build_object('epoch', epoch, 'state', $5::text) FROM r
  ), transition AS (
    INSERT INTO run_state_transition (run_id, event_seq, from_state, to_state, actor, reason)
    SELECT id, last_event_seq, before, $5, 'temporal', $6 FROM r
  ), waiting AS (
    INSERT INTO step (run_id, epoch, node, item, attempt, state, agent_id, started_at)
    SELECT s.run_id, r.epoch, s.node, s.item, s.attempt, 'waiting', s.agent_id, clock_timestamp()
    FROM r JOIN step s ON s.run_id = r.id AND s.epoch = r.epoch - 1
    WHERE s.state IN ('waiting', 'cancelled') AND s.agent_id IS NULL
  ), over AS (
    UPDATE step s SET state = 'cancelled', ended_at = clock_timestamp()
    FROM r WHERE s.run_id = r.id AND s.state IN ('pending', 'running', 'waiting')
  )
  SELECT id, pg_notify('${RUN_CHANNEL}', id || ':' || last_event_seq)::text FROM r`,
);
