import { Client, Connection } from '@temporalio/client';
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

/**
 * The one check every crash test ends with: rows, events and Temporal tell the same story. Answers every
 * contradiction it finds; an empty list means there is none.
 */
export async function contradictions(database_url: string, temporal_address: string): Promise<string[]> {
  const db = new pg.Client({ connectionString: database_url });
  await db.connect();
  const connection = await Connection.connect({ address: temporal_address });
  try {
    const found: string[] = [];
    for (const [what, query] of Object.entries(ROW_CHECKS)) {
      const { rows } = await db.query<{ about: string }>(query);
      found.push(...rows.map((row) => `${what}: ${row.about}`));
    }
    found.push(...(await forbiddenTransitions(db)));
    const { rows } = await db.query<{ id: string; state: string }>('SELECT id, state FROM run');
    const client = new Client({ connection });
    for (const row of rows) found.push(...(await againstTemporal(client, row)));
    return found;
  } finally {
    await connection.close();
    await db.end();
  }
}

/** Changes of state that the one table of them (contract §4) does not have. */
async function forbiddenTransitions(db: pg.Client): Promise<string[]> {
  const { rows } = await db.query<{ run_id: string; from_state: RunState; to_state: RunState }>(
    'SELECT run_id, from_state, to_state FROM run_state_transition WHERE from_state IS NOT NULL',
  );
  return rows
    .filter(({ from_state, to_state }) => !RUN_TRANSITIONS[from_state].includes(to_state))
    .map(({ run_id, from_state, to_state }) => `run ${run_id} went from ${from_state} to ${to_state}`);
}

/** The row of a run ends first: Temporal has until then to close the execution as well. */
const CLOSES_WITHIN_MS = 10_000;

async function againstTemporal(client: Client, run: { id: string; state: string }): Promise<string[]> {
  const until = Date.now() + CLOSES_WITHIN_MS;
  try {
    let { status } = await client.workflow.getHandle(run.id).describe();
    while (FINAL.includes(run.state) && status.name === 'RUNNING' && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      ({ status } = await client.workflow.getHandle(run.id).describe());
    }
    const allowed = CLOSED_AS[status.name] ?? [];
    return allowed.includes(run.state) ? [] : [`run ${run.id} is ${run.state}, Temporal says ${status.name}`];
  } catch (error) {
    if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
    return FINAL.includes(run.state) ? [`run ${run.id} is ${run.state} and unknown to Temporal`] : [];
  }
}

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
  'more than one final event': `SELECT run_id::text AS about FROM run_event
    WHERE type IN ('run.completed', 'run.failed', 'run.errored', 'run.terminated', 'run.cancelled') GROUP BY run_id HAVING count(*) > 1`,
  'the final event is not the last': `SELECT r.id::text AS about FROM run r JOIN run_event e ON e.run_id = r.id AND e.seq = r.last_event_seq
    WHERE r.ended_at IS NOT NULL AND e.type <> 'run.' || r.state`,
  'transitions do not join': `SELECT t.run_id::text AS about FROM (SELECT run_id, from_state,
      lag(to_state) OVER (PARTITION BY run_id ORDER BY event_seq) AS before FROM run_state_transition) t
    WHERE t.from_state IS DISTINCT FROM t.before`,
  'the state is not the last transition': `SELECT r.id::text AS about FROM run r WHERE state <>
    (SELECT to_state FROM run_state_transition t WHERE t.run_id = r.id ORDER BY event_seq DESC LIMIT 1)`,
  'a step ended more than once': `SELECT run_id || ' ' || (data->>'node') AS about FROM run_event
    WHERE type IN ('step.succeeded', 'step.failed', 'step.cancelled')
    GROUP BY run_id, data->>'node', data->>'attempt' HAVING count(*) > 1`,
  'a final run has no snapshot': `SELECT id::text AS about FROM run WHERE ended_at IS NOT NULL AND snapshot_id IS NULL`,
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
  'a run needs what was collected': `SELECT r.id::text AS about FROM run r JOIN artifact a ON a.id IN (r.artifact_id, r.manifest_id, r.snapshot_id)
    WHERE NOT a.live
    UNION ALL SELECT v.id::text FROM (
      SELECT id, unnest(ARRAY[input_ref, output_ref]) AS ref FROM run
      UNION ALL SELECT run_id, unnest(ARRAY[input_ref, output_ref, logs_ref]) FROM step
    ) v JOIN cas_blob b ON b.cas_id = v.ref WHERE b.collected_at IS NOT NULL`,
};
