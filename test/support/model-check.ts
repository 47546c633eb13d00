import { Client, Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import pg from 'pg';
import { RUN_TRANSITIONS, type RunState } from '../../src/contract/run.ts';

const FINAL = ['completed', 'failed', 'errored', 'terminated', 'cancelled'];
/** Temporal close status → the run states it may stand for (contract §4). */
const CLOSED_AS: Record<string, string[]> = {
  COMPLETED: ['completed', 'failed'],
  FAILED: ['errored'],
  CANCELLED: ['cancelled'],
  TERMINATED: ['terminated'],
  TIMED_OUT: ['errored'],
  RUNNING: ['queued', 'provisioning', 'running', 'paused', 'terminating'],
};

/** What is told twice, in rows and in Temporal or in two statements, may differ for a moment; what was wrong stays wrong. */
const SETTLES_WITHIN_MS = 30_000;

/**
 * The one check every crash test ends with: rows, events and Temporal tell the same story. Answers every
 * contradiction that stays; an empty list means there is none. Where payloads are encrypted it needs the codec.
 */
export async function contradictions(
  database_url: string,
  temporal_address: string,
  codec?: PayloadCodec,
): Promise<string[]> {
  const db = new pg.Client({ connectionString: database_url });
  await db.connect();
  const connection = await Connection.connect({ address: temporal_address });
  try {
    const client = new Client({ connection, dataConverter: { payloadCodecs: codec ? [codec] : [] } });
    const until = Date.now() + SETTLES_WITHIN_MS;
    let found = await contradictionsNow(db, client);
    while (found.length > 0 && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const again = new Set(await contradictionsNow(db, client));
      found = found.filter((one) => again.has(one));
    }
    return found;
  } finally {
    await connection.close();
    await db.end();
  }
}

async function contradictionsNow(db: pg.Client, client: Client): Promise<string[]> {
  const found: string[] = [];
  for (const [what, query] of Object.entries(ROW_CHECKS)) {
    const { rows } = await db.query<{ about: string }>(query);
    found.push(...rows.map((row) => `${what}: ${row.about}`));
  }
  found.push(...(await forbiddenTransitions(db)));
  found.push(...(await heldBackForNothing(db)));
  const { rows } = await db.query<RunToCheck>(
    `SELECT id, state, admitted_at IS NULL AND num_nonnulls(flow_key, rate_key, start_id) > 0 AS is_held FROM run
     WHERE executor = 'temporal'`,
  );
  for (const row of rows) found.push(...(await againstTemporal(client, row)));
  return found;
}

/** Changes of state that the one table of them (contract §4) does not have; only a reset may do what it likes. */
async function forbiddenTransitions(db: pg.Client): Promise<string[]> {
  const { rows } = await db.query<{ run_id: string; from_state: RunState; to_state: RunState }>(
    `SELECT t.run_id, from_state, to_state FROM run_state_transition t
     JOIN run_event e ON e.run_id = t.run_id AND e.seq = t.event_seq
     WHERE from_state IS NOT NULL AND e.type <> 'run.reset'`,
  );
  return rows
    .filter(({ from_state, to_state }) => !RUN_TRANSITIONS[from_state].includes(to_state))
    .map(({ run_id, from_state, to_state }) => `run ${run_id} went from ${from_state} to ${to_state}`);
}

interface RunToCheck {
  id: string;
  state: string;
  /** It was never let in, so Temporal has never heard of it. */
  is_held: boolean;
}

async function againstTemporal(client: Client, run: RunToCheck): Promise<string[]> {
  try {
    const { status } = await client.workflow.getHandle(run.id).describe();
    const allowed = run.is_held ? [] : (CLOSED_AS[status.name] ?? []);
    return allowed.includes(run.state) ? [] : [`run ${run.id} is ${run.state}, Temporal says ${status.name}`];
  } catch (error) {
    if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
    return FINAL.includes(run.state) && !run.is_held
      ? [`run ${run.id} is ${run.state} and unknown to Temporal`]
      : [];
  }
}

/** Events with the epoch that they are of: a reset begins the next one. */
const EPOCHS = `(SELECT *, count(*) FILTER (WHERE type = 'run.reset') OVER (PARTITION BY run_id ORDER BY seq) AS epoch FROM run_event)`;

async function heldBackForNothing(db: pg.Client): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(HELD_BACK_FOR_NOTHING);
  return rows.map(({ id }) => `run ${id} waits though there is room`);
}

