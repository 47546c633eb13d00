import { setTimeout as pause } from 'node:timers/promises';
import { v7 } from 'uuid';
import { insertRun } from '../../test/support/runs.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../../test/support/store.ts';
import { type NewRelease, releaseRepository } from '../persistence/releases.ts';
import type { Explained } from './rules/gc-explain.ts';
import { storeServices } from './store.ts';

let opened: TestStore;
let store: TestStore['store'];

beforeEach(async () => {
  opened = await testStore({ limits: { inline_blob_bytes: 4_096 } });
  ({ store } = opened);
});
afterEach(() => opened.close());

const sql = (text: string, values: unknown[] = []) =>
  opened.database.pool.query<Record<string, unknown>>(text, values);
const collectNow = async () => {
  await store.gc.mark();
  return store.gc.collect({ grace_seconds: 0 });
};
const upload = async (text: string) =>
  (await store.blobs.put(PROJECT_ID, Buffer.from(text), { media_type: 'text/plain' })).cas_id;
const save = async (tag: string, value: unknown, more = {}) =>
  (
    await store.workflows.save(caller, {
      tag,
      definition: { ...definitionOf(value), ...more },
      expectation: {},
    })
  ).head;
const change = async (tag: string, value: unknown) =>
  (
    await store.patches.create(caller, {
      tag,
      operations: [{ op: 'replace', path: '/nodes/a/config/value', value }],
      expectation: {},
    })
  ).head;
const remove = (tag: string) => store.tags.delete(caller, tag, { expectation: {} });
const read = (ref: string) =>
  store.refs.resolve(PROJECT_ID, ref).then((version) => store.definitions.read(PROJECT_ID, version));
const outlive = (days: number) =>
  sql(`UPDATE tag_move SET moved_at = moved_at - make_interval(days => $1)`, [days]);
const isThere = async (cas_id: string) =>
  (await sql('SELECT stored FROM cas_blob WHERE cas_id = $1', [cas_id])).rows[0]?.['stored'] as boolean;
const whyOf = async (id: string, grace_seconds = 0): Promise<Explained> => {
  const { items } = await store.gc.preview({ grace_seconds, page: { limit: 1_000 } });
  return items.find((item) => item.artifact_id === id || item.cas_id === id)!;
};

describe('a blob', () => {
  it('that nothing names is collected, and answers that to who could read it', async () => {
    const cas_id = await upload('alone');
    expect(await collectNow()).toEqual({ artifacts: 0, blobs: 1, bytes: 5 });
    await expect(store.blobs.get(PROJECT_ID, cas_id)).rejects.toMatchObject({ code: 'blob_collected' });
    await expect(store.blobs.head(PROJECT_ID, cas_id)).rejects.toMatchObject({ code: 'blob_collected' });
    const stranger = '00000000-0000-7000-8000-000000000002';
    await expect(store.blobs.get(stranger, cas_id)).rejects.toMatchObject({ code: 'not_found' });
    expect(await upload('alone')).toBe(cas_id);
    expect((await store.blobs.get(PROJECT_ID, cas_id)).bytes.toString()).toBe('alone');
  });

  it('stays for the grace time, and begins it again when it is stored again', async () => {
    const cas_id = await upload('young');
    expect(await store.gc.mark()).toMatchObject({ marked: { blobs: 1 } });
    expect(await store.gc.collect({ grace_seconds: 3_600 })).toMatchObject({ blobs: 0 });
    await sql("UPDATE cas_blob SET unreachable_since = unreachable_since - interval '2 hours'");
    await upload('young');
    expect(await store.gc.mark()).toMatchObject({ marked: { blobs: 1 } });
    expect(await store.gc.collect({ grace_seconds: 3_600 })).toMatchObject({ blobs: 0 });
    await sql("UPDATE cas_blob SET unreachable_since = unreachable_since - interval '2 hours'");
    expect(await store.gc.collect({ grace_seconds: 3_600 })).toMatchObject({ blobs: 1 });
    expect(await isThere(cas_id)).toBe(false);
  });

  it('that is an object is collected with its object', async () => {
    const cas_id = await upload('x'.repeat(10_000));
    expect((await sql('SELECT FROM object_chunk')).rowCount).toBe(1);
    expect(await collectNow()).toEqual({ artifacts: 0, blobs: 1, bytes: 10_000 });
    expect(await store.blobs.sweepGarbage(86_400)).toEqual({ deleted: 1, failed: [] });
    expect((await sql('SELECT FROM object_chunk')).rowCount).toBe(0);
    await upload('x'.repeat(10_000));
    expect((await store.blobs.get(PROJECT_ID, cas_id)).bytes).toHaveLength(10_000);
  });

  it('that a definition names stays with it, and goes with it', async () => {
    const file = await upload('a file');
    const head = await save('named', 1, { files: { 'spec/plan.md': file } });
    expect(await collectNow()).toMatchObject({ blobs: 0 });
    expect(await whyOf(file)).toMatchObject({
      reason: 'tag',
      tag: 'named',
      via: [head.id, head.cas_id],
      distance: 2,
    });
    await remove('named');
    await outlive(91);
    expect(await collectNow()).toMatchObject({ artifacts: 1, blobs: 2 });
  });

  it('that is named in a large object stays, wherever in it the name is', async () => {
    const file = await upload('a file');
    const large = JSON.stringify({ padding: 'x'.repeat(262_144 - 40), file });
    const output_ref = await upload(large);
    const head = await save('w', 1);
    const run_id = await insertRun(opened.database.db, {
      artifact_id: head.id,
      version_hash: head.version_hash,
    });
    await sql('UPDATE run SET output_ref = $1 WHERE id = $2', [output_ref, run_id]);
    expect(await collectNow()).toMatchObject({ blobs: 0 });
    expect(await whyOf(file)).toMatchObject({ reason: 'run', run_id, via: [output_ref] });
    const scanned = await sql('SELECT names FROM blob_names WHERE cas_id = $1', [output_ref]);
    expect(scanned.rows).toEqual([{ names: [file] }]);
  });

  it('that is named by what is named only is not kept: there are two levels', async () => {
    const far = await upload('far');
    const near = await upload(`near: ${far}`);
    await save('named', 1, { files: { near } });
    expect(await collectNow()).toMatchObject({ blobs: 1 });
    expect([await isThere(near), await isThere(far)]).toEqual([true, false]);
  });
});

