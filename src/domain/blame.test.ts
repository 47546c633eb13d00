import { v7 } from 'uuid';
import { definition, transform } from '../../test/support/definitions.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import type { JsonObject } from '../contract/json.ts';
import { type Database, openDatabase } from '../persistence/db.ts';
import type { Caller } from './refs.ts';
import { type StoreServices, storeServices } from './store.ts';

const caller: Caller = { project_id: '00000000-0000-7000-8000-000000000001', actor: 'ann', role: 'owner' };
const { project_id } = caller;
const statements: string[] = [];
let test_database: TestDatabase;
let database: Database;
let store: StoreServices;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({
    url: test_database.url,
    max_connections: 4,
    onStatement: (sql) => statements.push(sql),
  });
  store = storeServices({ db: database.db, ids: v7 });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

const base = definition('x', { a: transform(1), b: transform(2) }, { params: { n: 0, list: ['p', 'q'] } });
const save = async (tag: string, document: JsonObject = base) =>
  (await store.workflows.save(caller, { tag, definition: document, message: 'saved', expectation: {} })).head;
const patch = async (tag: string, ...operations: object[]) =>
  (await store.patches.create(caller, { tag, operations, message: 'patched', expectation: {} })).head;
const blame = (ref: string, pointer: string) => store.blame.value(project_id, { ref, pointer });
const set = (path: string, value: unknown) => ({ op: 'add', path, value });

it('names the patch or the version that set a value, who made it, when, why, and on which tag', async () => {
  const first = await save('w1');
  const second = await patch('w1', set('/nodes/a/config/value', 5));
  await patch('w1', set('/nodes/b/config/value', 6));
  expect(await blame('w1', '/nodes/a/config/value')).toEqual({
    pointer: '/nodes/a/config/value',
    value: 5,
    artifact_id: second.id,
    version_hash: second.version_hash,
    kind: 'patch_set',
    message: 'patched',
    created_by: 'ann',
    created_at: expect.any(Date) as Date,
    tag: 'w1',
    tag_version: 2,
    boundary: false,
  });
  expect(await blame('w1', '/params/n')).toMatchObject({ artifact_id: first.id, kind: 'dag_version' });
  expect(await blame(first.id, '/nodes/a/config/value')).toMatchObject({ value: 1, artifact_id: first.id });
});

it('names the last change, also when a value comes back to what it was', async () => {
  await save('w2');
  await patch('w2', set('/params/n', 1));
  const back = await patch('w2', set('/params/n', 0));
  expect(await blame('w2', '/params/n')).toMatchObject({ artifact_id: back.id });
});

it('does not take a write of the same value for a change', async () => {
  const first = await save('w3');
  const other = await patch('w3', set('/params', { n: 0, list: ['p', 'q'], m: 1 }));
  expect(await blame('w3', '/params/n')).toMatchObject({ artifact_id: first.id });
  expect(await blame('w3', '/params/m')).toMatchObject({ artifact_id: other.id });
});

it('counts a list by its places', async () => {
  await save('w4');
  const shifted = await patch('w4', set('/params/list/0', 'o'));
  expect(await blame('w4', '/params/list/2')).toMatchObject({ value: 'q', artifact_id: shifted.id });
});

it('follows whole versions as well as patches', async () => {
  const first = await save('w5');
  const second = await save('w5', { ...base, nodes: { a: transform(9), b: transform(2) } });
  await patch('w5', set('/params/n', 7));
  expect(await blame('w5', '/nodes/a')).toMatchObject({ artifact_id: second.id, message: 'saved' });
  expect(await blame('w5', '/nodes/b')).toMatchObject({ artifact_id: first.id });
});

it('blames a merge only for what neither of its parents had', async () => {
  await save('w6');
  await store.tags.put(caller, 'w6/t', { target: 'w6', expectation: {} });
  const mine = await patch('w6', set('/params/n', 1), set('/params/o', 1));
  const other = await patch('w6/t', set('/params/n', 2), set('/params/t', 1));
  const merge = { ours: 'w6', theirs: 'w6/t', tag: 'w6', expectation: {} };
  const merged = await store.merges.merge(caller, { ...merge, resolutions: [set('/params/n', 3)] });
  await patch('w6', set('/params/later', 1));
  expect(await blame('w6', '/params/o')).toMatchObject({ artifact_id: mine.id });
  expect(await blame('w6', '/params/t')).toMatchObject({ artifact_id: other.id, tag: 'w6/t' });
  expect(await blame('w6', '/params/n')).toMatchObject({
    artifact_id: merged.artifact_id,
    kind: 'dag_version',
  });
});

it('looks through compaction', async () => {
  await save('w7');
  const second = await patch('w7', set('/params/n', 1));
  const head = await patch('w7', set('/params/m', 1));
  await store.artifacts.compact(caller, head.id, { tag: { name: 'w7', expectation: {} } });
  await patch('w7', set('/params/o', 1));
  expect(await blame('w7', '/params/n')).toMatchObject({ artifact_id: second.id });
  expect(await blame('w7', '/params/m')).toMatchObject({ artifact_id: head.id });
});

it('answers one entry per node, by id', async () => {
  const first = await save('w8');
  const second = await patch('w8', set('/nodes/b/timeout_seconds', 4));
  const third = await patch('w8', set('/nodes/Z', transform(0)));
  const { nodes, version_hash } = await store.blame.nodes(project_id, 'w8');
  expect(version_hash).toBe(third.version_hash);
  expect(nodes.map(({ pointer, artifact_id }) => [pointer, artifact_id])).toEqual([
    ['/nodes/Z', third.id],
    ['/nodes/a', first.id],
    ['/nodes/b', second.id],
  ]);
});

it('passes patches that cannot be to blame without reading a definition', async () => {
  const first = await save('w9');
  for (let n = 0; n < 250; n++) await patch('w9', set(`/params/p${n % 7}`, n));
  const cold = storeServices({ db: database.db, ids: v7 });
  statements.length = 0;
  const entry = await cold.blame.value(project_id, { ref: 'w9', pointer: '/nodes/a' });
  expect(entry).toMatchObject({ artifact_id: first.id });
  // The reference, the definition, the history, three times a hundred patches, the answer.
  expect(statements).toHaveLength(7);
});

it('says where the trail ends when what was before was collected', async () => {
  const first = await save('w10', { ...base, params: { n: 99 } });
  const second = await save('w10', { ...base, params: { n: 99, m: 1 } });
  await database.pool.query('UPDATE artifact SET live = false WHERE id = $1', [first.id]);
  await database.pool.query('UPDATE cas_blob SET content = NULL, collected_at = now() WHERE cas_id = $1', [
    first.cas_id,
  ]);
  const cold = storeServices({ db: database.db, ids: v7 });
  expect(await cold.blame.value(project_id, { ref: 'w10', pointer: '/params/n' })).toMatchObject({
    artifact_id: second.id,
    boundary: true,
  });
  await expect(cold.blame.value(project_id, { ref: first.id, pointer: '' })).rejects.toMatchObject({
    code: 'blob_collected',
  });
});

it.each(['/params/none', '/nodes/a/config/value/0', '/params/list/-', '/params/list/2'])(
  'finds nothing at %s',
  async (pointer) => {
    await save('w11');
    await expect(blame('w11', pointer)).rejects.toMatchObject({
      code: 'not_found',
      data: { errors: [{ path: '/query/pointer' }] },
    });
  },
);
