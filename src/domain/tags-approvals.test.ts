import {
  callerAs,
  definitionOf,
  PROJECT_ID as project_id,
  type TestStore,
  testStore,
} from '../../test/support/store.ts';
import type { ApprovalRow } from '../persistence/tags-approvals.ts';
import type { Caller } from './refs.ts';
import type { StoreServices } from './store.ts';

const free = { expectation: {} };
const mover = callerAs('mia', 'operator');
const [anna, bert, carl] = ['anna', 'bert', 'carl'].map((name) => callerAs(name, 'operator')) as [
  Caller,
  Caller,
  Caller,
];
let opened: TestStore;
let store: StoreServices;
let versions: string[];
let made = 0;

beforeAll(async () => {
  opened = await testStore();
  ({ store } = opened);
  const save = (n: number) =>
    store.workflows.save(anna, { tag: `source-${n}`, definition: definitionOf(n), ...free });
  versions = (await Promise.all([0, 1, 2].map(save))).map(({ head }) => head.id);
  await store.tag_rules.create(anna, { pattern: '*/production', role: 'operator', approvals: 2 });
});

afterAll(() => opened?.close());

const newName = () => `a${++made}/production`;
const approve = (by: Caller, name: string, target: string | null, expectation = {}) =>
  store.approvals.approve(by, name, { target, expectation });
const move = (name: string, target: string, version?: number) =>
  store.tags.put(mover, name, { target, expectation: version === undefined ? {} : { if_match: version } });
const allOf = async (name: string) =>
  (await store.approvals.list({ project_id, name }, { limit: 100 })).items;

async function approvedTag(): Promise<string> {
  const name = newName();
  for (const by of [anna, bert]) await approve(by, name, versions[0]!);
  await move(name, versions[0]!);
  return name;
}

it('counts approvers other than the mover, each once', async () => {
  const name = newName();
  const missing = (given: number) => ({
    code: 'approval_required',
    data: { extra: { needed: 2, given, target_id: versions[0] } },
  });
  await expect(move(name, versions[0]!)).rejects.toMatchObject(missing(0));
  await approve(mover, name, versions[0]!);
  await approve(anna, name, versions[0]!);
  expect((await approve(anna, name, versions[0]!)).created).toBe(false);
  await expect(move(name, versions[0]!)).rejects.toMatchObject(missing(1));
  await approve(bert, name, versions[0]!);
  expect((await move(name, versions[0]!)).outcome).toBe('created');
});

it('is good for one target and one version of the tag', async () => {
  const name = await approvedTag();
  for (const by of [anna, bert]) await approve(by, name, versions[1]!);
  await expect(move(name, versions[2]!, 1)).rejects.toMatchObject({ code: 'approval_required' });
  expect((await move(name, versions[1]!, 1)).tag.version).toBe(2);
  await expect(store.tags.undo(mover, name, { expectation: { if_match: 2 } })).rejects.toMatchObject({
    code: 'approval_required',
  });
  for (const by of [anna, bert]) await approve(by, name, versions[0]!);
  await store.tags.undo(mover, name, { expectation: { if_match: 2 } });
  await expect(move(name, versions[1]!, 3)).rejects.toMatchObject({ code: 'approval_required' });
});

it('is void for a tag that was made, deleted and is to be made again', async () => {
  const name = await approvedTag();
  for (const by of [anna, bert]) await approve(by, name, null);
  await store.tags.delete(mover, name, { expectation: { if_match: 1 } });
  await expect(move(name, versions[0]!)).rejects.toMatchObject({ code: 'approval_required' });
  const { approval } = await approve(anna, name, versions[0]!);
  expect(approval.tag_version).toBe(2);
  await approve(bert, name, versions[0]!);
  expect((await move(name, versions[0]!)).tag.version).toBe(3);
});

it('stays as the evidence of what was done with it', async () => {
  const name = await approvedTag();
  await approve(anna, name, null);
  const facts = (row: ApprovalRow) => [row.tag_version, row.target_id, row.approved_by];
  expect((await allOf(name)).map(facts)).toEqual([
    [1, null, 'anna'],
    [0, versions[0], 'bert'],
    [0, versions[0], 'anna'],
  ]);
  await store.approvals.withdraw(anna, name);
  expect((await allOf(name)).map(facts)).toHaveLength(2);
  await expect(store.approvals.withdraw(anna, name)).rejects.toMatchObject({ code: 'not_found' });
  await expect(store.approvals.withdraw(carl, name)).rejects.toMatchObject({ code: 'not_found' });
});

