import { v7 } from 'uuid';
import type { Json } from '../../src/contract/json.ts';
import { encodeJson } from '../../src/domain/blobs-encode.ts';
import { applyPatch } from '../../src/domain/rules/json-patch.ts';
import { storeServices } from '../../src/domain/store.ts';
import { type Database, openDatabase } from '../../src/persistence/db.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const project_id = '00000000-0000-7000-8000-000000000001';
const caller = { project_id, actor: 'test' };
const PATCHES = 1_000;
let test_database: TestDatabase;
let database: Database;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 4 });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

const p95 = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)]!;

async function times(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    await work();
    taken.push(performance.now() - begun);
  }
  return taken;
}

it('a chain of 1,000 patches reads as its full replay, takes no more, and its head is as fast as any', async () => {
  const store = storeServices({ db: database.db, ids: v7 });
  const definition = {
    schema_version: 1,
    name: 'x',
    params: {},
    nodes: { a: { type: 'transform', config: { value: 1 } } },
  };
  await store.workflows.save(caller, { tag: 'long', definition, expectation: {} });
  let expected = definition as Json;
  const writing: number[] = [];
  for (let n = 0; n < PATCHES; n++) {
    const operations = [{ op: 'add', path: `/params/p${n % 211}`, value: n }];
    writing.push(
      ...(await times(1, () => store.patches.create(caller, { tag: 'long', operations, expectation: {} }))),
    );
    expected = applyPatch(expected, operations);
  }
  const one_more = store.patches.create(caller, {
    tag: 'long',
    operations: [{ op: 'remove', path: '/params' }],
    expectation: {},
  });
  await expect(one_more).rejects.toMatchObject({ code: 'state_conflict' });

  const head = await store.refs.resolve(project_id, 'long');
  expect(head.version_hash).toBe(encodeJson(expected).cas_id);
  const members = await database.pool.query(
    'SELECT count(*)::int AS n FROM patch_chain_member WHERE head_id = $1',
    [head.artifact_id],
  );
  expect(members.rows).toEqual([{ n: PATCHES }]);

  const cached = await times(50, async () =>
    store.definitions.read(project_id, await store.refs.resolve(project_id, 'long')),
  );
  const cold = await times(20, () =>
    storeServices({ db: database.db, ids: v7 }).definitions.read(project_id, head),
  );
  expect(p95(cached)).toBeLessThan(50);
  await database.pool.query('DELETE FROM materialisation');
  const replaying = storeServices({ db: database.db, ids: v7 });
  const [replay] = await times(1, async () =>
    expect(await replaying.definitions.read(project_id, head)).toEqual(expected),
  );
  const report = {
    cached: p95(cached),
    cold: p95(cold),
    replay,
    first_patches: p95(writing.slice(0, 50)),
    last_patches: p95(writing.slice(-50)),
  };
  console.info(
    'p95 in ms',
    Object.fromEntries(Object.entries(report).map(([name, ms]) => [name, Number(ms?.toFixed(1))])),
  );
}, 180_000);
