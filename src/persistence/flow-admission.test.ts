import { insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, PROJECT_ID, testStore, type TestStore } from '../../test/support/store.ts';
import { admissionRepository, type AdmissionRepository } from './flow-admission.ts';

let opened: TestStore;
let admissions: AdmissionRepository;
let version: { artifact_id: string; version_hash: string };

const WAITING = 20;

beforeAll(async () => {
  opened = await testStore({ max_connections: WAITING });
  admissions = admissionRepository(opened.database.db);
  const definition = definitionOf(1);
  const { head } = await opened.store.workflows.save(caller, { tag: 'w', definition, expectation: {} });
  version = { artifact_id: head.id, version_hash: head.version_hash };
  // Every connection is there before the first race: none of the racers has to wait for one.
  await Promise.all(Array.from({ length: WAITING }, () => sql('SELECT pg_sleep(0.05)')));
});
afterAll(() => opened.close());

const sql = async (text: string, values: unknown[] = []) =>
  (await opened.database.pool.query<Record<string, unknown>>(text, values)).rows;

/** A run that waits at these gates, oldest first. */
async function waiting(gates: Record<string, string | number>): Promise<string> {
  const id = await insertRun(opened.database.db, version);
  await sql('DELETE FROM outbox WHERE run_id = $1', [id]);
  const columns = Object.keys(gates).map((column, index) => `${column} = $${index + 2}`);
  await sql(`UPDATE run SET ${columns.join(', ')} WHERE id = $1`, [id, ...Object.values(gates)]);
  return id;
}

const keysOf = (id: string, gates: Record<string, string | number>) => ({
  id,
  project_id: PROJECT_ID,
  workflow: 'x',
  flow_key: (gates.flow_key as string) ?? null,
  rate_key: (gates.rate_key as string) ?? null,
  start_id: (gates.start_id as string) ?? null,
});

/** Everybody is admitted at once, each on a connection of its own; answers who was. */
async function race(gates: Record<string, string | number>): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < WAITING; n++) ids.push(await waiting(gates));
  const admitted = await Promise.all(ids.map((id) => admissions.admit(keysOf(id, gates), new Date())));
  return admitted.flatMap((run) => (run ? [run.id] : []));
}

test('however many are admitted at once, no more hold a key than its limit', async () => {
  expect(await race({ flow_key: 'k', flow_limit: 3 })).toHaveLength(3);
});

test('however many are admitted at once, one has a start id', async () => {
  expect(await race({ start_id: 's' })).toHaveLength(1);
});

test('however many are admitted at once, one has a beat', async () => {
  expect(await race({ rate_key: 'r', rate_per_second: 0.001 })).toHaveLength(1);
});

test('a run is admitted once, with its event and the outbox item that starts it, which goes before its commands', async () => {
  const gates = { flow_key: 'once', flow_limit: 5 };
  const id = await waiting(gates);
  const tries = await Promise.all(
    Array.from({ length: 10 }, () => admissions.admit(keysOf(id, gates), new Date())),
  );
  expect(tries.filter(Boolean)).toHaveLength(1);
  expect(await sql('SELECT type FROM run_event WHERE run_id = $1 ORDER BY seq', [id])).toEqual([
    { type: 'run.queued' },
    { type: 'run.admitted' },
  ]);
  expect(await sql('SELECT id, kind FROM outbox WHERE run_id = $1', [id])).toEqual([{ id, kind: 'start' }]);
});

test('whoever may pass all gates goes before an older one that may not', async () => {
  const older = await waiting({ flow_key: 'both', flow_limit: 5, start_id: 'taken' });
  const holder = await waiting({ start_id: 'taken' });
  expect((await admissions.admit(keysOf(holder, { start_id: 'taken' }), new Date()))?.id).toBe(holder);
  const younger = await waiting({ flow_key: 'both', flow_limit: 5 });
  const gate = { kind: 'flow', project_id: PROJECT_ID, key: 'both', workflow: null } as const;
  expect((await admissions.next(gate))?.id).toBe(younger);
  await sql('UPDATE run SET start_id = NULL WHERE id = $1', [holder]);
  expect((await admissions.next(gate))?.id).toBe(older);
});

test('the limit of a key is that of its newest open run', async () => {
  const first = await waiting({ flow_key: 'grown', flow_limit: 1 });
  await admissions.admit(keysOf(first, { flow_key: 'grown' }), new Date());
  const second = await waiting({ flow_key: 'grown', flow_limit: 1 });
  const gate = { kind: 'flow', project_id: PROJECT_ID, key: 'grown', workflow: null } as const;
  expect(await admissions.next(gate)).toBeUndefined();
  await waiting({ flow_key: 'grown', flow_limit: 2 });
  expect((await admissions.next(gate))?.id).toBe(second);
});

test.each([
  ['a key without a limit', { flow_key: 'k' }],
  ['a limit without a key', { flow_limit: 1 }],
  ['a rate without a pace', { rate_key: 'k' }],
  ['an empty start id', { start_id: '' }],
  ['a limit of none', { flow_key: 'k', flow_limit: 0 }],
])('%s is refused by the table', async (_, columns) => {
  await expect(waiting(columns as never)).rejects.toThrow(/violates check constraint/);
});
