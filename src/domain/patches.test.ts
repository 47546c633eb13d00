import { v7 } from 'uuid';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import type { Definition } from '../contract/definition.ts';
import type { Json } from '../contract/json.ts';
import { type Database, openDatabase } from '../persistence/db.ts';
import { encodeJson } from './blobs-encode.ts';
import type { Caller } from './refs.ts';
import { applyPatch } from './rules/json-patch.ts';
import { type StoreServices, storeServices } from './store.ts';

const caller: Caller = { project_id: '00000000-0000-7000-8000-000000000001', actor: 'test', role: 'owner' };
const { project_id } = caller;
const statements: string[] = [];
let test_database: TestDatabase;
let database: Database;
let store: StoreServices;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({
    url: test_database.url,
    max_connections: 10,
    onStatement: (sql) => statements.push(sql),
  });
  store = storeServices({ db: database.db, ids: v7 });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

const definition = {
  schema_version: 1,
  name: 'x',
  params: { n: 0 },
  nodes: { a: { type: 'transform', config: { value: 1 } } },
};
const save = (tag: string) => store.workflows.save(caller, { tag, definition, expectation: {} });
const patch = (tag: string, operations: unknown, expectation = {}) =>
  store.patches.create(caller, { tag, operations, expectation });
const set = (n: number) => [{ op: 'replace', path: '/params/n', value: n }];
const rowsOf = async () =>
  (
    await database.pool.query(
      'SELECT (SELECT count(*) FROM artifact) AS a, (SELECT count(*) FROM cas_blob) AS b',
    )
  ).rows[0] as unknown;

it('puts a patch on the head, and the next one on that', async () => {
  const base = await save('p1');
  const first = await patch('p1', set(1));
  const second = await patch('p1', set(2));
  expect(first).toMatchObject({
    changed: true,
    head: { kind: 'patch_set', depth: 1, base_version: base.head.id, parents: [base.head.id] },
  });
  expect(second.head).toMatchObject({
    depth: 2,
    base_version: base.head.id,
    parents: [first.head.id],
    tag_version: 3,
  });
  expect(second.head.version_hash).toBe(encodeJson({ ...definition, params: { n: 2 } }).cas_id);
  const { items } = await store.artifacts.chain(project_id, second.head.id, { limit: 10 });
  expect(items.map((link) => [link.seq, link.id])).toEqual([
    [1, first.head.id],
    [2, second.head.id],
  ]);
  expect(await store.patches.get(project_id, first.head.id)).toMatchObject({
    operations: set(1),
    tag: 'p1',
    tag_version: 2,
  });
});

it('costs eight statements, transaction included, and no replay', async () => {
  await save('p-cost');
  statements.length = 0;
  await patch('p-cost', set(1));
  expect(statements).toHaveLength(8);
});

it.each([
  ['no operations', []],
  ['only tests', [{ op: 'test', path: '/params/n', value: 0 }]],
  ['operations without effect', [{ op: 'replace', path: '/params/n', value: 0 }]],
])('does not move for %s', async (name, operations) => {
  const tag = `same/${name.replaceAll(' ', '-')}`;
  const { head } = await save(tag);
  const before = await rowsOf();
  expect(await patch(tag, operations)).toMatchObject({
    changed: false,
    head: { id: head.id, tag_version: 1 },
  });
  expect(await rowsOf()).toEqual(before);
});

