import { v7 } from 'uuid';
import { definition, transform } from '../../test/support/definitions.ts';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import type { JsonObject } from '../contract/json.ts';
import { type Database, openDatabase } from '../persistence/db.ts';
import { type MergeRequest, mergeService } from './merges.ts';
import type { Caller } from './refs.ts';
import { type StoreServices, storeServices } from './store.ts';

const caller: Caller = { project_id: '00000000-0000-7000-8000-000000000001', actor: 'test', role: 'owner' };
const { project_id } = caller;
let test_database: TestDatabase;
let database: Database;
let store: StoreServices;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 10 });
  store = storeServices({ db: database.db, ids: v7 });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

const base = definition('x', { a: transform(1), b: transform(2, { needs: ['a'] }) }, { params: { n: 0 } });
const save = async (tag: string, document: JsonObject = base) =>
  (await store.workflows.save(caller, { tag, definition: document, expectation: {} })).head;
const patch = async (tag: string, ...operations: object[]) =>
  (await store.patches.create(caller, { tag, operations, expectation: {} })).head;
const branch = (name: string, target: string) => store.tags.put(caller, name, { target, expectation: {} });
const merge = (request: Partial<MergeRequest> & Pick<MergeRequest, 'ours' | 'theirs'>) =>
  store.merges.merge(caller, { expectation: {}, ...request });
const read = async (ref: string) =>
  (await store.definitions.read(
    project_id,
    await store.refs.resolve(project_id, ref),
  )) as unknown as JsonObject;
const tagOf = (name: string) => store.tags.get(project_id, name);
const set = (path: string, value: unknown) => ({ op: 'add', path, value });
const rows = async () =>
  (await database.pool.query('SELECT (SELECT count(*) FROM artifact) a, (SELECT count(*) FROM tag_move) m'))
    .rows[0] as unknown;

/** Two branches of one workflow: `<name>` and `<name>/t`. */
async function fork(name: string, ours: object[], theirs: object[]) {
  const root = await save(name);
  await branch(`${name}/t`, name);
  const mine = ours.length > 0 ? await patch(name, ...ours) : root;
  const other = theirs.length > 0 ? await patch(`${name}/t`, ...theirs) : root;
  return { root, mine, other, both: { ours: name, theirs: `${name}/t` } };
}

it('merges two branches to a version with both as parents, and moves the tag', async () => {
  const { root, mine, other, both } = await fork(
    'm1',
    [set('/nodes/a/config/value', 5)],
    [set('/nodes/c', transform(3))],
  );
  const merged = await merge({ ...both, tag: 'm1', message: 'together' });
  expect(merged).toMatchObject({ outcome: 'merged', tag: 'm1', tag_version: 3, ours: mine.version_hash });
  expect(merged.merge_bases).toEqual([{ artifact_id: root.id, version_hash: root.version_hash }]);
  expect(await read('m1')).toEqual({
    ...base,
    nodes: { a: transform(5), b: transform(2, { needs: ['a'] }), c: transform(3) },
  });
  expect(await store.artifacts.get(project_id, merged.artifact_id)).toMatchObject({
    kind: 'dag_version',
    version_hash: merged.version_hash,
    cas_id: merged.version_hash,
    parents: [mine.id, other.id],
    nodes_count: 3,
    edges_count: 1,
    message: 'together',
  });
  expect((await store.tags.history(project_id, 'm1', { limit: 1 })).items).toMatchObject([
    { type: 'move', to_id: merged.artifact_id, reason: 'together' },
  ]);
  expect(await store.ancestry.compare(project_id, { base: 'm1/t', head: 'm1' })).toMatchObject({
    ahead: 2,
    behind: 0,
    merge_base: other.version_hash,
  });
});

it('takes only what is new at the second merge', async () => {
  const { both } = await fork('m2', [set('/params/ours', 1)], [set('/params/theirs', 1)]);
  await merge({ ...both, tag: 'm2' });
  await patch('m2', { op: 'remove', path: '/params/theirs' });
  const other = await patch('m2/t', set('/params/more', 2));
  expect(await merge({ ...both, tag: 'm2' })).toMatchObject({
    outcome: 'merged',
    theirs: other.version_hash,
  });
  expect((await read('m2')).params).toEqual({ n: 0, ours: 1, more: 2 });
});

