import { randomUUID } from 'node:crypto';
import { bundleOf, importOf, kindOf, linesOf, sealed, visibleRows } from '../../test/support/bundles.ts';
import {
  caller,
  callerAs,
  definitionOf,
  PROJECT_ID,
  type TestStore,
  testStore,
} from '../../test/support/store.ts';
import { contentHash } from './rules/content-hash.ts';
import { type StoreServices, storeServices } from './store.ts';

let here: TestStore;
let there: TestStore;

beforeAll(async () => {
  [here, there] = await Promise.all([testStore(), testStore()]);
});

afterAll(() => Promise.all([here.close(), there.close()]));

const FILE = Buffer.from('#!/bin/sh\necho hello\n');
const ABSENT = contentHash('nobody has this');
const nothing = { expectation: {} };

const save = ({ workflows }: StoreServices, tag: string, value: unknown, more: object = {}) =>
  workflows.save(caller, {
    tag,
    definition: { ...definitionOf(value), ...more },
    ...nothing,
    message: `saved ${String(value)}`,
  });
const patch = ({ patches }: StoreServices, tag: string, value: unknown) =>
  patches.create(caller, {
    tag,
    operations: [{ op: 'replace', path: '/nodes/a/config/value', value }],
    message: `patched to ${String(value)}`,
    ...nothing,
  });

/** A workflow with all there is: files, a patch chain, its compaction, a branch, a merge, a patch taken back, undone moves. */
async function makeHistory(store: StoreServices, name: string): Promise<void> {
  const { cas_id } = await store.blobs.put(PROJECT_ID, FILE, { media_type: 'text/x-sh' });
  await save(store, name, 1, { files: { 'run.sh': cas_id, 'lost.sh': ABSENT, 'note.txt': 'inline' } });
  await store.tags.put(caller, `${name}/production`, { target: name, ...nothing });
  await patch(store, name, 2);
  const { head } = await patch(store, name, 3);
  await store.artifacts.compact(caller, head.id, { tag: { name, expectation: {} } });
  await patch(store, name, 4);
  await store.tags.put(caller, `${name}/feature`, { target: name, ...nothing });
  await store.patches.create(caller, {
    tag: `${name}/feature`,
    operations: [{ op: 'add', path: '/description', value: 'of the branch' }],
    ...nothing,
  });
  await patch(store, name, 5);
  await store.merges.merge(caller, { ours: name, theirs: `${name}/feature`, tag: name, ...nothing });
  const added = await store.patches.create(caller, {
    tag: name,
    operations: [{ op: 'add', path: '/params', value: { n: 1 } }],
    ...nothing,
  });
  await store.patches.revert(caller, added.head.id, { tag: name, ...nothing });
  await patch(store, name, 6);
  await store.tags.undo(caller, name, nothing);
}

const problemOf = (
  importing: Promise<unknown>,
): Promise<{ code?: string; data?: { errors?: { path: string; message: string }[] } }> =>
  importing.then(
    () => ({}),
    (error: unknown) => error as object,
  );

