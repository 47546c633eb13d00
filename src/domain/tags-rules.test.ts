import { v7 } from 'uuid';
import {
  caller,
  codeOf,
  definitionOf,
  PROJECT_ID as project_id,
  type TestStore,
  testStore,
} from '../../test/support/store.ts';
import type { StoreServices } from './store.ts';

const other = '00000000-0000-7000-8000-000000000002';
let opened: TestStore;
let store: StoreServices;

beforeAll(async () => {
  opened = await testStore();
  ({ store } = opened);
  await opened.database.pool.query(
    "INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')",
    [other],
  );
});

afterAll(() => opened?.close());

const rule = (pattern: string, approvals = 0) => ({ pattern, role: 'operator', approvals }) as const;
const create = (pattern: string) => store.tag_rules.create(caller, rule(pattern));

it('is made, read, replaced and removed', async () => {
  const made = await create('one/*');
  expect(made).toMatchObject({ ...rule('one/*'), created_by: 'test', id: expect.any(String) as string });
  expect(await store.tag_rules.get(project_id, made.id)).toEqual(made);
  const replaced = await store.tag_rules.replace(caller, made.id, { ...rule('one/**', 3), role: 'owner' });
  expect(replaced).toEqual({ ...made, pattern: 'one/**', role: 'owner', approvals: 3 });
  await store.tag_rules.delete(caller, made.id);
  const gone = [
    store.tag_rules.get(project_id, made.id),
    store.tag_rules.replace(caller, made.id, rule('one/*')),
    store.tag_rules.delete(caller, made.id),
  ];
  expect(await Promise.all(gone.map(codeOf))).toEqual(gone.map(() => 'not_found'));
});

it('guards from the next write on, tags that are there and tags to come', async () => {
  const save = (tag: string, value: number, expectation = {}) =>
    store.workflows.save(
      { ...caller, role: 'editor' },
      { tag, definition: definitionOf(value), expectation },
    );
  await save('shop/live', 1);
  const made = await create('shop/*');
  await expect(save('shop/live', 2)).rejects.toMatchObject({ code: 'tag_protected' });
  await expect(save('shop/new', 2)).rejects.toMatchObject({ code: 'forbidden' });
  await store.tag_rules.delete(caller, made.id);
  expect((await save('shop/live', 2)).changed).toBe(true);
});

it('has a pattern of its own', async () => {
  const [first, second] = [await create('same/*'), await create('same/**')];
  await expect(create('same/*')).rejects.toMatchObject({ code: 'state_conflict' });
  await expect(store.tag_rules.replace(caller, second.id, rule('same/*'))).rejects.toMatchObject({
    code: 'state_conflict',
  });
  expect(await store.tag_rules.replace(caller, first.id, rule('same/*', 1))).toMatchObject({ approvals: 1 });
  for (const pattern of ['', 'a b', 'a**', '/a'])
    await expect(create(pattern)).rejects.toMatchObject({
      code: 'validation_failed',
      data: { errors: [{ path: '/pattern' }] },
    });
});

it('is unknown to another project, and guards nothing there', async () => {
  const made = await create('**/guarded');
  const stranger = { ...caller, project_id: other };
  const attempts = [
    store.tag_rules.get(other, made.id),
    store.tag_rules.replace(stranger, made.id, rule('x')),
    store.tag_rules.delete(stranger, made.id),
    store.tag_rules.get(project_id, v7()),
  ];
  expect(await Promise.all(attempts.map(codeOf))).toEqual(attempts.map(() => 'not_found'));
  const save = (by: typeof caller) =>
    store.workflows.save(by, { tag: 'w/guarded', definition: definitionOf(1), expectation: {} });
  expect((await save({ ...stranger, role: 'editor' })).changed).toBe(true);
  await expect(save({ ...caller, role: 'editor' })).rejects.toMatchObject({ code: 'forbidden' });
});

it('is one of at most 100, listed to the end without repeat or gap while more are added', async () => {
  const taken = (await store.tag_rules.list(project_id, { limit: 100 })).items.length;
  const patterns = Array.from({ length: 60 }, (_, i) => `list/${String(i).padStart(2, '0')}`);
  for (const pattern of patterns) await create(pattern);
  const seen: string[] = [];
  let after: string | undefined;
  let late = 0;
  do {
    const page = await store.tag_rules.list(project_id, { after, limit: 7 });
    seen.push(...page.items.map((row) => row.pattern));
    after = page.next;
    await create(`list/${seen.length}-late-${++late}`);
  } while (after !== undefined);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(expect.arrayContaining(patterns));
  for (let i = taken + 60 + late; i < 100; i++) await create(`full/${i}`);
  await expect(create('full/one-too-many')).rejects.toMatchObject({ code: 'state_conflict' });
});