describe('where one side comes from the other', () => {
  it('points the tag at the side that has it all', async () => {
    const { other, both } = await fork('f1', [], [set('/params/x', 1)]);
    expect(await merge({ ...both, tag: 'f1' })).toMatchObject({
      outcome: 'fast_forward',
      artifact_id: other.id,
      tag_version: 2,
    });
    expect(await merge({ ...both, tag: 'f1' })).toMatchObject({
      outcome: 'already_up_to_date',
      artifact_id: other.id,
      tag_version: 2,
      moved: false,
    });
    expect(await tagOf('f1')).toMatchObject({ target_id: other.id, version: 2 });
  });

  it('stores nothing', async () => {
    const { both } = await fork('f2', [set('/params/x', 1)], []);
    const before = await rows();
    expect(await merge(both)).toMatchObject({ outcome: 'already_up_to_date', tag: null });
    expect(await merge({ ...both, tag: 'f2' })).toMatchObject({ outcome: 'already_up_to_date' });
    expect(await rows()).toEqual(before);
  });

  it('has nothing to resolve', async () => {
    const { both } = await fork('f3', [], [set('/params/x', 1)]);
    const merging = merge({ ...both, tag: 'f3', resolutions: [set('/params/x', 2)] });
    await expect(merging).rejects.toMatchObject({ code: 'state_conflict' });
  });
});

it('without a tag stores the version under its hash and moves nothing', async () => {
  const { both } = await fork('m3', [set('/params/x', 1)], [set('/params/y', 2)]);
  const merged = await merge(both);
  expect(merged).toMatchObject({ outcome: 'merged', tag: null, tag_version: null });
  expect((await read(merged.version_hash)).params).toEqual({ n: 0, x: 1, y: 2 });
  expect((await store.artifacts.get(project_id, merged.artifact_id)).message).toBe('Merge m3/t into m3');
  expect(await tagOf('m3')).toMatchObject({ version: 2 });
  await branch('m3', merged.artifact_id);
  expect(await merge({ ...both, tag: 'm3' })).toMatchObject({ outcome: 'already_up_to_date' });
});

describe('conflicts', () => {
  it('are answered all at once, with the versions they are between, and store nothing', async () => {
    const { root, mine, other, both } = await fork(
      'c1',
      [set('/params/n', 1), set('/nodes/c', transform(1))],
      [set('/params/n', 2), set('/nodes/c', transform(2))],
    );
    const before = await rows();
    await expect(merge({ ...both, tag: 'c1' })).rejects.toMatchObject({
      code: 'merge_conflict',
      data: {
        extra: {
          conflicts: [
            { path: '/nodes/c', kind: 'both_added', ours: transform(1), theirs: transform(2) },
            { path: '/params/n', kind: 'both_changed', base: 0, ours: 1, theirs: 2 },
          ],
          ours: mine.version_hash,
          theirs: other.version_hash,
          merge_bases: [{ artifact_id: root.id }],
        },
      },
    });
    expect(await rows()).toEqual(before);
  });

  it('are settled by operations that write them; what none writes stays one', async () => {
    const { both } = await fork(
      'c2',
      [set('/params/n', 1), { op: 'remove', path: '/nodes/b' }],
      [set('/params/n', 2), set('/nodes/b/timeout_seconds', 9)],
    );
    const one = [{ op: 'replace', path: '/params/n', value: 3 }];
    await expect(merge({ ...both, tag: 'c2', resolutions: one })).rejects.toMatchObject({
      data: { extra: { conflicts: [{ path: '/nodes/b', kind: 'changed_deleted' }] } },
    });
    const all = [...one, { op: 'remove', path: '/nodes/b' }];
    await merge({ ...both, tag: 'c2', resolutions: all });
    expect(await read('c2')).toEqual(definition('x', { a: transform(1) }, { params: { n: 3 } }));
  });

  it.each([
    ['patch_invalid', [{ op: 'copy', path: '/params/n' }]],
    ['patch_conflict', [{ op: 'replace', path: '/params/none', value: 1 }, set('/params/n', 1)]],
  ])('refuse resolutions with %s', async (code, resolutions) => {
    const name = `c3-${code}`;
    const { both } = await fork(name, [set('/params/n', 1)], [set('/params/n', 2)]);
    await expect(merge({ ...both, resolutions })).rejects.toMatchObject({ code });
  });

  it('that only the validator sees are refused too, and resolved in the same way', async () => {
    const { both } = await fork(
      'c4',
      [{ op: 'remove', path: '/nodes/b' }],
      [set('/nodes/c', transform(3, { needs: ['b'] }))],
    );
    await expect(merge({ ...both, tag: 'c4' })).rejects.toMatchObject({
      code: 'definition_invalid',
      data: { errors: [{ path: '/nodes/c/needs/0' }] },
    });
    await merge({ ...both, tag: 'c4', resolutions: [set('/nodes/c/needs', ['a'])] });
    expect(((await read('c4')).nodes as JsonObject).c).toEqual(transform(3, { needs: ['a'] }));
  });
});