describe('a version', () => {
  it('stays with everything it comes from as long as a tag points at it', async () => {
    const base = await save('main', 1);
    const patches = [await change('main', 2), await change('main', 3), await change('main', 4)];
    const saved = await save('main', 5);
    await outlive(91);
    expect(await collectNow()).toMatchObject({ artifacts: 0, blobs: 0 });
    for (const version of [base, ...patches, saved])
      expect(await read(version.id)).toEqual(definitionOf(expect.any(Number)));
    const way = [saved.id, patches[2]!.id, patches[1]!.id, patches[0]!.id];
    expect(await whyOf(patches[0]!.id)).toMatchObject({
      reason: 'tag',
      tag: 'main',
      via: way.slice(0, 3),
      distance: 3,
    });
    // Each patch names its base: the way there is no longer than to the last patch.
    expect(await whyOf(base.id)).toMatchObject({ via: way.slice(0, 2), distance: 2 });
    await sql('DELETE FROM materialisation');
    const reader = storeServices({ db: opened.database.db, ids: v7 });
    const last = await reader.refs.resolve(PROJECT_ID, patches[2]!.version_hash);
    expect(await reader.definitions.read(PROJECT_ID, last)).toEqual(definitionOf(4));
  });

  it('stays inside the undo window, so that undo finds it, and answers 410 after it', async () => {
    const one = await save('one', 1);
    await save('two', 2);
    await store.tags.put(caller, 'live', { target: 'one', expectation: {} });
    await store.tags.move(caller, 'live', { target: 'two', expectation: {} });
    await remove('one');
    await outlive(89);
    expect(await collectNow()).toMatchObject({ artifacts: 0 });
    expect(await whyOf(one.id)).toMatchObject({
      reason: 'move',
      tag: expect.stringMatching(/^(live|one)$/) as string,
    });
    await outlive(2);
    expect(await collectNow()).toMatchObject({ artifacts: 1, blobs: 1 });
    const gone = { code: 'blob_collected' };
    await expect(store.tags.undo(caller, 'live', { expectation: {} })).rejects.toMatchObject(gone);
    await expect(store.tags.move(caller, 'live', { target: one.id, expectation: {} })).rejects.toMatchObject(
      gone,
    );
    for (const ref of [one.id, one.version_hash]) await expect(read(ref)).rejects.toMatchObject(gone);
    await expect(store.artifacts.get(PROJECT_ID, one.id)).rejects.toMatchObject(gone);
    expect((await store.tags.get(PROJECT_ID, 'live')).version).toBe(2);
  });

  it('is found by its hash as long as one that holds it is left', async () => {
    const old = await save('old', 'same');
    await remove('old');
    const young = await save('young', 'same');
    expect((await store.refs.resolve(PROJECT_ID, old.version_hash)).artifact_id).toBe(old.id);
    await outlive(91);
    expect(await collectNow()).toEqual({ artifacts: 1, blobs: 0, bytes: 0 });
    expect((await store.refs.resolve(PROJECT_ID, old.version_hash)).artifact_id).toBe(young.id);
    expect(await store.artifacts.byVersionHash(PROJECT_ID, old.version_hash)).toMatchObject({ id: young.id });
    expect(await read(old.version_hash)).toEqual(definitionOf('same'));
    await expect(read(old.id)).rejects.toMatchObject({ code: 'blob_collected' });
    expect((await save('again', 'same')).version_hash).toBe(old.version_hash);
  });

  it('stays for who approved a move to it', async () => {
    const head = await save('wanted', 1);
    await remove('wanted');
    await outlive(91);
    await sql(
      `INSERT INTO tag_approval (project_id, tag_name, tag_version, target_id, approved_by) VALUES ($1, 'p', 0, $2, 'x')`,
      [PROJECT_ID, head.id],
    );
    expect(await collectNow()).toMatchObject({ artifacts: 0 });
    expect(await whyOf(head.id)).toMatchObject({ reason: 'approval', tag: 'p' });
    await sql("UPDATE tag_approval SET approved_at = now() - interval '91 days'");
    expect(await collectNow()).toMatchObject({ artifacts: 1 });
  });
});

