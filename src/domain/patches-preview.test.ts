import { caller, callerAs, type TestStore, testStore } from '../../test/support/store.ts';
import type { StoreServices } from './store.ts';

let opened: TestStore;
let store: StoreServices;

beforeAll(async () => {
  opened = await testStore();
  ({ store } = opened);
  await store.workflows.save(caller, { tag: 'seen', definition, expectation: {} });
});

afterAll(() => opened?.close());

const definition = {
  schema_version: 1,
  name: 'x',
  params: { n: 0 },
  nodes: { a: { type: 'transform', config: { value: 1 } } },
};
const preview = (operations: unknown, expectation = {}, tag = 'seen') =>
  store.patches.preview(caller, { tag, operations, expectation });

/** How many rows every table of the database has. */
async function rowCounts(): Promise<Record<string, number>> {
  const { rows: tables } = await opened.database.pool.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
  );
  const counts = tables.map(async ({ name }) => {
    const { rows } = await opened.database.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM ${name}`,
    );
    return [name, rows[0]!.n] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}

it('says what the patch makes: its hash is the one that the patch itself then has', async () => {
  const operations = [
    { op: 'add', path: '/nodes/b', value: { type: 'transform', config: { value: 2 }, needs: ['a'] } },
    { op: 'replace', path: '/nodes/a/config/value', value: 5 },
  ];
  await store.workflows.save(caller, { tag: 'made', definition, expectation: {} });
  const seen = await preview(operations, {}, 'made');
  expect(seen).toMatchObject({
    tag: 'made',
    tag_version: 1,
    valid: true,
    errors: [],
    changed: true,
    diff: {
      nodes: { added: ['b'], removed: [], changed: [{ node: 'a', pointers: ['/nodes/a/config/value'] }] },
    },
  });
  const { head } = await store.patches.create(caller, {
    tag: 'made',
    operations,
    expectation: { if_match: 1 },
  });
  expect(seen.version_hash).toBe(head.version_hash);
  expect(seen.diff.to).toBe(head.version_hash);
});

it.each<[string, unknown, string[]]>([
  [
    'a definition with a fault',
    [{ op: 'add', path: '/nodes/a/needs', value: ['b', 'c'] }],
    ['/nodes/a/needs/0', '/nodes/a/needs/1'],
  ],
  ['no object', [{ op: 'replace', path: '', value: null }], ['']],
  ['nodes that are a list', [{ op: 'replace', path: '/nodes', value: [1] }], ['/nodes']],
])('answers with every problem when the result is %s', async (_, operations, pointers) => {
  const seen = await preview(operations);
  expect(seen).toMatchObject({ valid: false, changed: false, version_hash: null, diff: { to: null } });
  expect(seen.errors.map(({ path }) => path)).toEqual(expect.arrayContaining(pointers));
  expect(seen.diff.operations.length).toBeGreaterThan(0);
});

it('says that nothing would change', async () => {
  expect(await preview([{ op: 'test', path: '/params/n', value: 0 }])).toMatchObject({
    valid: true,
    changed: false,
    diff: { operations: [] },
  });
});

it.each<[string, unknown, object, string]>([
  ['does not apply', [{ op: 'remove', path: '/nodes/z' }], {}, 'patch_conflict'],
  ['is wrong in itself', [{ op: 'spam' }], {}, 'patch_invalid'],
  ['expects another version', [], { if_match: 7 }, 'stale_if_match'],
  ['expects another version in its body', [], { expected: 7 }, 'version_conflict'],
])('refuses what %s as the patch itself would', async (_, operations, expectation, code) => {
  await expect(preview(operations, expectation)).rejects.toMatchObject({ code });
  await expect(store.patches.create(caller, { tag: 'seen', operations, expectation })).rejects.toMatchObject({
    code,
  });
});

it('needs neither If-Match nor a role for a protected tag: a look changes nothing', async () => {
  await store.tags.put(caller, 'seen/live', { target: 'seen', protect: true, expectation: {} });
  const viewer = callerAs('viewer', 'viewer');
  const request = { tag: 'seen/live', operations: [{ op: 'remove', path: '/params' }], expectation: {} };
  expect(await store.patches.preview(viewer, request)).toMatchObject({ valid: true, changed: true });
  await expect(store.patches.create(caller, request)).rejects.toMatchObject({ code: 'tag_protected' });
});

it('writes nothing, whatever it is shown', async () => {
  const before = await rowCounts();
  await preview([{ op: 'add', path: '/description', value: 'd' }]);
  await preview([{ op: 'remove', path: '/nodes' }]);
  await preview([{ op: 'remove', path: '/none' }]).catch(() => undefined);
  await preview([]);
  expect(await rowCounts()).toEqual(before);
  await store.patches.create(caller, {
    tag: 'seen',
    operations: [{ op: 'add', path: '/description', value: 'd' }],
    expectation: {},
  });
  expect(await rowCounts()).not.toEqual(before);
});
