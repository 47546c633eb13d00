import { v7 } from 'uuid';
import { STORE_KINDS, testObjects } from '../../test/support/object-stores.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../../test/support/store.ts';
import { objectStores } from './object-stores.ts';
import { storeServices } from './store.ts';

let opened: TestStore;
let store: TestStore['store'];

beforeEach(async () => {
  opened = await testStore({ limits: { inline_blob_bytes: 4_096 } });
  ({ store } = opened);
});
afterEach(() => opened.close());

const sql = async (text: string, values: unknown[] = []) =>
  (await opened.database.pool.query<Record<string, unknown>>(text, values)).rows;
const upload = async (bytes: Buffer) =>
  (await store.blobs.put(PROJECT_ID, bytes, { media_type: 'application/octet-stream' })).cas_id;
const save = async (tag: string, value: unknown) =>
  (await store.workflows.save(caller, { tag, definition: definitionOf(value), expectation: {} })).head;
const change = async (tag: string, value: unknown) =>
  (
    await store.patches.create(caller, {
      tag,
      operations: [{ op: 'replace', path: '/nodes/a/config/value', value }],
      expectation: {},
    })
  ).head;

async function fsck() {
  const job_id = v7();
  const blobs = await store.fsck.checkBlobs(job_id);
  const objects = await store.fsck.checkObjects(job_id);
  const versions = await store.fsck.checkVersions(job_id);
  await store.fsck.checkRelations(job_id);
  const { items } = await store.fsck.findings(job_id, { limit: 10_000 });
  return { job_id, blobs, objects, versions, items, corrupt: await store.fsck.corrupt(job_id, 10_000) };
}

it('finds nothing wrong with a store that is right, and looks at all of it', async () => {
  await upload(Buffer.from('small'));
  await upload(Buffer.alloc(700_000, 7));
  await upload(Buffer.alloc(0));
  await save('right', 1);
  await change('right', 2);
  await change('right', 3);
  await store.tags.undo(caller, 'right', { expectation: {} });
  const { blobs, objects, versions, items } = await fsck();
  expect(items).toEqual([]);
  expect({ ...blobs, ...objects, ...versions }).toMatchObject({ blobs: 8, objects: 1, versions: 2 });
});

it('lists exactly the blobs that were corrupted, in their rows and as objects', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 300; n++) ids.push(await upload(Buffer.alloc(n % 3 === 0 ? 300_000 + n : 50 + n, n)));
  const [flipped, cut, swapped, misnoted, missing] = [ids[1]!, ids[3]!, ids[6]!, ids[9]!, ids[12]!];
  await sql(
    `UPDATE cas_blob SET content = set_byte(content, 17, 255 - get_byte(content, 17)) WHERE cas_id = $1`,
    [flipped],
  );
  const chunk = `FROM cas_blob b WHERE b.cas_id = $1 AND 'pg:' || c.object_key = b.storage_url`;
  await sql(
    `DELETE FROM object_chunk c USING (SELECT 1) x, cas_blob b WHERE b.cas_id = $1 AND 'pg:' || c.object_key = b.storage_url AND c.seq = 1`,
    [cut],
  );
  await sql(
    `UPDATE object_chunk c SET bytes = set_byte(c.bytes, 5, 255 - get_byte(c.bytes, 5)) ${chunk} AND c.seq = 1`,
    [swapped],
  );
  await sql(
    `UPDATE cas_blob SET slice_hashes = set_byte(slice_hashes, 0, 255 - get_byte(slice_hashes, 0)) WHERE cas_id = $1`,
    [misnoted],
  );
  await sql(
    `DELETE FROM object_chunk c USING cas_blob b WHERE b.cas_id = $1 AND 'pg:' || c.object_key = b.storage_url`,
    [missing],
  );
  const { items, corrupt } = await fsck();
  expect(corrupt).toEqual([flipped, cut, swapped, misnoted, missing].sort());
  expect(items).toHaveLength(5);
  const details = new Map(items.map((item) => [item.about, item.detail]));
  expect(details.get(missing)).toMatch(/is not all there/);
  expect(details.get(misnoted)).toMatch(/slice 0/);
  const read = async (cas_id: string) => {
    for await (const _ of (await store.blobs.open(PROJECT_ID, cas_id)).read());
  };
  for (const cas_id of corrupt) await expect(read(cas_id)).rejects.toMatchObject({ code: 'blob_corrupt' });
});

