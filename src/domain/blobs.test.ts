import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { type TestDatabase, testDatabase } from '../../test/support/database.ts';
import { findBlob, readContent } from '../persistence/blobs.ts';
import { type Database, openDatabase } from '../persistence/db.ts';
import { encodeJson } from './blobs-encode.ts';
import { contentHash } from './rules/content-hash.ts';
import { type StoreServices, storeServices } from './store.ts';

const project_id = '00000000-0000-7000-8000-000000000001';
const foreign_id = v7();
const octets = { media_type: 'application/octet-stream' };
const corrupt: string[] = [];
let test_database: TestDatabase;
let database: Database;
let store: StoreServices;

beforeAll(async () => {
  test_database = await testDatabase();
  database = openDatabase({ url: test_database.url, max_connections: 4 });
  await database.pool.query("INSERT INTO project (id, name, created_by) VALUES ($1, 'foreign', 'test')", [
    foreign_id,
  ]);
  store = storeServices({
    db: database.db,
    ids: v7,
    limits: { blob_bytes: 1_000 },
    onCorrupt: (id) => corrupt.push(id),
  });
});

afterAll(async () => {
  await database?.close();
  await test_database?.drop();
});

// eslint-disable-next-line @typescript-eslint/require-await
async function* stream(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

it('gives back what was put, named by its hash', async () => {
  const bytes = randomBytes(500);
  const put = await store.blobs.receive(
    project_id,
    stream(bytes.subarray(0, 100), bytes.subarray(100)),
    octets,
  );
  expect(put).toEqual({
    cas_id: contentHash(bytes),
    size_bytes: 500,
    media_type: octets.media_type,
    created: true,
  });
  expect((await store.blobs.get(project_id, put.cas_id)).bytes.equals(bytes)).toBe(true);
  expect(await store.blobs.head(project_id, put.cas_id)).toMatchObject({ size_bytes: 500 });
  expect((await store.blobs.put(project_id, bytes, octets)).created).toBe(false);
});

it('reads a large blob byte for byte, in a transaction too', async () => {
  const large = storeServices({ db: database.db, ids: v7, limits: { inline_blob_bytes: 4_000_000 } });
  for (const size of [65_536, 65_537, 262_144, 262_145, 3_000_000]) {
    const bytes = randomBytes(size);
    const { cas_id } = await large.blobs.put(project_id, bytes, octets);
    expect((await large.blobs.get(project_id, cas_id)).bytes.equals(bytes)).toBe(true);
    const inside = await database.db.transaction(async (tx) => {
      const row = await findBlob(tx, project_id, cas_id);
      return readContent(tx, row!);
    });
    expect(inside?.equals(bytes)).toBe(true);
  }
});

it('stores the empty blob', async () => {
  const { cas_id } = await store.blobs.receive(project_id, stream(), octets);
  expect((await store.blobs.get(project_id, cas_id)).bytes).toHaveLength(0);
});

it('answers another project as if the blob were not there, and tells it nothing when it puts it too', async () => {
  const bytes = randomBytes(50);
  const { cas_id } = await store.blobs.put(project_id, bytes, octets);
  await expect(store.blobs.get(foreign_id, cas_id)).rejects.toMatchObject({ code: 'not_found' });
  await expect(store.blobs.head(foreign_id, cas_id)).rejects.toMatchObject({ code: 'not_found' });
  expect((await store.blobs.put(foreign_id, bytes, octets)).created).toBe(true);
  expect((await store.blobs.get(foreign_id, cas_id)).bytes.equals(bytes)).toBe(true);
});

it('refuses bytes that are not what their name says, and stores nothing', async () => {
  const expected = contentHash(randomBytes(10));
  await expect(store.blobs.put(project_id, randomBytes(10), { ...octets, expected })).rejects.toMatchObject({
    code: 'hash_mismatch',
  });
  await expect(store.blobs.get(project_id, expected)).rejects.toMatchObject({ code: 'not_found' });
});

it('takes a blob of the limit and refuses one byte more, announced or not', async () => {
  await store.blobs.receive(project_id, stream(randomBytes(1_000)), octets);
  const over = () => stream(randomBytes(600), randomBytes(401));
  await expect(store.blobs.receive(project_id, over(), octets)).rejects.toMatchObject({
    code: 'payload_too_large',
  });
  const announced = { ...octets, announced_bytes: 1_001 };
  await expect(store.blobs.receive(project_id, stream(), announced)).rejects.toMatchObject({
    code: 'payload_too_large',
  });
});

it.each(['', 'sha256:', 'sha256:zz', '\u0000'])('does not know a blob called %j', async (cas_id) => {
  await expect(store.blobs.get(project_id, cas_id)).rejects.toMatchObject({ code: 'not_found' });
});

it('answers an integrity error and never wrong bytes when stored blobs were corrupted', async () => {
  const put = await Promise.all(
    Array.from({ length: 200 }, () => store.blobs.put(project_id, randomBytes(64), octets)),
  );
  const broken = new Set(put.filter((_, i) => i % 100 === 7).map((blob) => blob.cas_id));
  await database.pool.query(
    'UPDATE cas_blob SET content = set_byte(content, 5, get_byte(content, 5) # 1) WHERE cas_id = ANY($1)',
    [[...broken]],
  );
  for (const { cas_id } of put) {
    const reading = store.blobs.get(project_id, cas_id);
    if (broken.has(cas_id)) await expect(reading).rejects.toMatchObject({ code: 'blob_corrupt' });
    else expect(contentHash((await reading).bytes)).toBe(cas_id);
  }
  expect(new Set(corrupt)).toEqual(broken);
});

it('answers an integrity error for a definition whose blob was corrupted', async () => {
  const definition = {
    schema_version: 1,
    name: 'x',
    nodes: { a: { type: 'transform', config: { value: 'corrupt me' } } },
  };
  const { head } = await store.workflows.save(
    { project_id, actor: 't', role: 'owner' },
    { tag: 'corrupted', definition, expectation: {} },
  );
  await database.pool.query(
    "UPDATE cas_blob SET content = overlay(content placing 'X'::bytea from 40) WHERE cas_id = $1",
    [head.cas_id],
  );
  const cold = storeServices({ db: database.db, ids: v7 });
  await expect(cold.definitions.read(project_id, head.version_hash)).rejects.toMatchObject({
    code: 'blob_corrupt',
  });
});

it('reads a version whose definition and patch somebody had stored as large blobs before', async () => {
  const options = { db: database.db, ids: v7, limits: { inline_blob_bytes: 0 } };
  const objects = storeServices(options);
  const definition = {
    schema_version: 1,
    name: 'x',
    nodes: { a: { type: 'transform', config: { value: 'from an object' } } },
  };
  const operations = [{ op: 'replace', path: '/nodes/a/config/value', value: 'patched' }];
  const patched = { ...definition, nodes: { a: { type: 'transform', config: { value: 'patched' } } } };
  const caller = { project_id, actor: 't', role: 'owner' } as const;
  for (const value of [definition, operations, patched])
    await objects.blobs.put(foreign_id, encodeJson(value).bytes, octets);
  const { head } = await objects.workflows.save(caller, { tag: 'objects', definition, expectation: {} });
  const cold = storeServices(options);
  expect(await cold.definitions.read(project_id, head.version_hash)).toEqual(definition);
  const { head: after } = await cold.patches.create(caller, { tag: 'objects', operations, expectation: {} });
  for (const forget of ['', 'DELETE FROM materialisation']) {
    await database.pool.query(forget);
    expect(await storeServices(options).definitions.read(project_id, after.version_hash)).toEqual(patched);
  }
});
