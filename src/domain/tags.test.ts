import { v7 } from 'uuid';
import { caller, definitionOf, type TestStore, testStore } from '../../test/support/store.ts';
import type { StoreServices } from './store.ts';

const free = { expectation: {} };
let opened: TestStore;
let store: StoreServices;
let versions: string[];

beforeAll(async () => {
  opened = await testStore();
  ({ store } = opened);
  versions = await Promise.all([0, 1, 2, 3].map(saveVersion));
});

afterAll(() => opened?.close());

async function saveVersion(n: number): Promise<string> {
  const saved = await store.workflows.save(caller, {
    tag: `source-${n}`,
    definition: definitionOf(n),
    ...free,
  });
  return saved.head.id;
}

const put = (name: string, target: string, expectation = {}) =>
  store.tags.put(caller, name, { target, expectation });
const indexOf = async (name: string) =>
  versions.indexOf((await store.tags.get(caller.project_id, name)).target_id);
const history = async (name: string) =>
  (await store.tags.history(caller.project_id, name, { limit: 100 })).items.toReversed();
const outcomes = (results: PromiseSettledResult<unknown>[]) =>
  results.map((r) => (r.status === 'fulfilled' ? 'won' : (r.reason as { code: string }).code));
const count = (all: string[], one: string) => all.filter((each) => each === one).length;

describe('moving a tag', () => {
  it('creates it, moves it, and leaves it alone when it is there already', async () => {
    expect((await put('t/basic', versions[0]!)).outcome).toBe('created');
    const moved = await put('t/basic', versions[1]!);
    expect(moved).toMatchObject({
      outcome: 'moved',
      tag: { version: 2, target_id: versions[1], moved_by: 'test' },
    });
    expect((await put('t/basic', versions[1]!)).outcome).toBe('unchanged');
    expect((await history('t/basic')).map((m) => m.type)).toEqual(['create', 'move']);
  });

  it('takes an artifact id, a version hash or the name of another tag', async () => {
    const { target_hash } = await store.tags.get(caller.project_id, 'source-2');
    expect((await put('t/by-hash', target_hash)).tag.target_id).toBe(versions[2]);
    expect((await put('t/by-tag', 'source-3')).tag.target_id).toBe(versions[3]);
    await expect(put('t/by-tag', 'no-such')).rejects.toMatchObject({ code: 'not_found' });
    await expect(put('t/by-tag', v7())).rejects.toMatchObject({ code: 'not_found' });
  });

  it('by hash leaves a tag alone that has this content, by whichever artifact', async () => {
    const same = { tag: 't/same-content', definition: definitionOf(2), ...free };
    const { head } = await store.workflows.save(caller, same);
    expect(head.id).not.toBe(versions[2]);
    const put_again = await put('t/same-content', head.version_hash);
    expect(put_again).toMatchObject({ outcome: 'unchanged', tag: { target_id: head.id } });
  });

  it('costs two statements', async () => {
    await put('t/cost', versions[0]!);
    opened.statements.length = 0;
    await put('t/cost', versions[1]!);
    expect(opened.statements).toHaveLength(2);
  });

  it.each([
    ['If-Match', (v: number) => ({ if_match: v }), 'stale_if_match'],
    ['expected_version', (v: number) => ({ expected: v }), 'version_conflict'],
  ])('lets one of 100 concurrent moves with one %s win', async (_, expectation, code) => {
    const name = `t/race-${code}`;
    const { tag } = await put(name, versions[0]!);
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => put(name, versions[1 + (i % 3)]!, expectation(tag.version))),
    );
    expect(count(outcomes(results), 'won')).toBe(1);
    expect(count(outcomes(results), code)).toBe(99);
    expect(await history(name)).toHaveLength(2);
  });

  it('lets one of 50 concurrent creations win', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => put('u/new', versions[0]!, { expected: null })),
    );
    expect(count(outcomes(results), 'won')).toBe(1);
    expect(count(outcomes(results), 'version_conflict')).toBe(49);
  });

  it('loses no move when nobody expects anything', async () => {
    await put('t/all', versions[0]!);
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) => put('t/all', versions[i % 4]!)),
    );
    expect(count(outcomes(results), 'won')).toBe(60);
    const moves = await history('t/all');
    expect(moves.map((m) => m.seq)).toEqual(moves.map((_, i) => i + 1));
  });
});

describe('undo and redo', () => {
  const step = async (name: string, command: 'undo' | 'redo') => {
    await store.tags[command](caller, name, free);
    return indexOf(name);
  };

  it('walk back and forth, and a move after an undo hides what was undone', async () => {
    const name = 't/walk';
    for (const version of versions.slice(0, 3)) await put(name, version);
    expect(await step(name, 'undo')).toBe(1);
    expect(await step(name, 'undo')).toBe(0);
    await expect(step(name, 'undo')).rejects.toMatchObject({ code: 'nothing_to_undo' });
    expect(await step(name, 'redo')).toBe(1);
    await put(name, versions[3]!);
    await expect(step(name, 'redo')).rejects.toMatchObject({ code: 'nothing_to_redo' });
    expect(await step(name, 'undo')).toBe(1);
    expect(await step(name, 'redo')).toBe(3);
    const entries = (await history(name)).map((m) => [m.type, m.reverses_seq]);
    expect(entries).toEqual([
      ['create', null],
      ['move', null],
      ['move', null],
      ['undo', 3],
      ['undo', 2],
      ['redo', 5],
      ['move', null],
      ['undo', 7],
      ['redo', 8],
    ]);
  });

  it('do not cross a deletion, and a version is never used again', async () => {
    const name = 't/again';
    await put(name, versions[0]!);
    await put(name, versions[1]!);
    await store.tags.delete(caller, name, free);
    await expect(store.tags.get(caller.project_id, name)).rejects.toMatchObject({ code: 'not_found' });
    expect((await put(name, versions[2]!)).tag.version).toBe(4);
    await expect(step(name, 'undo')).rejects.toMatchObject({ code: 'nothing_to_undo' });
    expect((await history(name)).map((m) => m.type)).toEqual(['create', 'move', 'delete', 'create']);
  });

  it('survive creation and deletion by many at once', async () => {
    const name = 'flap/x';
    const jobs = Array.from({ length: 60 }, (_, i) =>
      i % 2 === 0 ? put(name, versions[i % 4]!) : store.tags.delete(caller, name, free),
    );
    const codes = outcomes(await Promise.allSettled(jobs)).filter((code) => code !== 'won');
    expect(codes.every((code) => code === 'not_found' || code === 'version_conflict')).toBe(true);
    const entries = await history(name);
    expect(entries.map((m) => m.seq)).toEqual(entries.map((_, i) => i + 1));
  });
});

describe('lists', () => {
  it('page to the end without repeat or gap while tags are added', async () => {
    const before = Array.from({ length: 25 }, (_, i) => `list/${String(i).padStart(2, '0')}`);
    for (const name of before) await put(name, versions[0]!);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.tags.list(
        { project_id: caller.project_id, prefix: 'list/' },
        { after, limit: 4 },
      );
      seen.push(...page.items.map((tag) => tag.name));
      after = page.next;
      await put(`list/${seen.length}-late`, versions[0]!);
    } while (after !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(before));
  });
});