describe('a bundle', () => {
  beforeAll(() => makeHistory(here.store, 'shop'));

  it('carries everything to another instance, where it reads the same byte for byte', async () => {
    const bundle = await bundleOf(here.store, 'shop');
    const report = await importOf(there.store, bundle);
    expect(report).toMatchObject({
      workflow: 'shop',
      imported: { artifacts: 10 },
      tags: [
        { name: 'shop', result: 'created', tag_version: 1 },
        { name: 'shop/feature', result: 'created', tag_version: 1 },
        { name: 'shop/production', result: 'created', tag_version: 1 },
      ],
      absent_files: [ABSENT],
    });
    const artifacts = linesOf(bundle).filter((line) => kindOf(line) === 'artifact');
    for (const line of artifacts) {
      const { artifact } = JSON.parse(line) as { artifact: { id: string; created_by: string } };
      const [original, copy] = await Promise.all(
        [here, there].map(({ store }) => store.artifacts.get(PROJECT_ID, artifact.id)),
      );
      expect(copy).toEqual({ ...original, created_by: 'import:test' });
      const version = { artifact_id: artifact.id, version_hash: copy!.version_hash! };
      expect(await there.store.definitions.read(PROJECT_ID, version)).toEqual(
        await here.store.definitions.read(PROJECT_ID, version),
      );
      if (copy!.kind === 'patch_set') {
        const chains = await Promise.all(
          [here, there].map(({ store }) => store.artifacts.chain(PROJECT_ID, artifact.id, { limit: 100 })),
        );
        expect(chains[1]!.items.map((row) => row.id)).toEqual(chains[0]!.items.map((row) => row.id));
      }
    }
    // Without what is remembered of them the chains come to the same.
    await there.database.pool.query('DELETE FROM materialisation');
    const replaying = storeServices({ db: there.database.db, ids: randomUUID });
    expect(
      await replaying.definitions.read(PROJECT_ID, await replaying.refs.resolve(PROJECT_ID, 'shop')),
    ).toEqual(
      await here.store.definitions.read(PROJECT_ID, await here.store.refs.resolve(PROJECT_ID, 'shop')),
    );
    const file = await there.store.blobs.get(PROJECT_ID, contentHash(FILE));
    expect(file).toMatchObject({ media_type: 'text/x-sh', bytes: FILE });
  });

  it('is the same text as long as nothing changes', async () => {
    expect(await bundleOf(here.store, 'shop')).toBe(await bundleOf(here.store, 'shop'));
  });

  it('a second time changes nothing', async () => {
    const bundle = await bundleOf(here.store, 'shop');
    const before = await visibleRows(there.database);
    const report = await importOf(there.store, bundle);
    expect(report.imported).toEqual({ artifacts: 0, blobs: 0 });
    expect(report.tags.map((tag) => tag.result)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    expect(await visibleRows(there.database)).toEqual(before);
  });

  it('makes one move in the history of a tag, and undo walks the moves made here', async () => {
    const move = (await there.store.tags.history(PROJECT_ID, 'shop', { limit: 10 })).items;
    expect(move).toHaveLength(1);
    expect(move[0]).toMatchObject({ type: 'create', moved_by: 'test' });
    expect(move[0]!.reason).toMatch(/^imported: version \d+ by test at 2/);
    const before = (await there.store.tags.get(PROJECT_ID, 'shop')).target_id;
    await patch(here.store, 'shop', 7);
    expect((await importOf(there.store, await bundleOf(here.store, 'shop'))).tags[0]).toMatchObject({
      result: 'fast_forwarded',
      tag_version: 2,
    });
    const undone = await there.store.tags.undo(caller, 'shop', nothing);
    expect(undone.tag.target_id).toBe(before);
    const redone = await there.store.tags.redo(caller, 'shop', nothing);
    expect(redone.tag.target_id).toBe((await here.store.tags.get(PROJECT_ID, 'shop')).target_id);
  });

  it('of a tag holds that tag alone, and of a version no tag at all', async () => {
    const of_tag = linesOf(await bundleOf(here.store, 'shop/production')).map(kindOf);
    expect(of_tag.filter((kind) => kind === 'tag' || kind === 'artifact')).toEqual(['tag', 'artifact']);
    const { target_id, target_hash } = await here.store.tags.get(PROJECT_ID, 'shop/feature');
    const of_version = await bundleOf(here.store, target_hash);
    expect(await bundleOf(here.store, target_id)).toBe(of_version);
    expect(linesOf(of_version).map(kindOf)).not.toContain('tag');
    expect(await importOf(there.store, of_version)).toMatchObject({ workflow: null, tags: [] });
  });

  it('can be taken in under another name', async () => {
    const report = await importOf(there.store, await bundleOf(here.store, 'shop'), { as: 'boutique' });
    expect(report.workflow).toBe('boutique');
    expect(report.tags.map((tag) => [tag.name, tag.result])).toEqual([
      ['boutique', 'created'],
      ['boutique/feature', 'created'],
      ['boutique/production', 'created'],
    ]);
    expect(report.imported.artifacts).toBe(0);
    const of_version = await bundleOf(
      here.store,
      (await here.store.tags.get(PROJECT_ID, 'shop')).target_hash,
    );
    const refused = await problemOf(importOf(there.store, of_version, { as: 'x' }));
    expect(refused).toMatchObject({ code: 'validation_failed', data: { errors: [{ path: '/query/as' }] } });
  });

  it('goes into another project of the same instance under ids of its own, and stays one history with it', async () => {
    const other = callerAs('other', 'owner', { project_id: randomUUID() });
    await here.database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'p2', 'test')", [
      other.project_id,
    ]);
    const bundle = await bundleOf(here.store, 'shop');
    const first = await importOf(here.store, bundle, {}, other);
    expect(first.imported.artifacts).toBe(11);
    const again = await importOf(here.store, bundle, {}, other);
    expect(again).toMatchObject({ imported: { artifacts: 0, blobs: 0 } });
    const [ours, theirs] = await Promise.all([
      here.store.refs.resolve(PROJECT_ID, 'shop'),
      here.store.refs.resolve(other.project_id, 'shop'),
    ]);
    expect(theirs.version_hash).toBe(ours.version_hash);
    expect(theirs.artifact_id).not.toBe(ours.artifact_id);
    const chain = await here.store.artifacts.chain(other.project_id, theirs.artifact_id, { limit: 100 });
    expect(chain.items.at(-1)!.id).toBe(theirs.artifact_id);
    // What is made on the copy is one history with the original, here and elsewhere.
    await here.store.patches.create(other, {
      tag: 'shop',
      operations: [{ op: 'replace', path: '/nodes/a/config/value', value: 'of the copy' }],
      ...nothing,
    });
    const copy = await bundleOf(here.store, 'shop', [], other.project_id);
    for (const { store } of [here, there]) {
      expect(await importOf(store, copy)).toMatchObject({
        imported: { artifacts: 1 },
        tags: [{ result: 'fast_forwarded' }, { result: 'unchanged' }, { result: 'unchanged' }],
      });
    }
  });
});

