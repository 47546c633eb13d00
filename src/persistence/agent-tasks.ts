import type { Json, JsonObject } from '../contract/json.ts';
import type { AgentTaskState } from '../contract/run.ts';
import type { Db } from './db.ts';
import { RUN_CHANNEL } from './run-journal.ts';
import type { agentTask } from './schema/external.ts';
import { runOne, run, statement } from './statement.ts';
import type { StepAddress } from './steps.ts';

/** Under which agents are told that there is a task; the payload is `<project id>:<capability>`. */
export const TASK_CHANNEL = 'orchestrator_agent_task';

export type AgentTaskRow = typeof agentTask.$inferSelect;

export interface NewAgentTask {
  id: string;
  capability: string;
  /** Null when it is large: then `task_ref` has it. */
  task: Json;
  task_ref: string | null;
}

export interface TaskClaim {
  project_id: string;
  capabilities: readonly string[];
  agent_id: string;
  lease: { token: string; seconds: number };
}

/** A task by the one who has it. */
export interface HeldTask {
  project_id: string;
  id: string;
  lease_token: string;
}

export interface TaskOutcome {
  state: 'succeeded' | 'failed';
  outcome_hash: string;
  /** What the run's workflow is told. */
  payload: JsonObject;
  payload_hash: string;
  /** A large output, which the step keeps. */
  output_ref: string | null;
  output_hash: string;
  outbox_id: string;
  sweep_after: Date;
}

export interface TaskFilter {
  project_id: string;
  state?: AgentTaskState;
  capability?: string;
}

export interface TaskPosition {
  created_at: Date;
  id: string;
}

export function agentTaskRepository(db: Db) {
  return {
    /**
     * Offers a task, and makes its step wait, once: a second time answers the id of the first. Undefined when the run
     * has ended or another execution has it.
     */
    async open(at: StepAddress, task: NewAgentTask): Promise<string | undefined> {
      const { id, capability, task_ref } = task;
      const { node, item, attempt } = at;
      const place = item < 0 ? { node, attempt } : { node, item, attempt };
      const event = JSON.stringify({ ...place, task_id: id, capability });
      const values = [at.run_id, at.temporal_run_id ?? null, node, item, attempt, id, capability];
      return (await runOne(db, OPEN, [...values, JSON.stringify(task.task), task_ref, event]))?.id;
    },

    async cancel({ run_id, node, item, attempt }: StepAddress): Promise<void> {
      await run(db, CANCEL, [run_id, node, item, attempt]);
    },

    /** The next task for these capabilities; it is the agent's for the lease. Undefined when there is none. */
    async claim({ project_id, capabilities, agent_id, lease }: TaskClaim): Promise<AgentTaskRow | undefined> {
      return runOne(db, CLAIM, [project_id, capabilities, agent_id, lease.token, lease.seconds]);
    },

    /** Keeps a task for another lease; undefined when it is not the caller's any more, or not wanted. */
    async extend(held: HeldTask, seconds: number): Promise<AgentTaskRow | undefined> {
      return runOne(db, EXTEND, [held.id, held.project_id, held.lease_token, seconds]);
    },

    /** Ends a task and tells its run, in one statement; undefined when it is not the caller's any more, or not wanted. */
    async complete(held: HeldTask, outcome: TaskOutcome): Promise<AgentTaskRow | undefined> {
      const { outcome_hash, payload, payload_hash, output_ref, output_hash, outbox_id, sweep_after } =
        outcome;
      const event = JSON.stringify({ id: held.id, type: 'complete' });
      const values = [held.id, held.project_id, held.lease_token, outcome_hash, JSON.stringify(payload)];
      const row = await runOne(db, COMPLETE, [
        ...values,
        ...[payload_hash, output_ref, output_hash, outbox_id, sweep_after, event],
      ]);
      if (!row) return undefined;
      const { announced: _, ...done } = row;
      return done;
    },

    async find(project_id: string, id: string): Promise<AgentTaskRow | undefined> {
      return runOne(db, FIND, [id, project_id]);
    },

    /** Newest first. The tasks of a run that has ended are cancelled with it. */
    async list(filter: TaskFilter, limit: number, after?: TaskPosition): Promise<AgentTaskRow[]> {
      const { project_id, state = null, capability = null } = filter;
      const from = [after?.created_at ?? null, after?.id ?? null];
      const rows = await run(db, LIST, [project_id, state, capability, ...from, limit]);
      return rows.map(({ standing, ...row }) => ({ ...row, state: standing }));
    },
  };
}

export type AgentTaskRepository = ReturnType<typeof agentTaskRepository>;

const OFFERED = "t.state IN ('open', 'claimed')";

