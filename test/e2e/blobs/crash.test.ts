import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { SLICE_BYTES } from '../../../src/contract/object-store.ts';
import { TOKEN } from '../../../src/api/app-fixture.ts';
import { blobApi, type BlobApi, casIdOf } from '../../support/blob-api.ts';
import { spawnBlobServer } from '../../support/blob-process.ts';
import { STORE_KINDS } from '../../support/object-stores.ts';

describe.each(STORE_KINDS)('a process killed in the middle of an upload into %s', (kind) => {
  let blobs: BlobApi;

  beforeAll(async () => {
    blobs = await blobApi(kind);
  });
  afterAll(() => blobs?.close());

  it('leaves no blob, a note of its object, and nothing that a sweep would not remove', async () => {
    const bytes = randomBytes(20 * SLICE_BYTES);
    const { database_url, spool_directory, objects } = blobs;
    const server = await spawnBlobServer({
      database_url,
      spool_directory,
      directory: objects.directory,
      s3: objects.s3?.options,
      stop_in_put: true,
    });
    const uploading = fetch(`${server.url}/api/v1/blobs`, {
      method: 'PUT',
      body: bytes,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const cut = expect(uploading).rejects.toThrow();
    await server.stopped;
    await server.kill();
    await cut;

    const rows = async (table: string) =>
      (await blobs.database.pool.query(`SELECT * FROM ${table}`)).rows as unknown[];
    expect([await rows('cas_blob'), await rows('blob_grant')]).toEqual([[], []]);
    expect(await rows('object_garbage')).toMatchObject([{ deleting: false }]);
    expect(await readdir(spool_directory)).toEqual([]);

    // An upload that goes well meanwhile is not in the sweep's way, nor the other way round.
    expect((await blobs.send('PUT', '/blobs', { body: bytes })).status).toBe(201);
    expect(await blobs.store.blobs.sweepGarbage(3_600)).toEqual({ deleted: 0, failed: [] });
    expect(await blobs.store.blobs.sweepGarbage(0)).toEqual({ deleted: 1, failed: [] });
    expect(await rows('object_garbage')).toEqual([]);
    const kept = await blobs.keyOf(casIdOf(bytes));
    expect(await objects.traces()).toEqual([kept.split('/')[1]]);
    const got = await blobs.send('GET', `/blobs/${casIdOf(bytes)}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
  });
});

it('a sweep leaves an object for the next one when its store is away', async () => {
  const blobs = await blobApi('s3');
  await blobs.database.pool.query(
    "INSERT INTO object_garbage (storage_url) VALUES ('s3:elsewhere/a'), ('s3:blobs/b')",
  );
  await blobs.objects.s3!.stop();
  const { deleted, failed } = await blobs.store.blobs.sweepGarbage(0);
  expect([deleted, failed.sort()]).toEqual([0, ['s3:blobs/b', 's3:elsewhere/a']]);
  expect((await blobs.database.pool.query('SELECT * FROM object_garbage')).rowCount).toBe(2);
  await blobs.close();
});