describe('the same bundle many times at once', () => {
  it('into two projects of one instance is each artifact once in each', async () => {
    await makeHistory(here.store, 'raced');
    const bundle = await bundleOf(here.store, 'raced');
    const artifacts = linesOf(bundle).filter((line) => kindOf(line) === 'artifact').length;
    const other = callerAs('other', 'owner', { project_id: randomUUID() });
    await there.database.pool.query(
      "INSERT INTO project (id, name, created_by) VALUES ($1, 'raced', 'test')",
      [other.project_id],
    );
    const importers = [caller, other, caller, other, caller, other];
    const reports = await Promise.all(importers.map((by) => importOf(there.store, bundle, {}, by)));
    const inserted = reports.reduce((sum, report) => sum + report.imported.artifacts, 0);
    expect(inserted).toBe(2 * artifacts);
    for (const by of [caller, other]) {
      const { items } = await there.store.tags.history(by.project_id, 'raced', { limit: 10 });
      expect(items.map((move) => move.type)).toEqual(['create']);
    }
  });
});

describe('a tag that is here', () => {
  beforeAll(async () => {
    await save(here.store, 'split', 1);
    await importOf(there.store, await bundleOf(here.store, 'split'));
    await patch(here.store, 'split', 'one way');
    await patch(there.store, 'split', 'the other');
  });

  it('and went another way is left alone and reported', async () => {
    const before = await there.store.tags.get(PROJECT_ID, 'split');
    const report = await importOf(there.store, await bundleOf(here.store, 'split'));
    expect(report.imported.artifacts).toBe(1);
    expect(report.tags).toMatchObject([{ name: 'split', result: 'diverged', tag_version: 2 }]);
    expect(await there.store.tags.get(PROJECT_ID, 'split')).toEqual(before);
  });

  it('and went another way makes the whole import fail when asked to', async () => {
    await patch(here.store, 'split', 'further');
    const before = await visibleRows(there.database);
    const importing = importOf(there.store, await bundleOf(here.store, 'split'), { on_conflict: 'fail' });
    expect(await problemOf(importing)).toMatchObject({
      code: 'state_conflict',
      data: { errors: [{ path: '/2/tag', message: 'split is diverged' }] },
    });
    expect(await visibleRows(there.database)).toEqual(before);
  });

  it('and is further on stays where it is', async () => {
    await save(here.store, 'ahead', 1);
    const old = await bundleOf(here.store, 'ahead');
    await importOf(there.store, old);
    await patch(there.store, 'ahead', 2);
    const report = await importOf(there.store, old, { on_conflict: 'fail' });
    expect(report.tags).toMatchObject([{ result: 'ahead', tag_version: 2 }]);
  });

  it('and is protected is refused, and what came with it can be moved to by hand', async () => {
    await save(here.store, 'guarded', 1);
    await importOf(there.store, await bundleOf(here.store, 'guarded'));
    await there.store.tags.put(caller, 'guarded', { target: 'guarded', protect: true, ...nothing });
    await patch(here.store, 'guarded', 2);
    const report = await importOf(there.store, await bundleOf(here.store, 'guarded'));
    expect(report.tags).toMatchObject([{ result: 'refused', code: 'tag_protected', tag_version: 1 }]);
    const target = report.tags[0]!.version_hash;
    const moved = await there.store.tags.put(caller, 'guarded', { target, expectation: { if_match: 1 } });
    expect(moved.tag.target_hash).toBe(target);
  });

  it('or would be, but the caller may not make it, is refused, and leaves no empty workflow behind', async () => {
    await save(here.store, 'ruled', 1);
    await there.store.tag_rules.create(caller, { pattern: 'ruled', role: 'owner', approvals: 0 });
    const bundle = await bundleOf(here.store, 'ruled');
    const before = await visibleRows(there.database);
    const report = await importOf(there.store, bundle, {}, callerAs('editor', 'editor'));
    expect(report.tags).toMatchObject([{ result: 'refused', code: 'forbidden', tag_version: null }]);
    expect(await visibleRows(there.database)).toMatchObject({
      tags: before.tags,
      workflows: before.workflows,
    });
  });
});