const HOLDERS = `SELECT count(*) FROM run h WHERE h.project_id = r.project_id AND h.flow_key = r.flow_key
  AND h.admitted_at IS NOT NULL AND h.ended_at IS NULL`;
const NEWEST_LIMIT = `SELECT n.flow_limit FROM run n WHERE n.project_id = r.project_id AND n.flow_key = r.flow_key
  AND n.ended_at IS NULL ORDER BY n.created_at DESC, n.id DESC LIMIT 1`;

const HELD_BACK_FOR_NOTHING = `SELECT r.id FROM run r WHERE r.admitted_at IS NULL AND r.ended_at IS NULL AND r.state = 'queued'
  AND num_nonnulls(r.flow_key, r.rate_key, r.start_id) > 0
  AND (r.flow_key IS NULL OR (${HOLDERS}) < (${NEWEST_LIMIT}))
  AND (r.start_id IS NULL OR NOT EXISTS (SELECT FROM run h WHERE h.project_id = r.project_id AND h.workflow = r.workflow
    AND h.start_id = r.start_id AND h.admitted_at IS NOT NULL AND h.ended_at IS NULL))
  AND (r.rate_key IS NULL OR NOT EXISTS (SELECT FROM run b WHERE b.project_id = r.project_id AND b.rate_key = r.rate_key
    AND b.rate_slot > clock_timestamp() - make_interval(secs => 1 / greatest(r.rate_per_second, 1e-9))))`;