describe('the base', () => {
  it('is found through patch chains and compaction', async () => {
    const { both } = await fork('b1', [set('/params/x', 1)], []);
    const tip = await patch('b1', set('/params/x', 2));
    await branch('b1/t', tip.id);
    await store.artifacts.compact(caller, tip.id, { tag: { name: 'b1', expectation: {} } });
    const compacted = await tagOf('b1');
    expect(compacted.target_id).not.toBe(tip.id);
    expect(await merge(both)).toMatchObject({
      outcome: 'already_up_to_date',
      artifact_id: compacted.target_id,
    });
    await patch('b1', set('/params/ours', 1));
    await patch('b1/t', set('/params/theirs', 1));
    const merged = await merge({ ...both, tag: 'b1' });
    expect(merged).toMatchObject({ outcome: 'merged', merge_bases: [{ artifact_id: tip.id }] });
    expect((await read('b1')).params).toEqual({ n: 0, x: 2, ours: 1, theirs: 1 });
  });

  it('may be named, and must be for strangers', async () => {
    await save('s1', { ...base, params: { n: 1 } });
    await save('s2', { ...base, params: { n: 0, m: 1 } });
    await save('s0');
    await expect(merge({ ours: 's1', theirs: 's2' })).rejects.toMatchObject({ code: 'no_merge_base' });
    const merged = await merge({ ours: 's1', theirs: 's2', base: 's0', tag: 's1' });
    expect(merged.outcome).toBe('merged');
    expect((await read('s1')).params).toEqual({ n: 1, m: 1 });
    expect((await store.artifacts.get(project_id, merged.artifact_id)).parents).toHaveLength(2);
  });

  it('is not needed for strangers of one content', async () => {
    const one = await save('e1');
    const other = await save('e2');
    const merged = await merge({ ours: 'e1', theirs: 'e2', tag: 'e1' });
    expect(merged).toMatchObject({ outcome: 'merged', version_hash: one.version_hash, merge_bases: [] });
    expect((await store.artifacts.get(project_id, merged.artifact_id)).parents).toEqual([one.id, other.id]);
  });

  it('after a criss-cross is the merge of all bases, so that what both sides have is no change', async () => {
    const { mine, other, both } = await fork('x0', [set('/params/n', 1)], [set('/params/t', 1)]);
    await merge({ ours: mine.id, theirs: other.id, tag: 'x0' });
    await merge({ ours: other.id, theirs: mine.id, tag: 'x0/t' });
    await patch('x0', set('/params/o', 1));
    await patch('x0/t', set('/params/n', 5), { op: 'remove', path: '/params/t' });
    const merged = await merge({ ...both, tag: 'x0' });
    expect(merged.merge_bases).toHaveLength(2);
    expect((await read('x0')).params).toEqual({ n: 5, o: 1 });
  });

  it('after a criss-cross takes neither side of an old conflict for unchanged', async () => {
    const { both } = await fork('x1', [set('/params/n', 1), set('/params/o', 1)], [set('/params/n', 2)]);
    await branch('x1/o', 'x1');
    const to = (n: number) => [{ op: 'replace', path: '/params/n', value: n }];
    await merge({ ours: 'x1', theirs: 'x1/t', tag: 'x1', resolutions: to(1) });
    await merge({ ours: 'x1/t', theirs: 'x1/o', tag: 'x1/t', resolutions: to(2) });
    await patch('x1', set('/params/p', 1));
    await expect(merge(both)).rejects.toMatchObject({
      code: 'merge_conflict',
      data: {
        extra: {
          conflicts: [{ path: '/params/n', kind: 'both_changed', ours: 1, theirs: 2 }],
          merge_bases: [{}, {}],
        },
      },
    });
    await merge({ ...both, tag: 'x1', resolutions: [set('/params/n', 7)] });
    expect((await read('x1')).params).toEqual({ n: 7, o: 1, p: 1 });
  });
});