it.each([
  ['an operation that is wrong in itself', [{ op: 'add', path: 'x', value: 1 }], 'patch_invalid'],
  ['one that does not apply', [{ op: 'remove', path: '/nodes/b' }], 'patch_conflict'],
  ['a test that fails', [{ op: 'test', path: '/params/n', value: 7 }], 'patch_conflict'],
  [
    'a result that is no definition',
    [{ op: 'add', path: '/nodes/a/needs', value: ['b'] }],
    'definition_invalid',
  ],
])('stores nothing for %s', async (name, operations, code) => {
  const tag = `bad/${name.replaceAll(' ', '-')}`;
  await save(tag);
  const before = await rowsOf();
  await expect(patch(tag, operations)).rejects.toMatchObject({
    code,
    data: { errors: [{ path: expect.stringMatching(/^\//) as string }] },
  });
  expect(await rowsOf()).toEqual(before);
});

it('stores nothing when the expectation fails', async () => {
  await save('p-stale');
  const before = await rowsOf();
  await expect(patch('p-stale', set(1), { expected: 9 })).rejects.toMatchObject({ code: 'version_conflict' });
  await expect(patch('p-stale', set(1), { if_match: 9 })).rejects.toMatchObject({ code: 'stale_if_match' });
  expect(await rowsOf()).toEqual(before);
});

it('loses none of 100 concurrent patches on one tag', async () => {
  await save('p-race');
  const results = await Promise.all(
    Array.from({ length: 100 }, (_, i) => patch('p-race', [{ op: 'add', path: `/params/p${i}`, value: i }])),
  );
  expect(results.every((result) => result.changed)).toBe(true);
  const head = await store.refs.resolve(project_id, 'p-race');
  const { params } = await store.definitions.read(project_id, head);
  expect(Object.keys(params ?? {})).toHaveLength(101);
  const { depth } = await store.artifacts.get(project_id, head.artifact_id);
  expect(depth).toBe(100);
});

it('lets one of 50 concurrent patches with one expectation win, and stores nothing of the others', async () => {
  await save('p-once');
  const before = (await rowsOf()) as { a: string };
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, i) => patch('p-once', set(i + 1), { expected: 1 })),
  );
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  expect(Number(((await rowsOf()) as { a: string }).a)).toBe(Number(before.a) + 1);
});

describe('a chain that is full', () => {
  const short = () => storeServices({ db: database.db, ids: v7, limits: { compact_after: 2 } });
  const patchShort = (tag: string, n: number) =>
    short().patches.create(caller, { tag, operations: set(n), expectation: {} });

  it('goes on from its compaction, in the same transaction', async () => {
    await save('p-full');
    // Values no other test has: a blob that is there already would not be counted.
    await patchShort('p-full', 901);
    const { head: full } = await patchShort('p-full', 902);
    const before = (await rowsOf()) as { a: string; b: string };
    const { head } = await patchShort('p-full', 903);
    const [compacted] = head.parents;
    expect(head).toMatchObject({ depth: 1, base_version: compacted, tag_version: 4 });
    expect(await store.artifacts.get(project_id, compacted!)).toMatchObject({
      kind: 'dag_version',
      version_hash: full.version_hash,
      cas_id: full.version_hash,
      parents: [full.id],
      compacted_from_id: full.id,
    });
    // The patch and the compaction; of blobs only the operations and the result are new.
    expect(await rowsOf()).toEqual({ a: String(Number(before.a) + 2), b: String(Number(before.b) + 2) });
    expect((await store.artifacts.chain(project_id, full.id, { limit: 5 })).items).toHaveLength(2);
  });

  it('is compacted once, however often patches are put on it', async () => {
    await save('p-again');
    await patchShort('p-again', 1);
    await patchShort('p-again', 2);
    const { head: first } = await patchShort('p-again', 3);
    await store.tags.undo(caller, 'p-again', { expectation: {} });
    const { head: second } = await patchShort('p-again', 4);
    expect(second.parents).toEqual(first.parents);
  });

  it('is compacted once by ten tags that go on from it at the same time', async () => {
    await save('p-fork');
    await patchShort('p-fork', 1);
    const { head } = await patchShort('p-fork', 2);
    const tags = Array.from({ length: 10 }, (_, i) => `p-fork/${i}`);
    for (const tag of tags) await store.tags.put(caller, tag, { target: head.id, expectation: {} });
    const results = await Promise.all(tags.map((tag, i) => patchShort(tag, 10 + i)));
    expect(new Set(results.map((result) => result.head.parents[0])).size).toBe(1);
    expect(results.map((result) => result.head.depth)).toEqual(tags.map(() => 1));
  });

  it('is left as it was when the next patch is refused', async () => {
    await save('p-refused');
    await patchShort('p-refused', 1);
    await patchShort('p-refused', 2);
    const before = await rowsOf();
    await expect(
      short().patches.create(caller, {
        tag: 'p-refused',
        operations: [{ op: 'remove', path: '/nodes' }],
        expectation: {},
      }),
    ).rejects.toMatchObject({ code: 'definition_invalid' });
    expect(await rowsOf()).toEqual(before);
  });
});

it('reads the head of a long chain as a full replay gives it, without replaying it', async () => {
  const { head } = await save('p-chain');
  let expected = definition as unknown as Json;
  for (let n = 1; n <= 200; n++) {
    const operations = [{ op: 'add', path: `/params/k${n % 37}`, value: n }];
    await patch('p-chain', operations);
    expected = applyPatch(expected, operations);
  }
  const top = await store.refs.resolve(project_id, 'p-chain');
  expect(top.version_hash).toBe(encodeJson(expected).cas_id);
  const cold = storeServices({ db: database.db, ids: v7 });
  statements.length = 0;
  expect(await cold.definitions.read(project_id, top)).toEqual(expected);
  expect(statements).toHaveLength(1);
  expect(await cold.definitions.read(project_id, top)).toEqual(expected);
  expect(statements).toHaveLength(1);
  await database.pool.query('DELETE FROM materialisation');
  const replaying = storeServices({ db: database.db, ids: v7 });
  expect(await replaying.definitions.read(project_id, top)).toEqual(expected);
  expect(head.depth).toBe(0);
});

it('shares no document that a reader could change', async () => {
  await save('p-frozen');
  const document = await store.definitions.read(project_id, await store.refs.resolve(project_id, 'p-frozen'));
  expect(() => ((document as Definition & { params: { n: number } }).params.n = 9)).toThrow(TypeError);
});