describe('what the reader has', () => {
  const kinds = (bundle: string, kind: string) => linesOf(bundle).filter((line) => kindOf(line) === kind);

  beforeAll(() => makeHistory(here.store, 'thin'));

  it('is left out, with all it comes from', async () => {
    await importOf(there.store, await bundleOf(here.store, 'thin'));
    const { target_id, target_hash } = await there.store.tags.get(PROJECT_ID, 'thin');
    await patch(here.store, 'thin', 'new');
    const have = [target_id, target_hash, contentHash('unknown to both'), randomUUID()];
    const thin = await bundleOf(here.store, 'thin', have);
    expect(kinds(thin, 'artifact')).toHaveLength(1);
    expect(kinds(thin, 'blob')).toHaveLength(1);
    expect(kinds(thin, 'absent')).toHaveLength(0);
    expect(kinds(thin, 'requires').length).toBeGreaterThan(0);
    expect(await importOf(there.store, thin)).toMatchObject({
      imported: { artifacts: 1, blobs: 1 },
      tags: [{ result: 'fast_forwarded' }, { result: 'unchanged' }, { result: 'unchanged' }],
    });
  });

  it('must be there: a reader without it is told what it lacks, and stores nothing', async () => {
    const { target_hash } = await here.store.tags.get(PROJECT_ID, 'thin');
    await patch(here.store, 'thin', 'newer');
    const thin = await bundleOf(here.store, 'thin', [target_hash]);
    const empty = await testStore();
    try {
      const problem = await problemOf(importOf(empty.store, thin));
      expect(problem.code).toBe('state_conflict');
      expect(problem.data!.errors!.length).toBe(kinds(thin, 'requires').length);
      expect(await visibleRows(empty.database)).toMatchObject({ artifacts: 0, tags: 0, moves: 0 });
    } finally {
      await empty.close();
    }
  });

  it('may be another artifact with the same content', async () => {
    await save(here.store, 'twin', 'same');
    await save(there.store, 'twin-of-it', 'same');
    const { target_hash, target_id } = await here.store.tags.get(PROJECT_ID, 'twin');
    await patch(here.store, 'twin', 'on it');
    const report = await importOf(there.store, await bundleOf(here.store, 'twin', [target_hash]));
    expect(report).toMatchObject({ imported: { artifacts: 1 }, tags: [{ name: 'twin', result: 'created' }] });
    const twin = await there.store.tags.get(PROJECT_ID, 'twin-of-it');
    expect(twin.target_id).not.toBe(target_id);
    const head = await there.store.refs.find(PROJECT_ID, 'twin');
    expect(head).toMatchObject({ parents: [twin.target_id], base_version: twin.target_id, depth: 1 });
  });

  it('is sorted out by negotiation', async () => {
    const known = (await there.store.tags.get(PROJECT_ID, 'thin')).target_hash;
    const unknown = contentHash('unknown');
    expect(await there.store.bundles.negotiate(PROJECT_ID, [unknown, known])).toEqual({
      have: [known],
      missing: [unknown],
    });
    expect(await there.store.bundles.negotiate(randomUUID(), [known])).toEqual({
      have: [],
      missing: [known],
    });
  });
});