/** Each query lists what must not be. */
const ROW_CHECKS: Record<string, string> = {
  'events have a gap': `SELECT run_id::text AS about FROM run_event GROUP BY run_id HAVING max(seq) <> count(*) OR min(seq) <> 1`,
  'the last event is not the run’s': `SELECT r.id::text AS about FROM run r WHERE last_event_seq <>
    (SELECT count(*) FROM run_event e WHERE e.run_id = r.id)`,
  'a final run has open steps': `SELECT s.run_id || ' ' || s.node AS about FROM step s JOIN run r ON r.id = s.run_id
    WHERE r.ended_at IS NOT NULL AND s.state IN ('pending', 'running', 'waiting')`,
  'a final run has open commands': `SELECT c.run_id || ' ' || c.id AS about FROM run_command c JOIN run r ON r.id = c.run_id
    WHERE r.ended_at IS NOT NULL AND c.state IN ('queued', 'delivered')`,
  'a final run is in the outbox': `SELECT o.run_id::text AS about FROM outbox o JOIN run r ON r.id = o.run_id
    WHERE r.ended_at IS NOT NULL`,
  'more than one final event': `SELECT run_id::text AS about FROM ${EPOCHS} e
    WHERE type IN ('run.completed', 'run.failed', 'run.errored', 'run.terminated', 'run.cancelled') GROUP BY run_id, epoch HAVING count(*) > 1`,
  'an event comes after the final one': `SELECT e.run_id || ' ' || e.seq AS about FROM ${EPOCHS} e JOIN ${EPOCHS} f
      ON f.run_id = e.run_id AND f.epoch = e.epoch AND f.seq < e.seq
    WHERE f.type IN ('run.completed', 'run.failed', 'run.errored', 'run.terminated', 'run.cancelled')`,
  'the epoch is not the number of resets': `SELECT r.id::text AS about FROM run r
    WHERE epoch <> (SELECT count(*) FROM run_event e WHERE e.run_id = r.id AND e.type = 'run.reset')`,
  'a step of another epoch than its run has yet reached': `SELECT s.run_id || ' ' || s.node AS about FROM step s JOIN run r ON r.id = s.run_id
    WHERE s.epoch > r.epoch`,
  'a step of an epoch that is over is open': `SELECT s.run_id || ' ' || s.node AS about FROM step s JOIN run r ON r.id = s.run_id
    WHERE s.epoch < r.epoch AND s.state IN ('pending', 'running', 'waiting')`,
  'the final event is not the last': `SELECT r.id::text AS about FROM run r JOIN run_event e ON e.run_id = r.id AND e.seq = r.last_event_seq
    WHERE r.ended_at IS NOT NULL AND e.type <> 'run.' || r.state`,
  'transitions do not join': `SELECT t.run_id::text AS about FROM (SELECT run_id, from_state,
      lag(to_state) OVER (PARTITION BY run_id ORDER BY event_seq) AS before FROM run_state_transition) t
    WHERE t.from_state IS DISTINCT FROM t.before`,
  'the state is not the last transition': `SELECT r.id::text AS about FROM run r WHERE state <>
    (SELECT to_state FROM run_state_transition t WHERE t.run_id = r.id ORDER BY event_seq DESC LIMIT 1)`,
  'a step ended more than once': `SELECT run_id || ' ' || (data->>'node') AS about FROM ${EPOCHS} e
    WHERE type IN ('step.succeeded', 'step.failed', 'step.cancelled')
    GROUP BY run_id, epoch, data->>'node', data->>'item', data->>'attempt' HAVING count(*) > 1`,
  'a final run has no snapshot': `SELECT id::text AS about FROM run WHERE ended_at IS NOT NULL AND snapshot_id IS NULL`,
  // A run that was opened again by a reset has its slot back, whoever has been let in meanwhile.
  'a key has more runs than its limit': `SELECT flow_key AS about FROM run WHERE flow_key IS NOT NULL AND ended_at IS NULL
    GROUP BY project_id, flow_key HAVING count(*) FILTER (WHERE admitted_at IS NOT NULL AND epoch = 0) > max(flow_limit)`,
  'a start id has more than one run': `SELECT start_id AS about FROM run
    WHERE start_id IS NOT NULL AND admitted_at IS NOT NULL AND ended_at IS NULL AND epoch = 0
    GROUP BY project_id, workflow, start_id HAVING count(*) > 1`,
  'starts of a rate are too close': `SELECT rate_key AS about FROM (
      SELECT rate_key, rate_slot - lag(rate_slot) OVER (PARTITION BY project_id, rate_key ORDER BY rate_slot) AS gap,
        rate_per_second FROM run WHERE rate_slot IS NOT NULL
    ) s WHERE gap < make_interval(secs => 1 / greatest(rate_per_second, 1e-9)) - interval '1 microsecond'`,
  'a run is to be started that was not let in': `SELECT o.run_id::text AS about FROM outbox o JOIN run r ON r.id = o.run_id
    WHERE o.kind = 'start' AND r.admitted_at IS NULL AND num_nonnulls(r.flow_key, r.rate_key, r.start_id) > 0`,
  'an external run is in the outbox': `SELECT r.id::text AS about FROM run r JOIN outbox o ON o.run_id = r.id WHERE r.executor = 'external'`,
  'a runtime was heard of, and its run still waits': `SELECT r.id::text AS about FROM run r JOIN run_heartbeat h ON h.run_id = r.id
    WHERE r.state IN ('queued', 'provisioning')`,
  'a heartbeat belongs to a run of Temporal': `SELECT r.id::text AS about FROM run r JOIN run_heartbeat h ON h.run_id = r.id
    WHERE r.executor <> 'external'`,
  'a silence is not watched': `SELECT r.id::text AS about FROM run r JOIN run_heartbeat h ON h.run_id = r.id
    WHERE r.ended_at IS NULL AND (h.due_at IS NULL) <> (r.health = 'unresponsive')`,
  'a command was handed out before its turn': `SELECT c.run_id || ' ' || c.id AS about FROM run_command c JOIN run r ON r.id = c.run_id
    WHERE r.executor = 'external' AND c.state = 'delivered'
      AND EXISTS (SELECT FROM run_command b WHERE b.run_id = c.run_id AND b.seq < c.seq AND b.state IN ('queued', 'delivered'))`,
  'commands were answered out of order': `SELECT run_id::text AS about FROM (
      SELECT e.run_id, c.seq, lag(c.seq) OVER (PARTITION BY e.run_id ORDER BY e.seq) AS before
      FROM run_event e JOIN run r ON r.id = e.run_id JOIN run_command c ON c.run_id = e.run_id AND c.id = e.data->>'id'
      WHERE r.executor = 'external' AND e.type IN ('command.acknowledged', 'command.rejected')) a WHERE before > seq`,
  'a command was answered more than once': `SELECT run_id || ' ' || (data->>'id') AS about FROM ${EPOCHS} e
    WHERE type IN ('command.acknowledged', 'command.rejected', 'command.superseded', 'command.expired')
    GROUP BY run_id, epoch, data->>'id' HAVING count(*) > 1`,
  'a task that is done told its run nothing': `SELECT t.id::text AS about FROM agent_task t WHERE t.state = 'done'
    AND NOT EXISTS (SELECT FROM run_command c WHERE c.run_id = t.run_id AND c.id = t.id::text AND c.type = 'complete')`,
  'a step waits for a task that is over': `SELECT t.id::text AS about FROM agent_task t JOIN step s USING (run_id, epoch, node, item, attempt)
    JOIN run r ON r.id = t.run_id WHERE s.state = 'waiting' AND t.state = 'cancelled' AND r.ended_at IS NOT NULL`,
  'a tag and its history differ': `SELECT t.name AS about FROM tag t JOIN LATERAL (SELECT to_id, version FROM tag_move m
      WHERE m.project_id = t.project_id AND m.tag_name = t.name ORDER BY seq DESC LIMIT 1) m ON true
    WHERE m.to_id <> t.target_id OR m.version <> t.version`,
  'a blob does not hash to its name': `SELECT cas_id AS about FROM cas_blob
    WHERE content IS NOT NULL AND 'sha256:' || encode(sha256(content), 'hex') <> cas_id`,
  'a blob is not in exactly one place': `SELECT cas_id AS about FROM cas_blob b WHERE num_nonnulls(content, storage_url, collected_at) <> 1
    OR (storage_url LIKE 'pg:%' AND NOT EXISTS (SELECT FROM object_chunk c WHERE 'pg:' || c.object_key = b.storage_url))
    OR EXISTS (SELECT FROM object_garbage g WHERE g.storage_url = b.storage_url AND g.deleting)`,
  'a live artifact needs a collected blob': `SELECT a.id::text AS about FROM artifact a JOIN cas_blob b ON b.cas_id = a.cas_id
    WHERE a.live AND b.collected_at IS NOT NULL`,
  'a live patch stands on a dead one': `SELECT a.id::text AS about FROM artifact a JOIN artifact p ON p.id IN (a.parents[1], a.base_version)
    WHERE a.kind = 'patch_set' AND a.live AND NOT p.live`,
  'a tag leads to a dead artifact': `WITH RECURSIVE led AS (
      SELECT target_id AS id FROM tag
      UNION SELECT p.id FROM led JOIN artifact a ON a.id = led.id CROSS JOIN LATERAL unnest(a.parents || a.compacted_from_id) p (id)
    ) SELECT a.id::text AS about FROM led JOIN artifact a ON a.id = led.id WHERE NOT a.live`,
  'the frames of a proposal have a gap': `SELECT proposal_id::text AS about FROM proposal_frame
    GROUP BY proposal_id HAVING count(*) <> max(seq) OR min(seq) <> 1`,
  'frames of an attempt come behind a later one': `SELECT f.proposal_id::text AS about FROM proposal_frame f
    JOIN proposal_frame n ON n.proposal_id = f.proposal_id AND n.seq = f.seq + 1 WHERE n.attempt < f.attempt`,
  'a proposal is over without its end': `SELECT p.id::text AS about FROM proposal p WHERE p.status <> 'processing'
    AND NOT EXISTS (SELECT FROM proposal_frame f WHERE f.proposal_id = p.id AND f.type = 'end')
    AND (p.last_frame_seq = 0 OR EXISTS (SELECT FROM proposal_frame f WHERE f.proposal_id = p.id))`,
  'a proposal ends twice, or goes on behind its end': `SELECT p.id::text AS about FROM proposal p
    JOIN proposal_frame f ON f.proposal_id = p.id AND f.type = 'end' AND (f.seq < p.last_frame_seq OR p.status = 'processing')`,
  'a proposal waits at a draft that is closed': `SELECT p.id::text AS about FROM proposal p JOIN draft d ON d.id = p.draft_id
    WHERE p.status IN ('processing', 'completed') AND d.state <> 'open'`,
  'a run needs what was collected': `SELECT r.id::text AS about FROM run r JOIN artifact a ON a.id IN (r.artifact_id, r.manifest_id, r.snapshot_id)
    WHERE NOT a.live
    UNION ALL SELECT v.id::text FROM (
      SELECT id, unnest(ARRAY[input_ref, output_ref]) AS ref FROM run
      UNION ALL SELECT run_id, unnest(ARRAY[input_ref, output_ref, logs_ref]) FROM step
    ) v JOIN cas_blob b ON b.cas_id = v.ref WHERE b.collected_at IS NOT NULL`,
};
