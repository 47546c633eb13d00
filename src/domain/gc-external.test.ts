import { insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../../test/support/store.ts';

let opened: TestStore;
let run_id: string;

beforeAll(async () => {
  opened = await testStore();
  const { store, database } = opened;
  const { head } = await store.workflows.save(caller, {
    tag: 'x',
    definition: definitionOf(1),
    expectation: {},
  });
  run_id = await insertRun(database.db, { artifact_id: head.id, version_hash: head.version_hash });
});
afterAll(() => opened.close());

const sql = (text: string, values: unknown[]) => opened.database.pool.query(text, values);
const upload = async (text: string) =>
  (await opened.store.blobs.put(PROJECT_ID, Buffer.from(text), { media_type: 'text/plain' })).cas_id;

it('what runtimes and agents name is kept as long as their run, and then goes', async () => {
  const kept = {
    checkpoint: await upload('final checkpoint'),
    metric: await upload('named by the latest heartbeat'),
    task: await upload('a large task'),
    named: await upload('named by a task'),
  };
  const alone = await upload('alone');
  await sql(
    `INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, applied)
     VALUES ($1, 'c', 'terminate', '{}', 'x', 'acknowledged', 'x', $2)`,
    [run_id, { checkpoint: kept.checkpoint }],
  );
  await sql(
    `INSERT INTO run_heartbeat (run_id, at, status, step, checkpoint_version, samples_per_sec, metrics)
     VALUES ($1, now(), 'running', 1, 1, 1, $2)`,
    [run_id, { blob: kept.metric }],
  );
  await sql(
    `INSERT INTO agent_task (id, project_id, run_id, epoch, node, attempt, capability, task, task_ref, priority)
     VALUES (gen_random_uuid(), $1, $2, 0, 'a', 1, 'x', 'null', $3, 3), (gen_random_uuid(), $1, $2, 0, 'b', 1, 'x', $4, null, 3)`,
    [PROJECT_ID, run_id, kept.task, JSON.stringify({ read: kept.named })],
  );
  expect(await standing()).toEqual(Object.values(kept).sort());
  expect(await standing()).not.toContain(alone);
  // What belongs to a run goes with it, and what it alone needed after that.
  await sql('DELETE FROM run_state_transition WHERE run_id = $1', [run_id]);
  for (const table of ['run_event', 'run_command', 'outbox'])
    await sql(`DELETE FROM ${table} WHERE run_id = $1`, [run_id]);
  await sql('DELETE FROM run WHERE id = $1', [run_id]);
  expect(await standing()).toEqual([]);
});

/** The uploads that a collection leaves. */
async function standing(): Promise<string[]> {
  await opened.store.gc.mark();
  await opened.store.gc.collect({ grace_seconds: 0 });
  const { rows } = await opened.database.pool.query<{ cas_id: string }>(
    `SELECT b.cas_id FROM cas_blob b JOIN blob_grant g USING (cas_id)
     WHERE g.media_type = 'text/plain' AND b.stored ORDER BY cas_id`,
  );
  return rows.map((row) => row.cas_id);
}