describe('what was collected', () => {
  const collect = ({ database }: TestStore, id: string) =>
    database.pool.query('UPDATE artifact SET live = false WHERE id = $1', [id]);

  it('is named, and the history begins after it', async () => {
    const { head: old } = await save(here.store, 'shallow', 'old');
    await save(here.store, 'shallow', 'young');
    await collect(here, old.id);
    const bundle = await bundleOf(here.store, 'shallow');
    expect(
      linesOf(bundle)
        .filter((line) => kindOf(line) === 'missing')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ missing: { id: old.id, version_hash: old.version_hash } }]);
    const report = await importOf(there.store, bundle);
    expect(report).toMatchObject({ imported: { artifacts: 1 }, tags: [{ result: 'created' }] });
    expect(await there.store.refs.find(PROJECT_ID, 'shallow')).toMatchObject({ parents: [] });
  });

  it('and is asked for itself is gone', async () => {
    await here.store.tags.put(caller, 'branch/of', { target: 'shop', ...nothing });
    const { head } = await save(here.store, 'gone', 'gone');
    await here.store.tags.delete(caller, 'gone', nothing);
    await collect(here, head.id);
    await expect(bundleOf(here.store, head.id)).rejects.toMatchObject({ code: 'blob_collected' });
  });

  it.each(['version', 'file'])(
    'while a bundle that builds on it comes, as a %s, is the end of that',
    async (kind) => {
      const name = `due-${kind}`;
      const file = Buffer.from(`needed by ${name}`);
      const { cas_id } = await here.store.blobs.put(PROJECT_ID, file, { media_type: 'text/plain' });
      await there.store.blobs.put(PROJECT_ID, file, { media_type: 'text/plain' });
      await save(here.store, name, name);
      await importOf(there.store, await bundleOf(here.store, name));
      const { target_hash, target_id } = await here.store.tags.get(PROJECT_ID, name);
      await save(here.store, name, 'after', { files: { a: cas_id } });
      const lines = linesOf(await bundleOf(here.store, name, [target_hash]));
      const without_file = sealed(
        lines
          .filter((line) => !line.includes(cas_id) || kindOf(line) !== 'blob')
          .filter((line) => line !== `{"bytes":"${file.toString('base64')}"}`),
      );
      const before = await visibleRows(there.database);
      const source = async function* () {
        yield Buffer.from(without_file.slice(0, -10));
        if (kind === 'version') {
          await there.store.tags.delete(caller, name, nothing);
          await collect(there, target_id);
        } else
          await there.database.pool.query(
            'UPDATE cas_blob SET content = NULL, collected_at = now() WHERE cas_id = $1',
            [cas_id],
          );
        yield Buffer.from(without_file.slice(-10));
      };
      const importing = there.store.bundles.import(caller, source(), { on_conflict: 'skip' });
      await expect(importing).rejects.toMatchObject({ code: 'blob_collected' });
      expect((await visibleRows(there.database)).artifacts).toBe(before.artifacts);
    },
  );

  it('and was made again, as a compaction, is the one there is', async () => {
    await save(here.store, 'again', 'again');
    const { head } = await patch(here.store, 'again', 'compacted');
    const { artifact } = await here.store.artifacts.compact(caller, head.id, {
      tag: { name: 'again', expectation: {} },
    });
    const bundle = await bundleOf(here.store, 'again');
    await importOf(there.store, bundle);
    await there.store.tags.delete(caller, 'again', nothing);
    await collect(there, artifact.id);
    const made = await there.store.artifacts.compact(caller, head.id, {});
    expect(made.artifact.id).not.toBe(artifact.id);
    expect((await importOf(there.store, bundle)).tags).toMatchObject([{ result: 'created' }]);
    expect((await there.store.tags.get(PROJECT_ID, 'again')).target_id).toBe(made.artifact.id);
  });

  it('comes back when a bundle brings it', async () => {
    const { head } = await save(here.store, 'back', 'back');
    const bundle = await bundleOf(here.store, 'back');
    await importOf(there.store, bundle);
    await there.store.tags.delete(caller, 'back', nothing);
    await collect(there, head.id);
    const { rows } = await there.database.pool.query('SELECT live FROM artifact WHERE id = $1', [head.id]);
    expect(rows).toEqual([{ live: false }]);
    expect(await importOf(there.store, bundle)).toMatchObject({
      imported: { artifacts: 0 },
      tags: [{ result: 'created' }],
    });
  });
});