describe('a run', () => {
  it('keeps its version, its record and every value of it, until it is deleted', async () => {
    const [input_ref, output_ref, program_file] = [
      await upload('[1]'),
      await upload('[2]'),
      await upload('report'),
    ];
    const head = await save('w', 1);
    const run_id = await insertRun(opened.database.db, {
      artifact_id: head.id,
      version_hash: head.version_hash,
      input_ref,
    });
    const step = 'INSERT INTO step (run_id, epoch, node, attempt, state, output, output_ref)';
    await sql(`${step} VALUES ($1, 0, 'big', 1, 'succeeded', NULL, $2)`, [run_id, output_ref]);
    await sql(`${step} VALUES ($1, 0, 'files', 1, 'succeeded', $2, NULL)`, [
      run_id,
      { artifacts: [{ cas_id: program_file }] },
    ]);
    await remove('w');
    await outlive(91);
    expect(await collectNow()).toMatchObject({ artifacts: 0, blobs: 0 });
    expect(await whyOf(head.id)).toMatchObject({ reason: 'run', run_id });
    expect(await whyOf(input_ref)).toMatchObject({ reason: 'run', run_id, via: [] });
    expect(await whyOf(program_file)).toMatchObject({ reason: 'run', run_id, node: 'files' });
    await sql('DELETE FROM step');
    for (const table of ['outbox', 'run_event', 'run_state_transition']) await sql(`DELETE FROM ${table}`);
    await sql('DELETE FROM run');
    // Its version and its manifest; their blobs and its three values.
    expect(await collectNow()).toMatchObject({ artifacts: 2, blobs: 5 });
  });

  it('keeps what its step under way may have stored, without a name for it yet', async () => {
    const head = await save('w', 1);
    const run_id = await insertRun(opened.database.db, {
      artifact_id: head.id,
      version_hash: head.version_hash,
    });
    const before = await upload('before');
    await store.gc.mark();
    const step = `INSERT INTO step (run_id, epoch, node, attempt, state, started_at) VALUES ($1, 0, 'a', 1, 'running', clock_timestamp())`;
    await sql(step, [run_id]);
    const made = await upload('made by the step');
    expect(await whyOf(made)).toMatchObject({ reason: 'step', run_id, node: 'a' });
    expect(await collectNow()).toMatchObject({ blobs: 1 });
    expect([await isThere(before), await isThere(made)]).toEqual([false, true]);
    await sql(`UPDATE step SET state = 'succeeded'`);
    expect(await collectNow()).toMatchObject({ blobs: 1 });
  });
});