describe('the tag', () => {
  it('is made when there is none', async () => {
    const { both } = await fork('t1', [set('/params/x', 1)], [set('/params/y', 1)]);
    const merged = await merge({ ...both, tag: 't1/both', expectation: { expected: null } });
    expect(await tagOf('t1/both')).toMatchObject({ version: 1, target_id: merged.artifact_id });
  });

  it('keeps what it has: it does not leave a version that the result does not come from', async () => {
    const { both } = await fork('t2', [set('/params/x', 1)], [set('/params/y', 1)]);
    await branch('t2/other', 't2');
    const own = await patch('t2/other', set('/params/z', 1));
    const before = await rows();
    await expect(merge({ ...both, tag: 't2/other' })).rejects.toMatchObject({ code: 'not_fast_forward' });
    expect(await rows()).toEqual(before);
    expect(await tagOf('t2/other')).toMatchObject({ target_id: own.id });
  });

  it.each([
    ['stale_if_match', { if_match: 9 }],
    ['version_conflict', { expected: 9 }],
    ['version_conflict', { expected: null }],
  ])('answers %s to a wrong expectation, and stores nothing', async (code, expectation) => {
    const name = `t3-${v7().slice(-8)}`;
    const ahead = await fork(`${name}f`, [], [set('/params/y', 1)]);
    const apart = await fork(name, [set('/params/x', 1)], [set('/params/y', 1)]);
    const before = await rows();
    for (const { both } of [ahead, apart])
      await expect(merge({ ...both, tag: both.ours, expectation })).rejects.toMatchObject({ code });
    expect(await rows()).toEqual(before);
  });

  it('lets pass only through its gate', async () => {
    const ahead = await fork('t4f', [], [set('/params/y', 1)]);
    const apart = await fork('t4', [set('/params/x', 1)], [set('/params/y', 1)]);
    for (const { both } of [ahead, apart]) {
      await store.tags.move(caller, both.ours, { target: both.ours, protect: true, expectation: {} });
      const { version } = await tagOf(both.ours);
      await expect(merge({ ...both, tag: both.ours })).rejects.toMatchObject({ code: 'tag_protected' });
      const done = await merge({ ...both, tag: both.ours, expectation: { if_match: version } });
      expect(done.tag_version).toBe(version + 1);
    }
  });

  it('is needed for an expectation', async () => {
    const { both } = await fork('t5', [set('/params/x', 1)], [set('/params/y', 1)]);
    await expect(merge({ ...both, expectation: { if_match: 1, expected: 1 } })).rejects.toMatchObject({
      code: 'validation_failed',
      data: { errors: [{ path: '/headers/if-match' }, { path: '/expected_version' }] },
    });
  });
});

it('loses no branch when 20 are merged into one tag at once, among patches of it', async () => {
  await save('race');
  const names = Array.from({ length: 20 }, (_, i) => `b${i}`);
  for (const name of names) {
    await branch(`race/${name}`, 'race');
    await patch(`race/${name}`, set(`/nodes/${name}`, transform(1)));
  }
  const results = await Promise.all(
    names.flatMap((name, i) => [
      merge({ ours: 'race', theirs: `race/${name}`, tag: 'race' }),
      patch('race', set(`/params/p${i}`, i)),
    ]),
  );
  expect(results).toHaveLength(40);
  const { nodes, params } = (await read('race')) as { nodes: JsonObject; params: JsonObject };
  expect(Object.keys(nodes).sort()).toEqual(['a', 'b', ...names].sort());
  expect(Object.keys(params)).toHaveLength(21);
  expect(await tagOf('race')).toMatchObject({ version: 41 });
  for (const name of names)
    expect(await store.ancestry.compare(project_id, { base: 'race', head: `race/${name}` })).toMatchObject({
      ahead: 0,
    });
});

