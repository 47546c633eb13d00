import { v7 } from 'uuid';
import {
  caller,
  callerAs,
  PROJECT_ID as project_id,
  type TestStore,
  testStore,
} from '../../test/support/store.ts';
import { type StoreServices, storeServices } from './store.ts';

let opened: TestStore;
let store: StoreServices;

beforeAll(async () => {
  opened = await testStore();
  ({ store } = opened);
});

afterAll(() => opened?.close());

const definition = {
  schema_version: 1,
  name: 'x',
  params: { n: 0 },
  nodes: { a: { type: 'transform', config: { value: 1 } } },
};

/** A tag with `depth` patches; answers its head. */
async function chain(tag: string, depth: number) {
  let { head } = await store.workflows.save(caller, { tag, definition, expectation: {} });
  for (let n = 1; n <= depth; n++) {
    const operations = [{ op: 'replace', path: '/params/n', value: n }];
    ({ head } = await store.patches.create(caller, { tag, operations, expectation: {} }));
  }
  return head;
}
const compact = (id: string, tag?: { name: string; expectation: object }) =>
  store.artifacts.compact(caller, id, { message: 'short', tag });

it('is a version of its own with the same content, beside the chain', async () => {
  const head = await chain('c1', 3);
  const { created, artifact } = await compact(head.id);
  expect(created).toBe(true);
  expect(artifact).toMatchObject({
    kind: 'dag_version',
    version_hash: head.version_hash,
    cas_id: head.version_hash,
    compacted_from_id: head.id,
    parents: [head.id],
    depth: 0,
    base_version: null,
    message: 'short',
    nodes_count: head.nodes_count,
  });
  const cold = storeServices({ db: opened.database.db, ids: v7 });
  expect(await cold.artifacts.materialise(artifact)).toEqual({ ...definition, params: { n: 3 } });
  const { items } = await store.artifacts.chain(project_id, head.id, { limit: 10 });
  expect(items).toHaveLength(3);
  expect(await store.tags.get(project_id, 'c1')).toMatchObject({ target_id: head.id, version: 4 });
});

it('is made once, however many ask for it at once', async () => {
  const head = await chain('c2', 2);
  const results = await Promise.all(Array.from({ length: 10 }, () => compact(head.id)));
  expect(results.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(results.map(({ artifact }) => artifact.id)).size).toBe(1);
  expect((await compact(head.id)).created).toBe(false);
});

it('is where a tag goes that points at the chain, as one move that can be undone', async () => {
  const head = await chain('c3', 2);
  const { created, artifact, tag_version } = await compact(head.id, {
    name: 'c3',
    expectation: { if_match: 3 },
  });
  expect([created, tag_version]).toEqual([true, 4]);
  expect(await store.tags.get(project_id, 'c3')).toMatchObject({ target_id: artifact.id, version: 4 });
  expect(await compact(head.id, { name: 'c3', expectation: {} })).toMatchObject({
    created: false,
    tag_version: 4,
  });
  const { tag } = await store.tags.undo(caller, 'c3', { expectation: {} });
  expect(tag).toMatchObject({ target_id: head.id, version: 5 });
  expect(await compact(head.id, { name: 'c3', expectation: {} })).toMatchObject({
    created: false,
    tag_version: 6,
  });
});

it('moves one tag once when ten ask for it, alone and with the tag', async () => {
  const head = await chain('c4', 2);
  const tag = { name: 'c4', expectation: {} };
  const results = await Promise.all(
    Array.from({ length: 10 }, (_, i) => compact(head.id, i % 2 ? tag : undefined)),
  );
  expect(results.filter(({ created }) => created)).toHaveLength(1);
  expect(await store.tags.get(project_id, 'c4')).toMatchObject({
    target_id: results[0]!.artifact.id,
    version: 4,
  });
});

it('can be patched, and the chain under it found', async () => {
  const head = await chain('c5', 2);
  const { artifact } = await compact(head.id, { name: 'c5', expectation: {} });
  const operations = [{ op: 'add', path: '/description', value: 'd' }];
  const { head: next } = await store.patches.create(caller, { tag: 'c5', operations, expectation: {} });
  expect(next).toMatchObject({ base_version: artifact.id, parents: [artifact.id], depth: 1 });
  const { head: back } = await store.patches.revert(caller, head.id, { tag: 'c5', expectation: {} });
  expect(await store.definitions.read(project_id, back.version_hash)).toEqual({
    ...definition,
    description: 'd',
    params: { n: 1 },
  });
});

it.each<[string, (head: { id: string; base_version: string | null }) => Promise<unknown>, string]>([
  ['a dag_version', ({ base_version }) => compact(base_version!), 'state_conflict'],
  ['what is not there', () => compact(v7()), 'not_found'],
  [
    'another project',
    ({ id }) => store.artifacts.compact({ ...caller, project_id: v7() }, id, {}),
    'not_found',
  ],
  ['an unknown tag', ({ id }) => compact(id, { name: 'none', expectation: {} }), 'not_found'],
  ['what is no tag name', ({ id }) => compact(id, { name: 'no tag', expectation: {} }), 'not_found'],
  [
    'a stale If-Match',
    ({ id }) => compact(id, { name: 'c6', expectation: { if_match: 99 } }),
    'stale_if_match',
  ],
  [
    'a stale expectation',
    ({ id }) => compact(id, { name: 'c6', expectation: { expected: 99 } }),
    'version_conflict',
  ],
])('is refused for %s, and nothing is stored', async (_, attempt, code) => {
  const head = await chain('c6', 1);
  const count = async () =>
    (await opened.database.pool.query('SELECT count(*) FROM artifact')).rows as unknown;
  const before = await count();
  await expect(attempt(head)).rejects.toMatchObject({ code });
  expect(await count()).toEqual(before);
});

it('does not take a tag back that has gone on', async () => {
  const head = await chain('c7', 1);
  await store.patches.create(caller, {
    tag: 'c7',
    operations: [{ op: 'remove', path: '/params' }],
    expectation: {},
  });
  await expect(compact(head.id, { name: 'c7', expectation: {} })).rejects.toMatchObject({
    code: 'state_conflict',
  });
});

it('needs for a protected tag what a move needs', async () => {
  const head = await chain('c8', 1);
  await store.tags.put(caller, 'c8', { target: head.id, protect: true, expectation: {} });
  await expect(compact(head.id, { name: 'c8', expectation: {} })).rejects.toMatchObject({
    code: 'tag_protected',
  });
  const editor = callerAs('editor', 'editor');
  const tag = { name: 'c8', expectation: { if_match: 2 } };
  await expect(store.artifacts.compact(editor, head.id, { tag })).rejects.toMatchObject({
    code: 'forbidden',
  });
  expect((await compact(head.id, tag)).tag_version).toBe(3);
});