describe('a release', () => {
  /** What the environment `e` was given, until it goes. */
  async function released(more: Partial<NewRelease>): Promise<string> {
    const { db } = opened.database;
    const head = await save('deployer', 0);
    const run_id = await insertRun(db, { artifact_id: head.id, version_hash: head.version_hash });
    const environment_id = v7();
    await sql(
      `INSERT INTO environment (id, project_id, name, description, deployer, settings, variables, secrets, checks, watch_seconds,
         binds_tags, created_by) VALUES ($1, $2, 'e', '', 'command', '{}', '{}', '{}', '[]', 0, false, 'test')`,
      [environment_id, PROJECT_ID],
    );
    const releases = releaseRepository(db);
    const place = { environment_id, subject: '' };
    await releases.lock(run_id, [place]);
    const what = { kind: 'application', digest: 'none', artifact_ref: null, source: {} } as const;
    const { id } = await releases.begin({ ...what, ...more, ...place, id: v7(), run_id, created_by: 'test' });
    await releases.takeBack(id, { state: 'failed', reason: null });
    await releases.noteEvidence(run_id, await upload('evidence'));
    return run_id;
  }
  const forgetReleases = async () => {
    for (const table of ['deployment_target', 'release', 'environment']) await sql(`DELETE FROM ${table}`);
  };

  it('keeps its artifact with all that lists, its evidence, its digest and what its source names', async () => {
    const [file, digest, archive] = [await upload('a file'), await upload('digest'), await upload('archive')];
    const artifact_ref = await upload(JSON.stringify({ files: [file] }));
    const run_id = await released({ artifact_ref, digest, source: { archive } });
    expect(await collectNow()).toMatchObject({ artifacts: 0, blobs: 0 });
    for (const cas_id of [artifact_ref, digest, archive])
      expect(await whyOf(cas_id)).toMatchObject({ reason: 'release', run_id });
    expect(await whyOf(file)).toMatchObject({ reason: 'release', via: [artifact_ref], distance: 2 });
    await forgetReleases();
    expect(await collectNow()).toMatchObject({ artifacts: 0, blobs: 5 });
  });

  it('keeps the version of a workflow whose tags are gone', async () => {
    const head = await save('w', 1);
    await remove('w');
    await outlive(91);
    await released({ kind: 'workflow', source: { artifact_id: head.id } });
    expect(await collectNow()).toMatchObject({ artifacts: 0, blobs: 0 });
    expect(await whyOf(head.id)).toMatchObject({ reason: 'release', environment: 'e', seq: 1 });
    await forgetReleases();
    expect(await collectNow()).toMatchObject({ artifacts: 1, blobs: 2 });
  });

  it('of what was collected is refused', async () => {
    const gone = await upload('gone');
    await collectNow();
    await expect(released({ artifact_ref: gone })).rejects.toMatchObject({ code: 'blob_collected' });
  });
});