it('is bound to what the approver has seen', async () => {
  const name = await approvedTag();
  await expect(approve(anna, name, versions[1]!, { if_match: 2 })).rejects.toMatchObject({
    code: 'stale_if_match',
  });
  await expect(approve(anna, name, versions[1]!, { expected: null })).rejects.toMatchObject({
    code: 'version_conflict',
  });
  expect((await approve(anna, name, versions[1]!, { if_match: 1 })).created).toBe(true);
});

it('needs the role of the guard, a target, and for a deletion a tag', async () => {
  const name = newName();
  const editor = callerAs('edda', 'editor');
  await expect(approve(editor, name, versions[0]!)).rejects.toMatchObject({ code: 'forbidden' });
  expect((await approve(editor, 'free/tag', versions[0]!)).created).toBe(true);
  await expect(approve(anna, name, 'nothing/here')).rejects.toMatchObject({ code: 'not_found' });
  await expect(approve(anna, name, '../etc')).rejects.toMatchObject({ code: 'not_found' });
  await expect(approve(anna, name, null)).rejects.toMatchObject({ code: 'not_found' });
  await expect(approve(anna, 'a b', versions[0]!)).rejects.toMatchObject({ code: 'validation_failed' });
});

it('is not seen, counted or taken back in another project', async () => {
  const other = '00000000-0000-7000-8000-000000000002';
  await opened.database.pool.query(
    "INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')",
    [other],
  );
  const name = newName();
  const stranger = { ...anna, project_id: other };
  await approve(anna, name, versions[0]!);
  await expect(approve(stranger, name, versions[0]!)).rejects.toMatchObject({ code: 'not_found' });
  await expect(store.approvals.withdraw(stranger, name)).rejects.toMatchObject({ code: 'not_found' });
  const { items } = await store.approvals.list({ project_id: other, name }, { limit: 10 });
  expect(items).toEqual([]);
});

it('is taken back before the change or not at all, however close the two come', async () => {
  for (let round = 0; round < 60; round++) {
    const name = newName();
    for (const by of [anna, bert]) await approve(by, name, versions[0]!);
    const [moving, taking] = await Promise.allSettled(
      round % 2 === 0
        ? [move(name, versions[0]!), store.approvals.withdraw(bert, name)]
        : [store.approvals.withdraw(bert, name), move(name, versions[0]!)].toReversed(),
    );
    const moved = moving!.status === 'fulfilled';
    expect([moved, taking!.status]).toEqual([moved, moved ? 'rejected' : 'fulfilled']);
    expect(await allOf(name)).toHaveLength(moved ? 2 : 1);
  }
});

it('lets one of 30 approved movers through', async () => {
  const name = await approvedTag();
  for (const by of [anna, bert]) await approve(by, name, versions[1]!);
  const results = await Promise.allSettled(Array.from({ length: 30 }, () => move(name, versions[1]!, 1)));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
});

it('is listed to the end without repeat or gap while more are given', async () => {
  const name = newName();
  const people = Array.from({ length: 9 }, (_, i) => callerAs(`p${i}`));
  for (const by of people) for (const target of versions) await approve(by, name, target);
  const seen: string[] = [];
  let after: Parameters<StoreServices['approvals']['list']>[1]['after'];
  do {
    const page = await store.approvals.list({ project_id, name }, { after, limit: 4 });
    seen.push(...page.items.map((row) => `${row.target_id} ${row.approved_by}`));
    after = page.next;
    await approve(callerAs(`late-${seen.length}`), name, versions[seen.length % 3]!);
  } while (after !== undefined);
  expect(new Set(seen).size).toBe(seen.length);
  const before = people.flatMap((by) => versions.map((target) => `${target} ${by.actor}`));
  expect(seen).toEqual(expect.arrayContaining(before));
});

it('is listed by the version it leads away from', async () => {
  const name = await approvedTag();
  await approve(carl, name, versions[1]!);
  const of = async (version: number) =>
    (await store.approvals.list({ project_id, name, version }, { limit: 9 })).items.map((r) => r.approved_by);
  expect(await of(0)).toEqual(['bert', 'anna']);
  expect(await of(1)).toEqual(['carl']);
  expect(await of(2)).toEqual([]);
});