it.each([
  ['merged', [set('/params/mine', 1)]],
  ['fast_forward', []],
])('begins again when the tag is patched between reading and writing it (%s)', async (outcome, ours) => {
  const { both } = await fork(`late-${outcome}`, ours, [set('/params/theirs', 1)]);
  let is_first = true;
  const refs: Pick<StoreServices['refs'], 'resolve'> = {
    resolve: async (...question) => {
      const resolved = await store.refs.resolve(...question);
      if (is_first) await patch(both.ours, set('/params/late', 1));
      is_first = false;
      return resolved;
    },
  };
  const { db } = database;
  const merges = mergeService({ ...store, db, ids: v7, refs });
  await merges.merge(caller, { ...both, tag: both.ours, expectation: {} });
  expect((await read(both.ours)).params).toMatchObject({ late: 1, theirs: 1 });
});

it('lets one of 10 merges with one expectation win, and stores nothing of the others', async () => {
  await save('once');
  for (let i = 0; i < 10; i++) {
    await branch(`once/b${i}`, 'once');
    await patch(`once/b${i}`, set(`/params/p${i}`, i));
  }
  await patch('once', set('/params/x', 1));
  const before = (await rows()) as { a: string };
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) =>
      merge({ ours: 'once', theirs: `once/b${i}`, tag: 'once', expectation: { expected: 2 } }),
    ),
  );
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(Number(((await rows()) as { a: string }).a)).toBe(Number(before.a) + 1);
});

describe('a tag that needs an approval', () => {
  const other: Caller = { ...caller, actor: 'other' };
  beforeAll(() => store.tag_rules.create(caller, { pattern: '*/guarded', role: 'editor', approvals: 1 }));

  it('is fast-forwarded to what was approved', async () => {
    const { root, other: ahead } = await fork('g1', [], [set('/params/x', 1)]);
    const head = { ours: root.id, theirs: ahead.id, tag: 'g1/guarded', expectation: { expected: null } };
    await expect(merge(head)).rejects.toMatchObject({
      code: 'approval_required',
      data: { extra: { needed: 1, given: 0, target_id: ahead.id } },
    });
    await store.approvals.approve(other, 'g1/guarded', { target: ahead.id, expectation: {} });
    expect(await merge(head)).toMatchObject({ outcome: 'fast_forward', tag_version: 1 });
  });

  it('takes a new merge only by way of another name', async () => {
    const { both } = await fork('g2', [set('/params/x', 1)], [set('/params/y', 1)]);
    const before = await rows();
    await expect(merge({ ...both, tag: 'g2/guarded' })).rejects.toMatchObject({ code: 'approval_required' });
    expect(await rows()).toEqual(before);
    const { artifact_id } = await merge(both);
    await store.approvals.approve(other, 'g2/guarded', { target: artifact_id, expectation: {} });
    expect(await merge({ ...both, theirs: artifact_id, tag: 'g2/guarded' })).toMatchObject({ artifact_id });
  });

  it('takes it at once from who may break the glass, and tells of it', async () => {
    const { both } = await fork('g3', [set('/params/x', 1)], [set('/params/y', 1)]);
    const told: unknown[] = [];
    const { db } = database;
    const { merges } = storeServices({ db, ids: v7, onBreakGlass: (event) => told.push(event) });
    const request = { ...both, tag: 'g3/guarded', message: 'fire', expectation: {}, break_glass: true };
    await expect(merges.merge(caller, request)).rejects.toMatchObject({ code: 'forbidden' });
    const trusted: Caller = { ...caller, permissions: ['tag:break_glass'] };
    expect(await merges.merge(trusted, request)).toMatchObject({ outcome: 'merged', tag_version: 1 });
    await merges.merge(trusted, { ...request, ours: 'g3/guarded', expectation: { if_match: 1 } });
    expect(told).toMatchObject([{ tag: 'g3/guarded', command: 'save', actor: 'test', reason: 'fire' }]);
    const { items } = await store.tags.history(project_id, 'g3/guarded', { limit: 9 });
    expect(items).toMatchObject([{ break_glass: true, reason: 'fire' }]);
  });
});

it('knows no reference of another project', async () => {
  const { both } = await fork('own', [set('/params/x', 1)], [set('/params/y', 1)]);
  const other = '00000000-0000-7000-8000-000000000002';
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'other', 'test')", [
    other,
  ]);
  const stranger = { ...caller, project_id: other };
  for (const ref of [both.ours, (await tagOf(both.ours)).target_id, (await tagOf(both.ours)).target_hash])
    await expect(
      store.merges.merge(stranger, { ours: ref, theirs: ref, expectation: {} }),
    ).rejects.toMatchObject({ code: 'not_found' });
});
