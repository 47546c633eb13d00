import { v7 } from 'uuid';
import {
  caller,
  definitionOf,
  PROJECT_ID as project_id,
  type TestStore,
  testStore,
} from '../../test/support/store.ts';
import type { StoreServices } from './store.ts';

let opened: TestStore;
let store: StoreServices;

beforeAll(async () => {
  opened = await testStore();
  ({ store } = opened);
});

afterAll(() => opened?.close());

const save = (tag: string, value: unknown, expectation = {}) =>
  store.workflows.save(caller, { tag, definition: definitionOf(value), expectation });

it('saves a version and moves its tag; saving the same again is nothing', async () => {
  const first = await save('w1', 1);
  expect(first).toMatchObject({
    changed: true,
    head: { workflow: 'w1', tag: 'w1', tag_version: 1, kind: 'dag_version', nodes_count: 1, edges_count: 0 },
  });
  expect(first.head.cas_id).toBe(first.head.version_hash);
  expect(await save('w1', 1)).toMatchObject({ changed: false, head: { id: first.head.id, tag_version: 1 } });
  expect((await save('w1', 2)).head).toMatchObject({ tag_version: 2, parents: [first.head.id] });
});

it('lets one of 50 concurrent first saves win when the tag must not exist', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, i) => save('w-new', i, { expected: null })),
  );
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
});

it('loses none of 50 concurrent saves that expect nothing', async () => {
  const results = await Promise.all(Array.from({ length: 50 }, (_, i) => save('w-all', i)));
  expect(results.every((result) => result.changed)).toBe(true);
  expect((await store.tags.get(project_id, 'w-all')).version).toBe(50);
});

it('resolves a tag in one statement, and what it reads next is cached', async () => {
  const { head } = await save('w-ref/staging', 1);
  opened.statements.length = 0;
  const resolved = await store.refs.resolve(project_id, 'w-ref/staging');
  expect(resolved).toEqual({
    workflow: 'w-ref',
    tag: 'w-ref/staging',
    tag_version: 1,
    artifact_id: head.id,
    kind: 'dag_version',
    version_hash: head.version_hash,
    cas_id: head.cas_id,
  });
  await store.definitions.read(project_id, resolved);
  expect(opened.statements).toHaveLength(1);
});

it('resolves a workflow by id to its head tag, an artifact by id, and a hash to its oldest artifact', async () => {
  const { head } = await save('w-id', 'by id');
  await save('w-id-2', 'by id');
  expect((await store.refs.resolve(project_id, head.workflow_id)).tag).toBe('w-id');
  expect(await store.refs.resolve(project_id, head.id)).toMatchObject({
    artifact_id: head.id,
    workflow: 'w-id',
  });
  expect(await store.refs.resolve(project_id, head.version_hash)).toMatchObject({
    artifact_id: head.id,
    workflow: 'w-id',
  });
});

it.each(['no-such', 'no/such', '../etc', 'a b', '', '\u0000', v7(), `sha256:${'0'.repeat(64)}`])(
  'does not know %j, and neither does any other project know what is here',
  async (ref) => {
    await expect(store.refs.resolve(project_id, ref)).rejects.toMatchObject({ code: 'not_found' });
    const { head } = await save('w-foreign', 1);
    for (const known of ['w-foreign', head.id, head.workflow_id, head.version_hash]) {
      await expect(store.refs.resolve(v7(), known)).rejects.toMatchObject({ code: 'not_found' });
    }
    await expect(store.definitions.read(v7(), head.version_hash)).rejects.toMatchObject({
      code: 'not_found',
    });
  },
);

it('makes a workflow without a version, which is not one to run', async () => {
  const empty = { name: 'w-empty', description: 'later' };
  expect((await store.workflows.createEmpty(caller, empty)).created).toBe(true);
  expect((await store.workflows.createEmpty(caller, empty)).created).toBe(false);
  await expect(store.workflows.createEmpty(caller, { ...empty, description: 'other' })).rejects.toMatchObject(
    { code: 'state_conflict' },
  );
  await expect(store.refs.resolve(project_id, 'w-empty')).rejects.toMatchObject({ code: 'state_conflict' });
  expect((await save('w-empty', 1)).head.description).toBe('later');
  await store.workflows.delete(caller, 'w-empty', { expectation: {} });
  await expect(store.refs.find(project_id, 'w-empty')).rejects.toMatchObject({ code: 'not_found' });
});

it('deletes an empty workflow, but no version', async () => {
  await store.workflows.createEmpty(caller, { name: 'w-empty-2', description: '' });
  await store.workflows.delete(caller, 'w-empty-2', { expectation: {} });
  await expect(store.refs.find(project_id, 'w-empty-2')).rejects.toMatchObject({ code: 'not_found' });
  const { head } = await save('w-kept', 1);
  await expect(store.workflows.delete(caller, head.version_hash, { expectation: {} })).rejects.toMatchObject({
    code: 'validation_failed',
  });
});

it('numbers the versions of a tag for ever', async () => {
  const ids: string[] = [];
  for (const value of ['v1', 'v2', 'v3']) ids.push((await save('w-n', value)).head.id);
  await store.tags.undo(caller, 'w-n', { expectation: {} });
  await store.patches.create(caller, {
    tag: 'w-n',
    operations: [{ op: 'add', path: '/description', value: 'x' }],
    expectation: {},
  });
  const { items, next } = await store.workflows.versions(project_id, 'w-n', { limit: 2 });
  expect(items.map((version) => [version.number, version.kind])).toEqual([
    [4, 'patch_set'],
    [3, 'dag_version'],
  ]);
  const rest = await store.workflows.versions(project_id, 'w-n', { before: next, limit: 2 });
  expect(rest.items.map((version) => version.id)).toEqual([ids[1], ids[0]]);
  expect((await store.workflows.version(project_id, 'w-n', 2)).id).toBe(ids[1]);
  await expect(store.workflows.version(project_id, 'w-n', 5)).rejects.toMatchObject({ code: 'not_found' });
});

it('refuses names no tag may have, and definitions that are none, with pointers', async () => {
  for (const tag of ['a b', '/a', 'a//b', 'a/', v7(), `${v7()}/x`, 'x'.repeat(201)]) {
    await expect(save(tag, 1)).rejects.toMatchObject({ code: 'validation_failed' });
  }
  const broken = {
    schema_version: 1,
    name: 'x',
    nodes: { a: { type: 'transform', needs: ['b'], config: { value: 1 } } },
  };
  const saving = store.workflows.save(caller, { tag: 'w-bad', definition: broken, expectation: {} });
  await expect(saving).rejects.toMatchObject({
    code: 'definition_invalid',
    data: { errors: [{ path: '/nodes/a/needs/0' }] },
  });
});
