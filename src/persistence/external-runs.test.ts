import { v7 } from 'uuid';
import { overlapping } from '../../test/support/overlap.ts';
import { acceptCancel, hashOf, insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, testStore, type TestStore } from '../../test/support/store.ts';
import { commandRepository } from './commands.ts';
import { externalRunRepository } from './external-runs.ts';

let opened: TestStore;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened.close());

it('a command that is accepted while the end waits for the row of the run ends with it', async () => {
  const { db, pool } = opened.database;
  const { head } = await opened.store.workflows.save(caller, {
    tag: 'w',
    definition: definitionOf(1),
    expectation: {},
  });
  const { id: artifact_id, version_hash } = head;
  const run_id = await insertRun(db, { artifact_id, version_hash }, 'external');
  const external = externalRunRepository(db);
  const by_runtime = { run_id, actor: 'runtime', reason: null };
  expect(await external.change({ ...by_runtime, from: 'queued', to: 'running' })).toBe(true);
  const content = Buffer.from('{}');
  const snapshot = { artifact_id: v7(), cas_id: hashOf(content), content };
  const end = { output: null, output_ref: null, error: null, snapshot };
  const is_changed = await overlapping(
    opened.database,
    async (tx) => expect(await acceptCancel(tx, run_id, 'late')).toBe(true),
    () => external.change({ ...by_runtime, from: 'running', to: 'completed', end }),
  );
  expect(is_changed).toBe(true);
  expect(await commandRepository(db).list(run_id)).toMatchObject([
    { id: 'late', state: 'rejected', reason: 'The run has ended.' },
  ]);
  expect((await pool.query('SELECT state FROM run WHERE id = $1', [run_id])).rows).toEqual([
    { state: 'completed' },
  ]);
});
