import { v7 } from 'uuid';
import { caller, PROJECT_ID as project_id, type TestStore, testStore } from '../../test/support/store.ts';
import type { StoreServices } from './store.ts';

let opened: TestStore;
let store: StoreServices;

beforeAll(async () => {
  // Every other patch begins a new chain, so that the way back leads over compactions.
  opened = await testStore({ limits: { compact_after: 2 } });
  ({ store } = opened);
});

afterAll(() => opened?.close());

const definition = {
  schema_version: 1,
  name: 'x',
  params: { a: 0, b: 0, c: 0, d: 0 },
  nodes: { n: { type: 'transform', config: { value: 1 } } },
};
const paramsOf = async (tag: string) =>
  (await store.definitions.read(project_id, await store.refs.resolve(project_id, tag))).params;
const revert = (tag: string, id: string, expectation = {}) =>
  store.patches.revert(caller, id, { tag, expectation });
const set = (name: string, value: number) => [{ op: 'replace', path: `/params/${name}`, value }];

/** A tag with one patch for each of the operations; answers their ids. */
async function chain(tag: string, ...patches: unknown[]): Promise<string[]> {
  await store.workflows.save(caller, { tag, definition, expectation: {} });
  const ids: string[] = [];
  for (const operations of patches)
    ids.push((await store.patches.create(caller, { tag, operations, expectation: {} })).head.id);
  return ids;
}

it('takes back a patch in the middle, over compactions, by a new patch on the head', async () => {
  const ids = await chain('middle', set('a', 1), set('b', 2), set('c', 3), set('d', 4), set('a', 5).slice(1));
  const { changed, head } = await revert('middle', ids[1]!);
  expect(changed).toBe(true);
  expect(await paramsOf('middle')).toEqual({ a: 1, b: 0, c: 3, d: 4 });
  expect(head).toMatchObject({ kind: 'patch_set', op_count: 1, message: `Revert ${ids[1]!}` });
  expect(await store.patches.get(project_id, head.id)).toMatchObject({ operations: set('b', 0) });
});

it('takes back a revert', async () => {
  const ids = await chain('twice', set('a', 1), set('b', 2), set('c', 3));
  const before = await store.refs.resolve(project_id, 'twice');
  const { head: once } = await revert('twice', ids[0]!);
  await store.patches.create(caller, { tag: 'twice', operations: set('d', 9), expectation: {} });
  const { head: back } = await revert('twice', once.id);
  expect(await paramsOf('twice')).toEqual({ a: 1, b: 2, c: 3, d: 9 });
  const undone = await store.patches.revert(caller, back.id, {
    tag: 'twice',
    expectation: {},
    message: 'no',
  });
  expect(undone.head.message).toBe('no');
  expect(await paramsOf('twice')).toEqual({ a: 0, b: 2, c: 3, d: 9 });
  expect(before.version_hash).not.toBe(undone.head.version_hash);
});

it('names every later patch that depends on it, directly or not, and stores nothing', async () => {
  const ids = await chain(
    'needed',
    [{ op: 'add', path: '/params/o', value: {} }],
    set('b', 1),
    [{ op: 'add', path: '/params/o/x', value: 1 }],
    [{ op: 'copy', from: '/params/o/x', path: '/params/y' }],
  );
  const before = await store.refs.find(project_id, 'needed');
  await expect(revert('needed', ids[0]!)).rejects.toMatchObject({
    code: 'revert_conflict',
    data: {
      errors: [
        { path: '/params/o/x', message: expect.stringContaining(ids[2]!) as string },
        { path: '/params/o/x', message: expect.stringContaining(ids[3]!) as string },
        { path: '/params/y', message: expect.stringContaining(ids[3]!) as string },
      ],
      extra: {
        conflicts: [
          { patch_id: ids[2], pointers: ['/params/o/x'] },
          { patch_id: ids[3], pointers: ['/params/o/x', '/params/y'] },
        ],
      },
    },
  });
  expect(await store.refs.find(project_id, 'needed')).toEqual(before);
  // Newest first the way is clear.
  for (const id of [ids[3]!, ids[2]!, ids[0]!]) expect((await revert('needed', id)).changed).toBe(true);
  expect(await paramsOf('needed')).toEqual({ a: 0, b: 1, c: 0, d: 0 });
});

it('changes nothing when the head is without the patch already', async () => {
  const ids = await chain('gone', set('a', 1), set('a', 0));
  expect(await revert('gone', ids[0]!)).toMatchObject({ changed: false, head: { tag_version: 3 } });
});

it('goes back as far as patches and compactions lead, and no further than a save', async () => {
  const [id] = await chain('saved', set('a', 1));
  await store.workflows.save(caller, {
    tag: 'saved',
    definition: { ...definition, name: 'y' },
    expectation: {},
  });
  await expect(revert('saved', id!)).rejects.toMatchObject({ code: 'state_conflict' });
  const [stranger] = await chain('stranger', set('a', 1));
  await chain('saved2', set('b', 1));
  await expect(revert('saved2', stranger!)).rejects.toMatchObject({ code: 'state_conflict' });
});

it.each<[string, (ids: string[]) => Promise<unknown>, string]>([
  ['an unknown patch', () => revert('gate', v7()), 'not_found'],
  [
    'a version that is no patch',
    async () => revert('gate', (await store.refs.find(project_id, 'gate')).base_version!),
    'not_found',
  ],
  ['a tag that is not there', (ids) => revert('none', ids[0]!), 'not_found'],
  ['what is no tag name', (ids) => revert('no tag', ids[0]!), 'not_found'],
  [
    'another project',
    (ids) => store.patches.revert({ ...caller, project_id: v7() }, ids[0]!, { tag: 'gate', expectation: {} }),
    'not_found',
  ],
  ['a stale If-Match', (ids) => revert('gate', ids[0]!, { if_match: 1 }), 'stale_if_match'],
  ['a stale expectation', (ids) => revert('gate', ids[0]!, { expected: 1 }), 'version_conflict'],
])('refuses %s', async (_, attempt, code) => {
  const ids = await chain('gate', set('a', 1));
  await expect(attempt(ids)).rejects.toMatchObject({ code });
});

it('lets one of ten reverts with one expectation win', async () => {
  const ids = await chain('race', set('a', 1), set('b', 2));
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, () => revert('race', ids[0]!, { if_match: 3 })),
  );
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  expect(await paramsOf('race')).toEqual({ a: 0, b: 2, c: 0, d: 0 });
});