it.each(STORE_KINDS)(
  'finds 1 %% of the objects corrupted in the store %s, and reads all others',
  async (kind) => {
    const objects = await testObjects(kind, opened.database);
    try {
      const here = storeServices({
        db: opened.database.db,
        ids: v7,
        objects: objectStores(objects.store),
        limits: { inline_blob_bytes: 0 },
      });
      for (let n = 0; n < 300; n++)
        await here.blobs.put(PROJECT_ID, Buffer.from(`object ${n}`), { media_type: 'text/plain' });
      const stored = await sql(
        'SELECT cas_id, storage_url FROM cas_blob WHERE storage_url IS NOT NULL ORDER BY cas_id',
      );
      const corrupted = [7, 150, 299].map((n) => stored[n] as { cas_id: string; storage_url: string });
      for (const { storage_url } of corrupted)
        await objects.corrupt(storage_url.slice(objects.store.prefix.length), 3);
      const job_id = v7();
      expect(await here.fsck.checkBlobs(job_id)).toMatchObject({ blobs: 300 });
      expect(await here.fsck.checkObjects(job_id)).toEqual({ objects: 300 });
      expect(await here.fsck.corrupt(job_id, 1_000)).toEqual(corrupted.map(({ cas_id }) => cas_id));
      expect(await here.fsck.count(job_id)).toEqual({ corrupt_blob: 3 });
    } finally {
      await objects.remove();
    }
  },
);

it('goes on where it was cut off', async () => {
  for (let n = 0; n < 250; n++) await upload(Buffer.from(`${n}`));
  const all = await store.fsck.checkBlobs(v7());
  let seen: { after: string; blobs: number; bytes: number } | undefined;
  const stop = new AbortController();
  const report = (progress: NonNullable<typeof seen>) => {
    seen = progress;
    stop.abort(new Error('cut off'));
  };
  await expect(store.fsck.checkBlobs(v7(), { report, signal: stop.signal })).rejects.toThrow('cut off');
  expect(seen!.blobs).toBeLessThan(all.blobs);
  expect(await store.fsck.checkBlobs(v7(), { from: seen })).toEqual(all);
});

it('replays every patch of a chain and names the one that does not come to its hash', async () => {
  await save('chain', 1);
  const patches = [];
  for (const value of [2, 3, 4]) patches.push(await change('chain', `chain ${value}`));
  const [, second, third] = patches;
  const swap = `UPDATE artifact SET cas_id = $2 WHERE id = $1`;
  await sql(swap, [second!.id, third!.cas_id]);
  const { items } = await fsck();
  expect(items).toEqual(
    [
      { kind: 'version_not_materialised', about: second!.id, detail: 'it comes to another hash' },
      {
        kind: 'version_not_materialised',
        about: third!.id,
        detail: expect.stringContaining(second!.id) as string,
      },
    ].sort((a, b) => (a.about < b.about ? -1 : 1)),
  );
  await sql(swap, [second!.id, second!.cas_id]);
  await sql(`UPDATE artifact SET plan_hash = $2 WHERE id = $1`, [third!.id, second!.plan_hash]);
  expect((await fsck()).items).toEqual(
    expect.arrayContaining([
      {
        kind: 'version_not_materialised',
        about: third!.id,
        detail: expect.stringContaining('plan hash') as string,
      },
    ]),
  );
  await sql(`UPDATE artifact SET plan_hash = $2 WHERE id = $1`, [third!.id, third!.plan_hash]);
});

it('finds an object that nobody knows of, and leaves one that is noted as garbage', async () => {
  const cas_id = await upload(Buffer.alloc(9_000, 'stray'));
  await sql('DELETE FROM blob_grant WHERE cas_id = $1', [cas_id]);
  const [{ storage_url }] = (await sql('DELETE FROM cas_blob WHERE cas_id = $1 RETURNING storage_url', [
    cas_id,
  ])) as [{ storage_url: string }];
  expect((await fsck()).items).toEqual([
    { kind: 'unknown_object', about: storage_url, detail: expect.any(String) as string },
  ]);
  await sql('INSERT INTO object_garbage (storage_url) VALUES ($1)', [storage_url]);
  expect((await fsck()).items).toEqual([]);
});

/** Rows that the constraints would refuse: what a repair by hand or a defect of ours could leave. */
const without = async (constraints: string[], change: () => Promise<unknown>) => {
  const client = await opened.database.pool.connect();
  try {
    await client.query('BEGIN');
    for (const constraint of constraints)
      await client.query(`ALTER TABLE ${constraint.replace('.', ' DROP CONSTRAINT ')}`);
    await client.query('COMMIT');
    await change();
  } finally {
    client.release();
  }
};

it('finds rows that contradict each other', async () => {
  for (const tag of ['right', 'chain']) await save(tag, 1);
  await change('chain', 2);
  const one = await save('broken', 'b1');
  const two = await save('broken', 'b2');
  await without(['tag.tag_target_live', 'artifact.artifact_content_stored'], async () => {
    await sql('UPDATE artifact SET live = false WHERE id = $1', [two.id]);
    await sql('UPDATE cas_blob SET content = NULL, collected_at = now() WHERE cas_id = $1', [one.cas_id]);
    await sql("UPDATE tag SET version = 9 WHERE name = 'right'");
    await sql("UPDATE tag_move SET from_id = $1 WHERE tag_name = 'chain' AND seq = 2", [one.id]);
  });
  const { items } = await fsck();
  expect(items.map(({ kind, about }) => [kind, about])).toEqual([
    ['artifact_without_blob', one.id],
    ['history_broken', `${PROJECT_ID} chain 2`],
    ['tag_off_history', `${PROJECT_ID} right`],
    ['tag_on_dead_version', `${PROJECT_ID} broken`],
  ]);
});