const OPEN = statement<{ id: string }>(
  'agent_task_open',
  `WITH locked AS MATERIALIZED (
    SELECT id, epoch, project_id, priority FROM run
    WHERE id = $1 AND ended_at IS NULL AND coalesce(temporal_run_id = $2::uuid, true) FOR UPDATE
  ), opened AS (
    INSERT INTO agent_task (id, project_id, run_id, epoch, node, item, attempt, capability, task, task_ref, priority)
    SELECT $6, project_id, id, epoch, $3, $4, $5, $7, $8::json, $9, priority FROM locked
    ON CONFLICT DO NOTHING RETURNING id, project_id, run_id, epoch
  ), outdated AS (
    UPDATE agent_task t SET state = 'cancelled', ended_at = clock_timestamp()
    FROM opened WHERE t.run_id = opened.run_id AND t.epoch < opened.epoch AND t.node = $3 AND t.item = $4 AND ${OFFERED}
  ), waiting AS (
    INSERT INTO step (run_id, epoch, node, item, attempt, state, started_at)
    SELECT run_id, epoch, $3, $4, $5, 'waiting', clock_timestamp() FROM opened
    ON CONFLICT (run_id, epoch, node, item, attempt) DO UPDATE SET state = 'waiting'
    WHERE step.state IN ('pending', 'running')
  ), counted AS (
    UPDATE run SET last_event_seq = last_event_seq + 1, current_step = $3 FROM opened WHERE run.id = opened.run_id
    RETURNING run.id, last_event_seq
  ), noted AS (
    INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, 'step.waiting', $10::json FROM counted
  )
  SELECT opened.id, pg_notify('${RUN_CHANNEL}', counted.id || ':' || last_event_seq)::text,
    pg_notify('${TASK_CHANNEL}', opened.project_id || ':' || $7)::text AS offered
  FROM opened, counted
  UNION ALL
  SELECT t.id, NULL, NULL FROM agent_task t JOIN locked ON locked.id = t.run_id AND locked.epoch = t.epoch
  WHERE t.node = $3 AND t.item = $4 AND t.attempt = $5`,
);

const CANCEL = statement(
  'agent_task_cancel',
  `UPDATE agent_task t SET state = 'cancelled', ended_at = clock_timestamp()
   WHERE t.run_id = $1 AND t.node = $2 AND t.item = $3 AND t.attempt = $4 AND ${OFFERED}`,
);

// Tasks of a run that pauses are kept back; one under way may go on.
const CLAIM = statement<AgentTaskRow>(
  'agent_task_claim',
  `WITH next AS MATERIALIZED (
    SELECT t.id FROM agent_task t JOIN run r ON r.id = t.run_id
    WHERE t.project_id = $1 AND t.capability = ANY ($2::text[]) AND r.state = 'running'
      AND ${OFFERED} AND (t.state = 'open' OR t.lease_expires_at <= clock_timestamp())
    ORDER BY t.priority, t.created_at, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED
  )
  UPDATE agent_task t SET state = 'claimed', claimed_by = $3, lease_token = $4, deliveries = t.deliveries + 1,
    lease_expires_at = clock_timestamp() + make_interval(secs => $5), claimed_at = coalesce(t.claimed_at, clock_timestamp())
  FROM next WHERE t.id = next.id RETURNING t.*`,
);

const EXTEND = statement<AgentTaskRow>(
  'agent_task_extend',
  `UPDATE agent_task t SET lease_expires_at = clock_timestamp() + make_interval(secs => $4)
   FROM run r WHERE r.id = t.run_id AND r.ended_at IS NULL
     AND t.id = $1 AND t.project_id = $2 AND t.state = 'claimed' AND t.lease_token = $3
   RETURNING t.*`,
);

// The run's row is locked first, as everywhere. The command has the task's id: it is issued once.
const COMPLETE = statement<AgentTaskRow & { announced: unknown }>(
  'agent_task_complete',
  `WITH r AS MATERIALIZED (
    SELECT r.id FROM agent_task t JOIN run r ON r.id = t.run_id
    WHERE t.id = $1 AND t.project_id = $2 AND r.ended_at IS NULL FOR UPDATE OF r
  ), done AS (
    UPDATE agent_task t SET state = 'done', outcome_hash = $4, ended_at = clock_timestamp()
    FROM r WHERE t.id = $1 AND t.state = 'claimed' AND t.lease_token = $3
    RETURNING t.*
  ), kept AS (
    UPDATE step s SET output_ref = $7, output_hash = $8, agent_id = done.claimed_by FROM done
    WHERE s.run_id = done.run_id AND s.node = done.node AND s.item = done.item AND s.attempt = done.attempt
      AND s.state = 'waiting'
  ), c AS (
    INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by)
    SELECT run_id, id::text, 'complete', $5::json, $6, 'queued', claimed_by FROM done
    RETURNING run_id, id
  ), counted AS (
    UPDATE run SET last_event_seq = last_event_seq + 1 FROM c WHERE run.id = c.run_id RETURNING run.id, last_event_seq
  ), noted AS (
    INSERT INTO run_event (run_id, seq, type, data) SELECT id, last_event_seq, 'command.queued', $11::json FROM counted
  ), queued AS (
    INSERT INTO outbox (id, run_id, kind, command_id, next_attempt_at) SELECT $9::uuid, run_id, 'command', id, $10 FROM c
  )
  SELECT done.*, pg_notify('${RUN_CHANNEL}', counted.id || ':' || last_event_seq)::text AS announced FROM done, counted`,
);

const FIND = statement<AgentTaskRow>(
  'agent_task_find',
  'SELECT * FROM agent_task WHERE id = $1 AND project_id = $2',
);

const LIST = statement<AgentTaskRow & { standing: AgentTaskState }>(
  'agent_task_list',
  `SELECT * FROM (
    SELECT t.*, CASE WHEN r.ended_at IS NOT NULL AND ${OFFERED} THEN 'cancelled' ELSE t.state END AS standing
    FROM agent_task t JOIN run r ON r.id = t.run_id
    WHERE t.project_id = $1 AND ($3::text IS NULL OR t.capability = $3)
      AND ($4::timestamptz IS NULL OR (t.created_at, t.id) < ($4, $5::uuid))
  ) t WHERE $2::text IS NULL OR standing = $2
  ORDER BY created_at DESC, id DESC LIMIT $6`,
);