describe('a dry run', () => {
  it('says what would go and why the rest stays, and changes nothing', async () => {
    const head = await save('main', 1);
    const [alone, marked] = [await upload('alone'), await upload('marked')];
    await store.gc.mark();
    await sql(
      "UPDATE cas_blob SET unreachable_since = unreachable_since - interval '20 days' WHERE cas_id = $1",
      [marked],
    );
    const rows = async () => (await sql('SELECT * FROM cas_blob ORDER BY cas_id')).rows as unknown[];
    const before = await rows();
    const day = 86_400;
    const first = await store.gc.preview({ grace_seconds: 14 * day, page: { limit: 100 } });
    expect(first).toMatchObject({
      collected: { artifacts: 0, blobs: 1, bytes: 6 },
      kept: {
        artifacts: 1,
        blobs: 2,
        reasons: { tag: { artifacts: 1, blobs: 1 }, grace: { artifacts: 0, blobs: 1, bytes: 5 } },
      },
    });
    expect(first.items.map((item) => item.artifact_id ?? item.cas_id)).toEqual([
      head.id,
      ...[alone, marked, head.cas_id].sort(),
    ]);
    const young = first.items.find((item) => item.cas_id === alone)!;
    expect(young).toMatchObject({ fate: 'kept', reason: 'grace' });
    expect(Date.parse(young.until!) - Date.parse(young.unreachable_since!)).toBe(14 * day * 1_000);
    expect(first.items.find((item) => item.cas_id === marked)).toMatchObject({ fate: 'collected' });
    expect(await rows()).toEqual(before);
    expect(await store.gc.preview({ grace_seconds: 14 * day, page: { limit: 100 } })).toEqual(first);
  });

  it('is paged to its end, and can be asked for one fate only', async () => {
    for (const value of [1, 2, 3]) await save(`t/${value}`, value);
    for (const text of ['a', 'b', 'c', 'd']) await upload(text);
    const { items } = await store.gc.preview({ grace_seconds: 0, page: { limit: 100 } });
    expect(items).toHaveLength(10);
    const paged: Explained[] = [];
    let after: string | undefined;
    do {
      const page = await store.gc.preview({ grace_seconds: 0, page: { after, limit: 3 } });
      paged.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    expect(paged).toEqual(items);
    for (const fate of ['kept', 'collected'] as const) {
      const only = await store.gc.preview({ grace_seconds: 0, fate, page: { limit: 100 } });
      expect(only.items).toEqual(items.filter((item) => item.fate === fate));
    }
  });

  it('keeps what an unreachable version stands on that is too young to go', async () => {
    const parent = await save('main', 1);
    const child = await save('main', 2);
    await remove('main');
    await outlive(91);
    await store.gc.mark();
    const age = (days: number, id: string, cas_id: string) =>
      Promise.all([
        sql('UPDATE artifact SET unreachable_since = now() - make_interval(days => $1) WHERE id = $2', [
          days,
          id,
        ]),
        sql('UPDATE cas_blob SET unreachable_since = now() - make_interval(days => $1) WHERE cas_id = $2', [
          days,
          cas_id,
        ]),
      ]);
    await age(20, parent.id, parent.cas_id);
    await age(2, child.id, child.cas_id);
    const grace_seconds = 14 * 86_400;
    expect(await whyOf(parent.id, grace_seconds)).toMatchObject({
      fate: 'kept',
      reason: 'grace',
      via: [child.id],
    });
    expect(await store.gc.collect({ grace_seconds })).toEqual({ artifacts: 0, blobs: 0, bytes: 0 });
    await age(15, child.id, child.cas_id);
    expect(await store.gc.collect({ grace_seconds })).toMatchObject({ artifacts: 2, blobs: 2 });
  });
});

it('waits for a transaction that has begun before the marks, and then sees what it did', async () => {
  const cas_id = await upload('wanted');
  const head = await save('w', 1);
  const run_id = await insertRun(opened.database.db, {
    artifact_id: head.id,
    version_hash: head.version_hash,
  });
  const client = await opened.database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT 1');
    await store.gc.mark();
    const collecting = store.gc.collect({ grace_seconds: 0 });
    const early = await Promise.race([collecting.then(() => 'collected'), pause(300).then(() => 'waiting')]);
    expect(early).toBe('waiting');
    await client.query(`UPDATE run SET output = $1 WHERE id = $2`, [
      JSON.stringify({ made: cas_id }),
      run_id,
    ]);
    await client.query('COMMIT');
    expect(await collecting).toMatchObject({ blobs: 0 });
    expect(await isThere(cas_id)).toBe(true);
  } finally {
    client.release(true);
  }
});

it('refuses a save that names a collected blob, and takes the mark from one that is not yet', async () => {
  const [gone, marked] = [await upload('gone'), await upload('marked')];
  const named = (cas_id: string) => save('w', cas_id, { files: { a: cas_id } });
  await collectNow();
  await expect(named(gone)).rejects.toMatchObject({ code: 'blob_collected' });
  await upload('marked');
  await store.gc.mark();
  await named(marked);
  await expect(change('w', gone)).rejects.toMatchObject({ code: 'blob_collected' });
  expect(await store.gc.collect({ grace_seconds: 0 })).toMatchObject({ blobs: 0 });
  await upload('gone');
  await change('w', gone);
  expect(await collectNow()).toMatchObject({ blobs: 0 });
});

it('lets no run start on what was collected', async () => {
  const head = await save('w', 1);
  const input_ref = await upload('[1]');
  await collectNow();
  const row = { artifact_id: head.id, version_hash: head.version_hash };
  await expect(insertRun(opened.database.db, { ...row, input_ref })).rejects.toThrow('was collected');
  await remove('w');
  await outlive(91);
  await collectNow();
  await expect(insertRun(opened.database.db, row)).rejects.toThrow('was collected');
  expect((await sql('SELECT FROM run')).rowCount).toBe(0);
});
