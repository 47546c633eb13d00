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
let statements = 0;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 4, onStatement: () => statements++ });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

it('a chain of 1,000 patches reads as its full replay, takes no more, and reading its head replays nothing', async () => {
  const store = storeServices({ db: database.db, ids: v7 });
  const definition = {
    schema_version: 1,
    name: 'x',
    params: {},
    nodes: { a: { type: 'transform', config: { value: 1 } } },
  };
  await store.workflows.save(caller, { tag: 'long', definition, expectation: {} });
  let expected = definition as Json;
  for (let n = 0; n < PATCHES; n++) {
    const operations = [{ op: 'add', path: `/params/p${n % 211}`, value: n }];
    await store.patches.create(caller, { tag: 'long', operations, expectation: {} });
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

  statements = 0;
  const reader = storeServices({ db: database.db, ids: v7 });
  expect(await reader.definitions.read(project_id, head)).toEqual(expected);
  expect(statements).toBe(1);
  expect(await reader.definitions.read(project_id, head)).toEqual(expected);
  expect(statements).toBe(1);

  await database.pool.query('DELETE FROM materialisation');
  const replaying = storeServices({ db: database.db, ids: v7 });
  expect(await replaying.definitions.read(project_id, head)).toEqual(expected);
}, 180_000);
